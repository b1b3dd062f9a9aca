"""WaveFake: the sentences of LJSpeech and JSUT said again by vocoders, with the recordings they were made from.

Paper: Frank & Schönherr, WaveFake: A Data Set to Facilitate Audio Deepfake Detection, NeurIPS Datasets 2021
(arXiv:2111.02813).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from unmask import trees
from unmask.about import About
from unmask.manifest import FAKE, REAL, Item

ABOUT: Final = About(
    name="WaveFake",
    licence="CC BY-SA 4.0; LJSpeech is in the public domain, JSUT has terms of its own",
    homepage="https://github.com/RUB-SysSec/WaveFake",
    how_to_get="get generated_audio.zip over its page, and the recordings from https://keithito.com/LJ-Speech-Dataset "
    "and https://sites.google.com/site/shinnosuketakamichi/publication/jsut, and unpack them, so that the folder you "
    "name holds generated_audio/{ljspeech_melgan,jsut_parallel_wavegan,...}, LJSpeech-1.1/wavs and "
    "jsut_ver1.1/basic5000/wav; fakes of a voice whose recordings are not there are left out, as its language would "
    "tell the label",
    labels="the folder says it: everything under generated_audio is 1, the recordings are 0; nothing was flipped",
    traps=(
        "WaveFake itself holds no real speech: with any other than the recordings it was made from, a detector tells "
        "one collection from the other.",
        "Rates differ: LJSpeech and its fakes have 22.05 kHz, recordings of JSUT 48 kHz, its fakes 24 kHz. Once all "
        "are brought to 16 kHz, what the different filters left near the upper end may still tell.",
        "Two women speak, one English, one Japanese: figures say nothing of other voices, and nobody new is in test.",
        "A fake says the very sentence of its recording, and so do those of the other vocoders; they share a group, so "
        "that no sentence is in two splits. There are no official splits.",
        "There are up to seven fakes for each recording: weigh the classes.",
        "But for one folder, which is text to speech with other sentences, fakes are recordings passed through a "
        "vocoder: melody and timing are those of the person.",
    ),
    media="sound",
)

SOURCE: Final = "wavefake"
_FAKES: Final = "generated_audio"
_RECORDINGS: Final = {"ljspeech": "LJSpeech-1.1/wavs", "jsut": "jsut_ver1.1/basic5000/wav"}
_VOCODED: Final = re.compile(r"(ljspeech|jsut)_(.+)")
_SPOKEN: Final = re.compile(r"common_voices_prompts_from_(.+)_(ljspeech)")
_SENTENCE: Final = re.compile(r"(LJ\d+-\d+|BASIC5000_\d+)(?:_gen)?")


def items(root: Path) -> Iterator[Item]:
    """Recordings of LJSpeech, recordings of JSUT, then the fakes of both, generator by generator.

    Raises:
        ManifestError: The fakes or the recordings are not there.
    """
    start = trees.base(ABOUT, root, ("", "WaveFake"), (_FAKES,))
    if not (start / _FAKES).is_dir():
        raise trees.missing(ABOUT, root, f"{_FAKES} is not a folder")
    return trees.both_classes(ABOUT, root, _items(start))


def _items(root: Path) -> Iterator[Item]:
    there = {corpus: root / place for corpus, place in _RECORDINGS.items() if (root / place).is_dir()}
    for corpus, folder in there.items():
        yield from _files(folder, REAL, "real", corpus)
    for folder in trees.folders(root / _FAKES):
        corpus, method = _made(folder.name)
        if corpus in there:
            yield from _files(folder, FAKE, method, corpus)


def _made(folder: str) -> tuple[str, str]:
    """The corpus and the generator that a folder is named after; of a folder that is none of theirs, nothing."""
    if vocoded := _VOCODED.fullmatch(folder):
        return vocoded[1], vocoded[2]
    spoken = _SPOKEN.fullmatch(folder)
    return (spoken[2], spoken[1]) if spoken else ("", "")


def _files(folder: Path, label: int, method: str, corpus: str) -> Iterator[Item]:
    for path in trees.files(folder, trees.SOUNDS):
        sentence = _SENTENCE.fullmatch(path.stem)
        group = sentence[1] if sentence else ""
        yield Item(path, label, method, SOURCE, "", group, ABOUT.licence, {"corpus": corpus})

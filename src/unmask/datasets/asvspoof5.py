"""ASVspoof 5: read books of two thousand volunteers, and their voices made by 32 attacks, some of them adversarial.

Paper: Wang et al., ASVspoof 5: Design, Collection and Validation of Resources for Spoofing, Deepfake, and Adversarial
Attack Detection Using Crowdsourced Speech, 2025 (arXiv:2502.08857). The columns are explained in its README.txt.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from unmask import trees
from unmask.about import About
from unmask.datasets.asvspoof2019 import LABELS, said, trials
from unmask.manifest import FAKE, Item

ABOUT: Final = About(
    name="ASVspoof 5 (track 1)",
    licence="ODC-By 1.0, the real recordings CC BY 4.0, as its README.txt states",
    homepage="https://www.asvspoof.org/",
    how_to_get="follow its page to the data and unpack as many archives as you need, so that the folder you name "
    "holds flac_T, flac_D and flac_E_eval, and beside them, or in ASVspoof5_protocols, ASVspoof5.train.tsv, "
    "ASVspoof5.dev.track_1.tsv and ASVspoof5.eval.track_1.tsv; files that are not there are left out, and whole they "
    "are 182,357, 140,950 and 680,774",
    labels="the column KEY says bonafide or spoof in words; nothing was flipped",
    traps=(
        "Real speech is of Multilingual LibriSpeech, which was MP3 before it was FLAC; whether fakes carry the traces "
        "of such a past is for `unmask audit` to say.",
        "Only eval is compressed (the attribute codec; Encodec, a network, is among them): a detector that never heard "
        "codecs in training meets them there, so state figures with and without.",
        "Train has attacks A01 to A08, dev A09 to A16, eval A17 to A32, some of them tuned to deceive detectors and "
        "speaker verification at once.",
        "There are about nine, three and a half and four fakes for each real recording of train, dev and eval: a "
        "threshold of one part does not fit the others, and accuracy says little.",
        "All speech is read aloud from books. No speaker is in two parts; a group is a speaker.",
        "A compressed recording is another one again (the attribute original): intervals that take files for "
        "independent are too narrow.",
    ),
    media="sound",
)

SOURCE: Final = "asvspoof5"
_PARTS: Final = {
    "train": ("flac_T", "ASVspoof5.train.tsv"),
    "val": ("flac_D", "ASVspoof5.dev.track_1.tsv"),
    "test": ("flac_E_eval", "ASVspoof5.eval.track_1.tsv"),
}
_LINE: Final = "E_1607 E_0009538969 M C05 2 E_0009486171 AC1 A26 spoof -"
_GENDERS: Final = {"F": "female", "M": "male"}


def items(root: Path) -> Iterator[Item]:
    """The recordings that the protocols of track 1 name, part by part, as far as they are there.

    `attributes` say the gender, the codec with its quality and the recording it was made of, and how an attack was
    adapted to detectors.

    Raises:
        ManifestError: The recordings or a protocol to them are not there, or a line of one is not of its form.
    """
    start = trees.base(ABOUT, root, ("", "ASVspoof5"), [folder for folder, _ in _PARTS.values()])
    return trees.both_classes(ABOUT, root, _items(root, start))


def _items(root: Path, start: Path) -> Iterator[Item]:
    for split, (folder, protocol) in _PARTS.items():
        if not (start / folder).is_dir():
            continue
        for words in trials(_table(root, start, protocol), _LINE, key=8):
            path = start / folder / f"{words[1]}.flac"
            if path.is_file():
                label = LABELS[words[8]]
                method = words[7] if label == FAKE else "real"
                yield Item(path, label, method, SOURCE, split, words[0], ABOUT.licence, _attributes(words))


def _table(root: Path, start: Path, name: str) -> Path:
    for table in (start / name, start / "ASVspoof5_protocols" / name):
        if table.is_file():
            return table
    raise trees.missing(ABOUT, root, f"{name} is missing")


def _attributes(words: list[str]) -> dict[str, str]:
    gender, codec, quality, original, adapted = (said(word) for word in words[2:7])
    return {
        "gender": _GENDERS.get(gender, gender),
        "codec": codec,
        "codec_quality": quality,
        "original": original,
        "adaptation": adapted,
    }

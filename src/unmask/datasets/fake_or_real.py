"""Fake-or-Real (FoR): speech of several public collections, and sentences spoken by the text-to-speech of 2019.

Paper: Reimao & Tzerpos, FoR: A Dataset for Synthetic Speech Detection, SpeD 2019.
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
    name="Fake-or-Real (FoR)",
    licence="as its page states; we have not seen its wording",
    homepage="https://bil.eecs.yorku.ca/datasets/",
    how_to_get="download one or more of its versions from its page and unpack them, so that the folder you name holds "
    "{for-original,for-norm,for-2sec,for-rerec}/{training,validation,testing}/{real,fake}, with one more folder in "
    "between where the archive has one, or name a version itself",
    labels="the folder says it: fake is 1, real is 0; nothing was flipped",
    traps=(
        "In for-original most fakes are MP3 and the real recordings are WAV, so the format tells the label. for-norm "
        "makes WAV of all, but not what MP3 took away: the attribute origin says which files were MP3 once.",
        "Length and silence differ from collection to collection, so they may tell too: silence is cut away only from "
        "for-norm on, and only for-2sec and for-rerec are of one length. Run `unmask audit`.",
        "The versions are the same recordings again: compare figures within one. for-rerec is for-2sec played by a "
        "loudspeaker and recorded.",
        "Real speech comes from a few collections (Arctic, LJSpeech, VoxForge and recordings of the authors), fakes "
        "from others: microphone and room tell them apart.",
        "The fakes of testing are of a system that training does not hold: figures there need not be those of "
        "validation.",
        "Nothing says who speaks or which system made a fake: speakers may be in two splits, and there are no groups.",
    ),
    media="sound",
)

SOURCE: Final = "fake_or_real"
_VERSIONS: Final = {
    "for-original": "for-original",
    "for-norm": "for-norm",
    "for-2sec": "for-2sec",
    "for-2seconds": "for-2sec",
    "for-rerec": "for-rerec",
    "for-rerecorded": "for-rerec",
}
_SPLITS: Final = {"training": "train", "validation": "val", "testing": "test"}
_LABELS: Final = {"real": REAL, "fake": FAKE}
_ORIGIN: Final = re.compile(r"file\d+\.(wav|mp3)(?![a-z0-9])")
"""Files keep the name that they had in each step: file20440.mp3.wav_16k.wav_norm.wav."""


def items(root: Path) -> Iterator[Item]:
    """The recordings, version by version and split by split; `attributes` say the version and the first format.

    Raises:
        ManifestError: No version is there, or a class is empty.
    """
    if not root.is_dir():
        raise trees.missing(ABOUT, root, "it is not a folder")
    found = list(_versions(root))
    if not found:
        raise trees.missing(ABOUT, root, f"no {', '.join(dict.fromkeys(_VERSIONS.values()))} in it holds training")
    return trees.both_classes(ABOUT, root, (item for place in found for item in _items(*place)))


def _versions(root: Path) -> Iterator[tuple[Path, str]]:
    outer = trees.folders(root)
    inner = [folder for one in outer if one.name in _VERSIONS for folder in trees.folders(one)]
    for folder in (root, *outer, *inner):
        version = _VERSIONS.get(folder.name)
        if version and any((folder / split).is_dir() for split in _SPLITS):
            yield folder, version


def _items(root: Path, version: str) -> Iterator[Item]:
    for folder, split in _SPLITS.items():
        for name, label in _LABELS.items():
            place = root / folder / name
            for path in trees.files(place, trees.SOUNDS) if place.is_dir() else ():
                origin = _ORIGIN.match(path.name)
                attributes = {"version": version, "origin": origin[1] if origin else ""}
                method = "tts" if label == FAKE else "real"
                yield Item(path, label, method, SOURCE, split, "", ABOUT.licence, attributes)

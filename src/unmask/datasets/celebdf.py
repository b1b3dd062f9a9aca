"""Celeb-DF (v2): clips of celebrities from YouTube, and the same clips with the face of another celebrity.

Paper: Li et al., Celeb-DF: A Large-scale Challenging Dataset for DeepFake Forensics, CVPR 2020.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from unmask import trees
from unmask.about import About
from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL, Item

ABOUT: Final = About(
    name="Celeb-DF (v2)",
    licence="Terms to Use Celeb-DF: research, on request",
    homepage="https://github.com/yuezunli/celeb-deepfakeforensics",
    how_to_get="fill in the form on its page and unpack what you are sent, so that the folder you name holds "
    "Celeb-real, YouTube-real, Celeb-synthesis and List_of_testing_videos.txt",
    labels="the folder says it; List_of_testing_videos.txt says 1 for real, and must agree once flipped",
    traps=(
        "The official test list is by clip, not by person: most of the celebrities in it are in the rest too, so a "
        "detector may know the faces it is tested on. The attributes identity and donor tell who it is.",
        "Fakes over one clip lie on both sides of the official list. They share a group here, so preparing keeps "
        "test whole and takes such clips out of train, and says how many.",
        "There is no official val: preparing its stills with --dataset table cuts one from train, by clip.",
        "About nine fakes come on each original of Celeb-real; YouTube-real has no fakes at all, so whoever tells its "
        "look has found real clips.",
        "One method made all fakes; figures on them say nothing of other methods.",
    ),
    media="videos",
)

SOURCE: Final = "celebdf"
_FOLDERS: Final = {"Celeb-real": REAL, "YouTube-real": REAL, "Celeb-synthesis": FAKE}
_TESTING: Final = "List_of_testing_videos.txt"
_REAL: Final = re.compile(r"(id\d+)_(\d+)")
_SWAPPED: Final = re.compile(r"(id\d+)_(id\d+)_(\d+)")


def items(root: Path) -> Iterator[Item]:
    """The videos, folder by folder; those of the official list are in test, all others in train.

    Raises:
        ManifestError: The data set or its test list is not there, or the list contradicts the folders.
    """
    start = trees.base(ABOUT, root, ("", "Celeb-DF-v2"), _FOLDERS)
    return trees.both_classes(ABOUT, root, _items(start, testing(start)))


def testing(root: Path) -> frozenset[str]:
    """The official test videos, such as "YouTube-real/00170.mp4".

    Raises:
        ManifestError: The list is missing, or a line of it is not of its form, or its label contradicts the folder.
    """
    path = root / _TESTING
    if not path.is_file():
        raise trees.missing(ABOUT, root, f"{_TESTING} is missing")
    names = set()
    for line, text in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        if not text.strip():
            continue
        said, _, name = text.strip().partition(" ")
        folder = name.strip().split("/")[0]
        if said not in ("0", "1") or folder not in _FOLDERS:
            raise ManifestError(f'{path}, line {line} is not such as "1 YouTube-real/00170.mp4": {text[:80]}')
        if (said == "1") != (_FOLDERS[folder] == REAL):
            raise ManifestError(f"{path}, line {line}: label {said} contradicts {folder}; 1 is real there")
        names.add(name.strip())
    return frozenset(names)


def clip(stem: str) -> str:
    """The clip that a name is about: id1_0007 for itself, and for id1_id0_0007, which was made over it."""
    swapped = _SWAPPED.fullmatch(stem)
    return f"{swapped[1]}_{swapped[3]}" if swapped else stem


def _items(root: Path, tested: frozenset[str]) -> Iterator[Item]:
    for folder, label in _FOLDERS.items():
        for path in trees.files(root / folder, trees.VIDEOS) if (root / folder).is_dir() else ():
            split = "test" if f"{folder}/{path.name}" in tested else "train"
            group = clip(path.stem) if folder != "YouTube-real" else f"youtube_{path.stem}"
            method = "Celeb-synthesis" if label == FAKE else "real"
            yield Item(path, label, method, SOURCE, split, group, ABOUT.licence, _persons(path.stem))


def _persons(stem: str) -> dict[str, str]:
    if swapped := _SWAPPED.fullmatch(stem):
        return {"identity": swapped[1], "donor": swapped[2]}
    real = _REAL.fullmatch(stem)
    return {"identity": real[1] if real else "", "donor": ""}

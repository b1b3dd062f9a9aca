"""FaceForensics++: 1,000 clips of YouTube and the same clips manipulated in five ways, at three compressions.

Paper: Rössler et al., FaceForensics++: Learning to Detect Manipulated Facial Images, ICCV 2019.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from unmask import trees
from unmask.about import About
from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL, Item

ABOUT: Final = About(
    name="FaceForensics++",
    licence="FaceForensics Terms of Use: research, on request",
    homepage="https://github.com/ondyari/FaceForensics",
    how_to_get="ask for the download script on its page, and download the videos, so that the folder you name holds "
    "original_sequences/youtube/{raw,c23,c40}/videos and manipulated_sequences/{Deepfakes,Face2Face,FaceSwap,"
    "NeuralTextures,FaceShifter}/{raw,c23,c40}/videos; put the official train.json, val.json and test.json, which lie "
    "in dataset/splits of its repository, into splits/ in that folder",
    labels="the folder says it: original_sequences is 0, manipulated_sequences is 1; nothing was flipped",
    traps=(
        "A fake and its original show the same scene: with both in different splits a detector recognises rooms, not "
        "fakes. The official splits, by pairs of clips, prevent that, and both clips of a pair share a group here.",
        "The three compressions are the same clips again: compare figures within one compression, or name them all.",
        "There are up to five fakes for each original: weigh the classes, or accuracy is high for whoever says fake.",
        "Some persons recur in several clips; the splits are by clip, not by person.",
        "All clips went through YouTube's compression before they were manipulated; raw means only that none followed.",
        "DeepFakeDetection and its actors, which the download script brings too, are not listed: no official split.",
    ),
    media="videos",
)

SOURCE: Final = "faceforensics"
METHODS: Final = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter")
COMPRESSIONS: Final = ("raw", "c23", "c40")
_SPLITS: Final = ("train", "val", "test")

Pairs = dict[str, tuple[str, str]]
"""Clip to its split and its group, the pair it belongs to."""


def items(root: Path) -> Iterator[Item]:
    """The videos, originals first; `attributes` say the compression.

    Raises:
        ManifestError: The data set or its split files are not there, or a video is in none of them.
    """
    start = trees.base(ABOUT, root, ("", "FaceForensics++"), ("original_sequences", "manipulated_sequences"))
    return trees.both_classes(ABOUT, root, _items(start, pairs(start)))


def pairs(root: Path) -> Pairs:
    """The official splits: lists of pairs of clips, each of which was manipulated with the other.

    Raises:
        ManifestError: A split file is missing, is no list of pairs, or names a clip that another pair has.
    """
    found: Pairs = {}
    for split in _SPLITS:
        table = next(
            (path for path in (root / "splits" / f"{split}.json", root / f"{split}.json") if path.is_file()), None
        )
        if table is None:
            raise trees.missing(ABOUT, root, f"splits/{split}.json is missing")
        for pair in _read(table):
            for clip in pair:
                if clip in found:
                    raise ManifestError(f"{table} names clip {clip} a second time: each belongs to one pair")
            found.update(dict.fromkeys(pair, (split, "_".join(sorted(pair)))))
    return found


def _read(table: Path) -> list[tuple[str, str]]:
    try:
        content = json.loads(table.read_bytes())
        return [(str(one), str(other)) for one, other in content]
    except (ValueError, TypeError) as error:
        raise ManifestError(f'{table} is not a list of pairs such as ["071", "054"]') from error


def _items(root: Path, known: Pairs) -> Iterator[Item]:
    places = [("original_sequences/youtube", "real"), *((f"manipulated_sequences/{name}", name) for name in METHODS)]
    for place, method in places:
        for compression in COMPRESSIONS:
            folder = root / place / compression / "videos"
            for path in trees.files(folder, trees.VIDEOS) if folder.is_dir() else ():
                split, group = _place(path, known)
                yield Item(
                    path,
                    REAL if method == "real" else FAKE,
                    method,
                    SOURCE,
                    split,
                    group,
                    ABOUT.licence,
                    {"compression": compression},
                )


def _place(path: Path, known: Pairs) -> tuple[str, str]:
    """The split and the group of 071.mp4, or of 071_054.mp4, whose clips must form one pair."""
    places = {known.get(clip) for clip in path.stem.split("_")}
    place = places.pop()
    if place is None or places:
        raise ManifestError(f"{path} is no clip, and no pair of clips, of the official splits: remove it")
    return place

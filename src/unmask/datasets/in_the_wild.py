"""In-the-Wild: speech of 58 politicians and other public figures, and fakes of them, all found on the web.

Paper: Müller et al., Does Audio Deepfake Detection Generalize?, Interspeech 2022 (arXiv:2203.16263).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from unmask import trees
from unmask.about import About
from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL, Item

ABOUT: Final = About(
    name="In-the-Wild",
    licence="said to be CC BY-SA 4.0; we have not seen the wording of its owner, nor the terms of the web pages that "
    "the speech was taken from",
    homepage="https://deepfake-total.com/in_the_wild",
    how_to_get="download release_in_the_wild.zip from its page and unpack it, so that the folder you name holds "
    "release_in_the_wild with meta.csv and the recordings",
    labels="the column label of meta.csv says bona-fide or spoof in words; nothing was flipped",
    traps=(
        "Real and fake speech of a person comes from different pages: room, music, noise and compression may tell "
        "them apart. Run `unmask audit`.",
        "Fakes were cut from some two hundred clips, many pieces from each, and no column says which clip: pieces are "
        "not independent, so intervals are too narrow.",
        "No column says what made a fake; the tools are those of 2022 and before.",
        "There are no official splits, as it was made to test what was trained elsewhere. A group is a person; "
        "not all have as many fakes as real recordings, so who speaks may tell the label.",
        "Speech is English, and of persons that large speech sets and speech models may have heard.",
    ),
    media="sound",
)

SOURCE: Final = "in_the_wild"
_TABLE: Final = "meta.csv"
_COLUMNS: Final = frozenset({"file", "speaker", "label"})
_LABELS: Final = {"bona-fide": REAL, "spoof": FAKE}


def items(root: Path) -> Iterator[Item]:
    """The recordings of meta.csv, in its order; none has a split.

    Raises:
        ManifestError: The table is not there, lacks a column, or a line of it names no file or has another label.
    """
    start = trees.base(ABOUT, root, ("", "release_in_the_wild"), (_TABLE,))
    return trees.both_classes(ABOUT, root, _items(start / _TABLE))


def _items(table: Path) -> Iterator[Item]:
    with table.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        reader = csv.DictReader(file)
        if lacking := _COLUMNS - set(reader.fieldnames or ()):
            raise ManifestError(f"{table} has no column {', '.join(sorted(lacking))}: download it again")
        for row in reader:
            name, label = row["file"] or "", _LABELS.get(row["label"] or "")
            if label is None:
                said = row["label"]
                raise ManifestError(f'{table}: the label of {name} is "{said}", but must be bona-fide or spoof')
            if not name or PurePosixPath(name).name != name:
                raise ManifestError(f'{table}: "{name}" is not the name of a file')
            method = "unknown" if label == FAKE else "real"
            yield Item(table.parent / name, label, method, SOURCE, group=row["speaker"], licence=ABOUT.licence)

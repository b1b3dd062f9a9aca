"""140k Real and Fake Faces: photos of FFHQ and faces made by StyleGAN, 256 px, in equal numbers."""

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
    name="140k Real and Fake Faces",
    licence="its parts are for non-commercial use: FFHQ (CC BY-NC-SA 4.0, each photo also under its own terms) and "
    "1 Million Fake Faces (CC BY-NC 4.0); read its page",
    homepage="https://www.kaggle.com/datasets/xhlulu/140k-real-and-fake-faces",
    how_to_get="download and unpack the archive from its page, so that the folder you name holds "
    "real_vs_fake/real-vs-fake/{train,valid,test}/{real,fake} and, beside real_vs_fake, "
    "train.csv, valid.csv and test.csv",
    labels="its own column label says 1 for real, so it is flipped here; folders and label_str must agree with it",
    traps=(
        "One generator only: a detector that finds all of its fakes knows the first StyleGAN, and says nothing of "
        "others.",
        "Photos and fakes are aligned alike, eyes at the same place, with one face each: pictures from elsewhere "
        "look different.",
        "All pictures are scaled to 256 px and saved as JPEG, which hides much of what a generator leaves behind; "
        "whether both classes were saved alike is for `unmask audit` to say.",
        "The splits were drawn picture by picture; nothing says that persons do not recur.",
    ),
)

SOURCE: Final = "faces140k"
_SPLITS: Final = {"train": "train", "valid": "val", "test": "test"}
_LABELS: Final = {"1": REAL, "0": FAKE}
_WORDS: Final = {"real": REAL, "fake": FAKE}
_COLUMNS: Final = ("label", "path")


def items(root: Path) -> Iterator[Item]:
    """The pictures of each split: as its CSV lists them where there is one, else as they lie in the folders.

    Raises:
        ManifestError: The data set is not there, or a CSV lacks a column, or contradicts the folder of a picture.
    """
    places = ("real_vs_fake/real-vs-fake", "real-vs-fake", "real_vs_fake", "")
    pictures = trees.base(ABOUT, root, places, _SPLITS)
    return trees.both_classes(ABOUT, root, _items(root, pictures))


def _items(root: Path, pictures: Path) -> Iterator[Item]:
    for name in _SPLITS:
        table = next((place / f"{name}.csv" for place in (root, pictures) if (place / f"{name}.csv").is_file()), None)
        yield from _listed(table, name, pictures) if table else _found(name, pictures)


def _listed(table: Path, name: str, pictures: Path) -> Iterator[Item]:
    with table.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = [column for column in _COLUMNS if column not in (reader.fieldnames or ())]
        if missing:
            raise ManifestError(f"{table} has no column {' and no column '.join(missing)}")
        for line, row in enumerate(reader, start=2):
            yield _row(f"{table}, line {line}", row, name, pictures)


def _row(where: str, row: dict[str, str | None], name: str, pictures: Path) -> Item:
    label = _LABELS.get((row["label"] or "").strip())
    path = PurePosixPath(row["path"] or "")
    if label is None:
        raise ManifestError(f'{where}: label is "{row["label"]}", but must be 1 (real) or 0 (fake)')
    if len(path.parts) != 3 or ".." in path.parts:
        raise ManifestError(f'{where}: path is "{path}", but must be such as {name}/real/00001.jpg')
    split, folder, _ = path.parts
    said = {"the folder": _WORDS.get(folder), "label_str": _WORDS.get((row.get("label_str") or folder).strip().lower())}
    for what, other in said.items():
        if other != label:
            raise ManifestError(f"{where}: label {row['label']} and {what} contradict each other; 1 is real there")
    if split != name:
        raise ManifestError(f"{where}: the picture lies in {split}, and the table is of {name}")
    return _item(pictures / path, label, name)


def _found(name: str, pictures: Path) -> Iterator[Item]:
    for word in sorted(_WORDS):
        folder = pictures / name / word
        for path in trees.files(folder, trees.PICTURES) if folder.is_dir() else ():
            yield _item(path, _WORDS[word], name)


def _item(path: Path, label: int, name: str) -> Item:
    method = "stylegan" if label == FAKE else "real"
    return Item(path, label, method, SOURCE, _SPLITS[name], licence=ABOUT.licence)

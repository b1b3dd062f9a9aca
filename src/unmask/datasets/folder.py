"""A folder of your own: pictures, videos or recordings in `real/` and `fake/`.

There may be `train/`, `val/` and `test/` above them. Folders inside `fake/` name the generator: `fake/stylegan/1.png`
has the method "stylegan".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from unmask import trees
from unmask.about import About
from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL, Item

ABOUT: Final = About(
    name="a folder of your own",
    licence="yours to know",
    homepage="",
    how_to_get="put pictures, videos or recordings in real/ and fake/, or in train/, val/ and test/ with real/ and "
    "fake/ in each",
    labels="the folder says it: everything under fake/ is 1, everything under real/ is 0",
    traps=(
        "Where real and fake files came from different places, size, length, format and compression tell them apart: "
        "run `unmask audit`.",
        "One person, one clip or one voice in two splits: only a table with the column group can say so.",
    ),
    media="either",
)

_LABELS: Final = {"real": REAL, "fake": FAKE}


def items(root: Path) -> Iterator[Item]:
    """All files in the labelled folders, sorted; hidden files and links to folders are passed over.

    Raises:
        ManifestError: The folder is not there, or is laid out differently, or holds a class with no file.
    """
    if not root.is_dir():
        raise ManifestError(f"{root} is not a folder")
    folders = list(_labelled_folders(root))
    if not folders:
        raise ManifestError(f"{root} holds neither real/ and fake/ nor splits with them: {ABOUT.how_to_get}")
    found = [item for folder, split, label in folders for item in _files(root, folder, split, label)]
    for name, label in _LABELS.items():
        if not any(item.label == label for item in found):
            raise ManifestError(f"{root} holds no {name} file: {ABOUT.how_to_get}")
    return iter(found)


def _labelled_folders(root: Path) -> Iterator[tuple[Path, str, int]]:
    for folder in _folders(root):
        name = folder.name.lower()
        if name in _LABELS:
            yield folder, "", _LABELS[name]
        elif name in trees.SPLITS:
            for inner in _folders(folder):
                if inner.name.lower() in _LABELS:
                    yield inner, trees.SPLITS[name], _LABELS[inner.name.lower()]


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir())


def _files(root: Path, folder: Path, split: str, label: int) -> Iterator[Item]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        if any(part.startswith(".") for part in inside) or not path.is_file():
            continue
        generator = inside[0] if len(inside) > 1 else "fake"
        method = generator if label == FAKE else "real"
        yield Item(path, label, method=method, source=root.resolve().name, split=split, licence=ABOUT.licence)

"""Walking the folder trees of data sets: files in an order that never changes, none of them opened."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Final

from unmask.about import About
from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL, Item

PICTURES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif", ".heic"})
VIDEOS: Final = frozenset(
    {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".flv", ".ts", ".3gp", ".ogv"}
)
SOUNDS: Final = frozenset(
    {
        *(".wav", ".wave", ".w64", ".rf64", ".flac", ".aiff", ".aif", ".aifc", ".caf", ".au", ".snd", ".voc", ".sph"),
        *(".mp3", ".mp2", ".mpga", ".m4a", ".m4b", ".m4r", ".aac", ".adts", ".mka", ".weba", ".wma", ".3ga"),
        *(".ogg", ".oga", ".opus", ".spx", ".amr", ".awb", ".gsm", ".ac3", ".eac3", ".dts"),
        *(".ape", ".wv", ".tta", ".tak", ".mpc"),
    }
)
SPLITS: Final = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
"""What folders and files of splits are called, in lower case."""


def files(folder: Path, suffixes: Collection[str]) -> Iterator[Path]:
    """All files below a folder with one of these suffixes (lower case), sorted name by name.

    Hidden files and links to folders are passed over. Only the names of one folder and of those above it are held at
    a time.
    """
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from files(Path(entry.path), suffixes)
        elif Path(entry.name).suffix.lower() in suffixes and entry.is_file():
            yield Path(entry.path)


def folders(folder: Path) -> list[Path]:
    """The folders right in a folder, sorted; hidden ones are passed over."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def base(about: About, root: Path, places: Iterable[str], holds: Collection[str]) -> Path:
    """Where below `root` the data set begins, as archives are unpacked with more or fewer folders around it.

    Args:
        about: The data set.
        root: What the user named.
        places: Folders below `root` to look in, best first; "" is `root` itself.
        holds: Names, one of which must lie there.

    Raises:
        ManifestError: Nowhere; the message says what to download and where to put it.
    """
    for place in places:
        if any((root / place / name).exists() for name in holds):
            return root / place
    raise missing(about, root, f"there is no {' or '.join(sorted(holds))} in it")


def missing(about: About, root: Path, what: str) -> ManifestError:
    """The error for a tree that is not there or not whole: what is wrong, and how to get the data."""
    if not root.exists():
        what = "no such file or folder"
    return ManifestError(f"{root} does not hold {about.name}: {what}. To get it: {about.how_to_get}")


def both_classes(about: About, root: Path, items: Iterable[Item]) -> Iterator[Item]:
    """The items, one by one.

    Raises:
        ManifestError: At the end, if there was no real or no fake item among them.
    """
    seen = set()
    for item in items:
        seen.add(item.label)
        yield item
    for label, word in ((REAL, "real"), (FAKE, "fake")):
        if label not in seen:
            raise missing(about, root, f"no {word} file was found")

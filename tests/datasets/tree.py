"""Drawn trees for the tests of data sets: files are empty where nobody reads them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from unmask.manifest import Item


def touch(root: Path, *names: str) -> None:
    """Empty files, with their folders."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def by_path(root: Path, items: Iterator[Item]) -> dict[str, Item]:
    """Items by their path below the root, in the order in which they came."""
    return {item.path.relative_to(root).as_posix(): item for item in items}

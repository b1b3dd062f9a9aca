"""A manifest of your own, in CSV or Parquet: see `unmask.manifest` for its columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from unmask import manifest, trees
from unmask.about import About
from unmask.manifest import Item

ABOUT: Final = About(
    name="a table of your own",
    licence="yours to know; the column licence says it item by item",
    homepage="",
    how_to_get="write a CSV or Parquet file with the columns path (relative to the file) and label (real or fake), "
    "and where you know them method, source, split, group and licence; name the file, or a folder that holds it as "
    "manifest.csv or manifest.parquet",
    labels="the column label says real or fake in words; numbers are refused, because they mean either",
    traps=("All that you bring: run `unmask audit` before training, and name in group what belongs together.",),
    media="either",
)

_NAMES: Final = ("manifest.csv", "manifest.parquet")


def items(root: Path) -> Iterator[Item]:
    """The items of the table, in its order.

    Raises:
        ManifestError: There is no table, or it is wrong, or holds one class only.
        MissingExtraError: It is a Parquet file, and what reads those is not installed.
    """
    path = next((root / name for name in _NAMES if (root / name).is_file()), root)
    if not path.is_file():
        raise trees.missing(ABOUT, root, f"there is no {' or '.join(_NAMES)} in it")
    return trees.both_classes(ABOUT, root, manifest.read(path))

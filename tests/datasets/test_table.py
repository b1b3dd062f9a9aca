"""A table of one's own, in CSV or Parquet."""

from __future__ import annotations

from pathlib import Path

import pytest

from unmask import manifest
from unmask.datasets import table
from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL, Item


@pytest.mark.parametrize("name", ["manifest.csv", "mine.csv"])
def test_a_file_or_the_folder_that_holds_it(tmp_path: Path, name: str) -> None:
    items = [Item(tmp_path / "a.png", FAKE, split="test"), Item(tmp_path / "b.png", REAL)]
    manifest.write(tmp_path / name, items)
    assert list(table.items(tmp_path / name)) == items
    if name == "manifest.csv":
        assert list(table.items(tmp_path)) == items


def test_parquet_is_read_too(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    rows = {"path": ["a.png", "b.png"], "label": ["real", "fake"], "age": [30, None]}
    pandas.DataFrame(rows).to_parquet(tmp_path / "manifest.parquet")
    assert [(item.path.name, item.label) for item in table.items(tmp_path)] == [("a.png", REAL), ("b.png", FAKE)]


def test_one_class_alone_is_told(tmp_path: Path) -> None:
    manifest.write(tmp_path / "mine.csv", [Item(tmp_path / "a.png", FAKE)])
    with pytest.raises(ManifestError, match="no real file was found"):
        list(table.items(tmp_path / "mine.csv"))

"""Lists of originals: official splits stay, missing ones are cut from train by family, nothing moves on resuming."""

from __future__ import annotations

import errno
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.data.scenes import scene
from unmask import manifest, originals, splits
from unmask.errors import UnmaskError, UsageError
from unmask.manifest import Item


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    """Forty pictures, half of them fake, in groups of two of a class."""
    folder = tmp_path_factory.mktemp("pictures")
    found = []
    for number in range(40):
        path = folder / f"{number:02d}.png"
        scene(number).save(path)
        found.append(Item(path, number % 2, source="drawn", group=f"g{number // 4}{number % 2}"))
    return found


def split(items: list[Item], name: str) -> list[Item]:
    return [replace(item, split=name) for item in items]


def test_complete_splits_are_left_alone_and_no_file_is_read(tmp_path: Path) -> None:
    rows = [Item(tmp_path / f"absent-{name}.png", 1, split=name) for name in ("train", "val", "test")]
    assert originals.complete(rows) == rows
    only = [Item(tmp_path / "absent.png", 1, split="fairness")]
    assert originals.complete(only) == only, "nothing is cut where there is nothing to learn from"


def test_all_splits_are_assigned_where_there_are_none(items: list[Item]) -> None:
    assert Counter(item.split for item in originals.complete(items)) == {"train": 32, "val": 4, "test": 4}


def test_val_is_cut_from_train_by_group_and_test_is_not_touched(items: list[Item]) -> None:
    rows = split(items[:36], "train") + split(items[36:], "test")
    done = originals.complete(rows)
    assert Counter(item.split for item in done) == {"train": 32, "val": 4, "test": 4}
    assert [item.path for item in done] == [item.path for item in rows]
    assert done[36:] == rows[36:]
    where: dict[str, set[str]] = {}
    for item in done[:36]:
        where.setdefault(item.group, set()).add(item.split)
    assert all(len(found) == 1 for found in where.values())


def test_val_and_test_are_cut_where_all_is_train(items: list[Item]) -> None:
    done = originals.complete(split(items, "train"))
    assert Counter(item.split for item in done) == {"train": 32, "val": 4, "test": 4}


def test_a_list_keeps_its_splits(items: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = originals.write(items[:30], tmp_path / "out")
    before = {item.path: item.split for item in manifest.read(table)}
    again = originals.write(items, tmp_path / "out")
    after = {item.path: item.split for item in manifest.read(again)}
    assert len(after) == 40
    assert all(after[path] == before[path] for path in before)
    monkeypatch.setattr(splits, "assign", None)  # would fail if asked
    assert originals.write(items, tmp_path / "out") == again


def test_videos_are_sent_to_frames(items: list[Item], tmp_path: Path) -> None:
    rows = [*items, Item(tmp_path / "clip.mp4", 1)]
    with pytest.raises(UsageError, match=r"1 of 41 items are videos \(clip\.mp4\): .* with unmask frames"):
        originals.write(rows, tmp_path / "out")


def test_a_full_disk_keeps_the_list_that_was_there(
    items: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = originals.write(items[:30], tmp_path)
    before = table.read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UnmaskError, match="is full"):
        originals.write(items, tmp_path)
    assert table.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["originals.csv"]

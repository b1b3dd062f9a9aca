"""Strips: what is written is read again, and nothing else is taken for windows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unmask.card import Cut
from unmask.errors import UsageError
from unmask.manifest import REAL, Item
from unmask.strips import count_windows, deal, read_windows, write_strip
from unmask.types import Pixels

CUT = Cut(kind="face", size_px=32, frames=4)


def windows(count: int, frames: int = 4, size: int = 32) -> list[Pixels]:
    rng = np.random.default_rng(count)
    return list(rng.integers(0, 256, (count, frames, size, size, 3), np.uint8))


@pytest.mark.parametrize("count", [1, 3])
def test_windows_come_back_as_they_were(tmp_path: Path, count: int) -> None:
    item = Item(tmp_path / "one.png", REAL)
    write_strip(item.path, windows(count))
    assert [path.name for path in tmp_path.iterdir()] == ["one.png"]
    with Image.open(item.path) as strip:
        assert strip.size == (32, count * 4 * 32), "downwards"
    assert count_windows(item, CUT) == count
    np.testing.assert_array_equal(np.stack(read_windows(item, CUT)), np.stack(windows(count)))


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        [windows(1)[0], windows(1, frames=3)[0]],
        [windows(1)[0].astype(np.float32)],
        [windows(1)[0][0]],
        [windows(1)[0][:, :16]],
        [windows(1)[0][:0]],
    ],
    ids=["none", "two lengths", "floats", "a look", "not square", "no look"],
)
def test_what_is_no_window_is_not_written(tmp_path: Path, wrong: list[Pixels]) -> None:
    with pytest.raises(UsageError, match="a strip holds windows of one shape"):
        write_strip(tmp_path / "one.png", wrong)
    assert not list(tmp_path.iterdir())


def test_a_stop_while_writing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(self: Image.Image, path: Path, kind: str) -> None:
        path.write_bytes(b"half a file")
        raise KeyboardInterrupt

    monkeypatch.setattr(Image.Image, "save", stop)
    with pytest.raises(KeyboardInterrupt):
        write_strip(tmp_path / "one.png", windows(1))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("cut", "message"),
    [
        (CUT.model_copy(update={"frames": 5}), r"has 32 x 256 px, which are no windows of 5 looks of 32 px"),
        (CUT.model_copy(update={"size_px": 64}), "no windows of 4 looks of 64 px"),
        (CUT.model_copy(update={"frames": 16}), "no windows of 16 looks"),
        (CUT.model_copy(update={"frames": None}), "a cut without frames has no windows"),
    ],
)
def test_a_strip_of_another_cut_is_refused(tmp_path: Path, cut: Cut, message: str) -> None:
    item = Item(tmp_path / "one.png", REAL)
    write_strip(item.path, windows(2))
    for read in (read_windows, count_windows):
        with pytest.raises(UsageError, match=message):
            read(item, cut)


@pytest.mark.parametrize("content", [b"", b"no picture", None], ids=["empty", "text", "missing"])
def test_a_strip_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    item = Item(tmp_path / "one.png", REAL)
    if content is not None:
        item.path.write_bytes(content)
    for read in (read_windows, count_windows):
        with pytest.raises(UsageError, match=r"one\.png cannot be read: make the folder anew"):
            read(item, CUT)


def test_a_strip_that_was_cut_off(tmp_path: Path) -> None:
    item = Item(tmp_path / "one.png", REAL)
    write_strip(item.path, windows(2))
    item.path.write_bytes(item.path.read_bytes()[:2000])
    with pytest.raises(UsageError, match=r"one\.png cannot be read"):
        read_windows(item, CUT)


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        (0, []),
        (1, [[0, 0, 0, 0]]),
        (2, [[0, 1, 0, 1]]),
        (3, [[0, 1, 2, 1]]),
        (4, [[0, 1, 2, 3]]),
        (6, [[0, 1, 2, 3], [2, 3, 4, 5]]),
        (8, [[0, 1, 2, 3], [4, 5, 6, 7]]),
    ],
)
def test_looks_are_dealt_into_windows_in_the_order_of_time(looks: int, expected: list[list[int]]) -> None:
    assert deal(looks, 4) == expected

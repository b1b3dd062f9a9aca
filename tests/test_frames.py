"""Stills of the videos in a manifest: what they keep, work that goes on where it stopped, and counted skips."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.scenes import scene
from tests.draw_video import draw, number
from unmask import frames, manifest
from unmask.errors import ManifestError, UnmaskError, UsageError
from unmask.journal import Written
from unmask.manifest import FAKE, REAL, Item


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips of one name, one of them grouped, a picture between them, and a file that is neither."""
    folder = tmp_path_factory.mktemp("videos")
    draw(folder / "real" / "clip.mp4", 5)
    draw(folder / "fake" / "clip.mp4", 11)
    scene(1).save(folder / "photo.png")
    (folder / "broken.mp4").write_bytes(b"no video")
    items = [
        Item(folder / "real" / "clip.mp4", REAL, "real", "drawn", "train", "pair", "CC0", {"compression": "c23"}),
        Item(folder / "photo.png", REAL, "real", "drawn", "test", attributes={"compression": ""}),
        Item(folder / "fake" / "clip.mp4", FAKE, "swap", "drawn", "test", attributes={"compression": "raw"}),
        Item(folder / "broken.mp4", FAKE, "swap", "drawn", "test"),
    ]
    manifest.write(folder / "table.csv", items)
    return folder / "table.csv"


def work(table: Path, out: Path, per_video: int = 3) -> Written:
    return frames.write(table, out, per_video=per_video, jobs=1)


def test_stills_keep_what_their_video_is(table: Path, tmp_path: Path) -> None:
    made = work(table, tmp_path)
    assert made == Written(
        tmp_path / "manifest.csv", 7, {"not a video that we can read, or broken at its beginning": 1}
    )
    items = manifest.read(made.manifest)
    originals = manifest.read(table)
    assert [item.label for item in items] == [REAL] * 4 + [FAKE] * 3
    for still in items[:3]:
        assert (still.method, still.source, still.split, still.group) == ("real", "drawn", "train", "pair")
        assert still.licence == "CC0"
        assert still.attributes["compression"] == "c23"
        assert still.attributes["video"] == str(originals[0].path)
    assert [item.attributes["frame_s"] for item in items[:3]] == ["0.000", "0.200", "0.400"]
    assert (items[3].path, items[3].group, items[3].attributes["video"]) == (originals[1].path, "", "")
    assert len({item.group for item in items[4:]}) == 1
    assert items[4].group.startswith("clip-")
    assert items[4].group != items[0].path.parent.name, "two videos of one name are two"
    shown = []
    for item in [*items[:3], *items[4:]]:
        with Image.open(item.path) as picture:
            assert (picture.format, picture.mode) == ("PNG", "RGB")
            shown.append(number(np.asarray(picture)))
    assert shown == [0, 2, 4, 0, 5, 10]


def test_several_processes_make_the_same(table: Path, tmp_path: Path) -> None:
    alone = work(table, tmp_path / "one")
    together = frames.write(table, tmp_path / "two", per_video=3, jobs=2)
    assert alone.manifest.read_bytes() == together.manifest.read_bytes()


def test_interrupted_work_goes_on(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = work(table, tmp_path / "whole")
    begun: list[str] = []
    extract = frames.extract

    def stopping(video: Path, count: int) -> object:
        begun.append(video.parent.name)
        if len(begun) == 2:
            raise KeyboardInterrupt
        return extract(video, count)

    monkeypatch.setattr(frames, "extract", stopping)
    with pytest.raises(KeyboardInterrupt):
        work(table, tmp_path / "out")
    seen: list[tuple[int, int]] = []
    again = frames.write(table, tmp_path / "out", per_video=3, jobs=1, progress=lambda n, of: seen.append((n, of)))
    assert begun == ["real", "fake", "fake", table.parent.name]
    assert seen == [(2, 3), (3, 3)]
    assert again.manifest.read_bytes() == whole.manifest.read_bytes()
    assert again.left_out == whole.left_out
    assert work(table, tmp_path / "out") == again
    assert len(begun) == 4


def test_a_full_disk_is_one_sentence_and_what_was_done_stays(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = Image.Image.save
    saved: list[str] = []

    def filling(self: Image.Image, path: Path, *rest: object) -> None:
        saved.append(path.parent.name)
        if len(saved) == 5:
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        save(self, path, "PNG")

    with monkeypatch.context() as patch:
        patch.setattr(Image.Image, "save", filling)
        with pytest.raises(UnmaskError, match=r"the disk of .* is full: make room and give the same command again"):
            work(table, tmp_path)
    assert [len(list(folder.iterdir())) for folder in (tmp_path / "stills").iterdir()] == [3], "no half of a video"
    assert work(table, tmp_path).items == 7
    assert len(saved) == 5


def test_what_cannot_be_asked_for(table: Path, tmp_path: Path) -> None:
    work(table, tmp_path)
    with pytest.raises(UsageError, match="another number of stills a video"):
        work(table, tmp_path, 4)
    with pytest.raises(UsageError, match="ask for at least 1"):
        work(table, tmp_path, 0)
    with pytest.raises(ManifestError, match="cannot be read"):
        work(tmp_path / "nowhere.csv", tmp_path)


def test_a_video_that_is_not_there_and_one_named_like_an_address(tmp_path: Path) -> None:
    draw(tmp_path / "concat:a.mp4", 2)
    items = [Item(tmp_path / "concat:a.mp4", REAL), Item(tmp_path / "gone.mp4", FAKE)]
    manifest.write(tmp_path / "table.csv", items)
    made = work(tmp_path / "table.csv", tmp_path / "out")
    assert made.items == 2
    assert made.left_out == {"the file cannot be read: no such file or directory": 1}

"""Frames of videos: from the first to the last, upright, within limits, and what can be read of what is broken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.draw_video import HEIGHT_PX, WIDTH_PX, draw, number
from unmask.errors import MediaError, NothingToJudgeError, UnreadableError, UnsupportedError, UsageError
from unmask.limits import DEFAULT_LIMITS
from unmask.modalities.video import extract, opened


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds: 21 frames, 0 to 2.0 s, a key frame each 5."""
    return draw(tmp_path_factory.mktemp("clip") / "clip.mp4")


def numbers(path: Path, count: int) -> list[int]:
    return [number(np.asarray(still.image)) for still in extract(path, count)]


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, [10]), (2, [0, 20]), (3, [0, 10, 20]), (5, [0, 5, 10, 15, 20]), (6, [0, 4, 8, 12, 16, 20])],
)
def test_frames_are_evenly_spaced_with_the_first_and_the_last(clip: Path, count: int, expected: list[int]) -> None:
    stills = list(extract(clip, count))
    assert [number(np.asarray(still.image)) for still in stills] == expected
    assert [still.time_s for still in stills] == pytest.approx([n / 10 for n in expected])
    assert {(still.image.mode, still.image.size) for still in stills} == {("RGB", (WIDTH_PX, HEIGHT_PX))}


def test_a_short_clip_gives_each_frame_once(tmp_path: Path) -> None:
    assert numbers(draw(tmp_path / "short.mp4", 3), 10) == [0, 1, 2]
    assert numbers(draw(tmp_path / "one.mp4", 1), 4) == [0]


@pytest.mark.parametrize(("name", "codec"), [("a.mkv", "libx264"), ("a.avi", "mpeg4"), ("a.mpg", "mpeg2video")])
@pytest.mark.parametrize("gap", [1, 5, 100])
def test_other_containers_and_distances_of_key_frames(tmp_path: Path, name: str, codec: str, gap: int) -> None:
    path = draw(tmp_path / name, 21, codec=codec, gap=gap) if codec != "mpeg2video" else drawn_mpeg(tmp_path, gap)
    found = list(extract(path, 3))
    assert [number(np.asarray(still.image)) for still in found] == pytest.approx([0, 10, 20], abs=1)
    assert [still.time_s for still in found] == sorted(still.time_s for still in found)


def drawn_mpeg(folder: Path, gap: int) -> Path:
    """MPEG knows no ten frames a second."""
    from tests import draw_video

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(draw_video, "RATE", 25)
        return draw(folder / "a.mpg", 21, codec="mpeg2video", gap=gap)


@pytest.mark.parametrize(("turn", "size"), [(90, (96, 128)), (-90, (96, 128)), (180, (128, 96))])
def test_frames_are_turned_upright(tmp_path: Path, turn: int, size: tuple[int, int]) -> None:
    (still,) = extract(draw(tmp_path / "turned.mp4", 1, turn=turn), 1)
    assert still.image.size == size
    lying = Image.new("L", (WIDTH_PX, HEIGHT_PX), 20)
    lying.paste(0, (0, 0, WIDTH_PX // 2, HEIGHT_PX))
    expected = np.asarray(lying.rotate(turn, expand=True))
    np.testing.assert_allclose(np.asarray(still.image.convert("L")), expected, atol=6)


@pytest.mark.parametrize("gap", [1, 100])
def test_a_torn_clip_gives_what_can_be_read(tmp_path: Path, gap: int) -> None:
    whole = draw(tmp_path / "whole.mkv", 21, gap=gap).read_bytes()
    torn = tmp_path / "torn.mkv"
    torn.write_bytes(whole[: len(whole) * 2 // 3])
    found = numbers(torn, 5)
    assert found[0] == 0
    assert found == sorted(set(found))
    assert 2 <= len(found) <= 5
    assert found[-1] < 20


def test_a_hole_in_the_middle_is_stepped_over(tmp_path: Path) -> None:
    data = bytearray(draw(tmp_path / "whole.mkv", 21, gap=1).read_bytes())
    middle = len(data) // 2
    data[middle : middle + 300] = bytes(300)
    (tmp_path / "holed.mkv").write_bytes(data)
    found = numbers(tmp_path / "holed.mkv", 5)
    assert found[0] == 0
    assert found == sorted(set(found))
    assert len(found) >= 2


def test_what_is_no_clip_says_why(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "text.mp4").write_text("not a video at all, however long it may be\n" * 100)
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "headless.mp4").write_bytes(clip.read_bytes()[:200])
    (tmp_path / "list.m3u8").write_text(f"#EXTM3U\n#EXTINF:2,\n{clip}\n#EXT-X-ENDLIST\n")
    for name, error, words in [
        ("text.mp4", UnsupportedError, "not a video"),
        ("empty.mp4", UnreadableError, "empty"),
        ("headless.mp4", UnsupportedError, "broken at its beginning"),
        ("list.m3u8", UnsupportedError, "not a video"),
        ("nowhere.mp4", UnreadableError, "no such file"),
        ("", UnsupportedError, "not a regular file"),
    ]:
        with pytest.raises(error, match=words):
            list(extract(tmp_path / name, 2))
    with pytest.raises(UsageError, match="ask for at least 1"):
        list(extract(clip, 0))


def test_limits_hold(clip: Path) -> None:
    for limits, words in [
        (replace(DEFAULT_LIMITS, pixels=1000), "announces 128 x 96 px"),
        (replace(DEFAULT_LIMITS, side_px=100), "announces 128 x 96 px"),
        (replace(DEFAULT_LIMITS, video_bytes=10), "the limit is 10"),
        (replace(DEFAULT_LIMITS, video_decode_s=-1.0), "took too long"),
    ]:
        with pytest.raises(UnreadableError, match=words):
            list(extract(clip, 2, limits))


def test_tiny_pictures_are_nothing_to_judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests import draw_video

    monkeypatch.setattr(draw_video, "HEIGHT_PX", 48)
    with pytest.raises(NothingToJudgeError, match="128 x 48 px"):
        list(extract(draw(tmp_path / "low.mp4", 2), 1))


@pytest.mark.parametrize("seed", range(30))
def test_whatever_is_broken_is_a_media_error_or_frames(tmp_path: Path, clip: Path, seed: int) -> None:
    data = bytearray(clip.read_bytes())
    generator = np.random.default_rng(seed)
    for place in generator.integers(0, len(data), 40):
        data[place] = generator.integers(0, 256)
    (tmp_path / "noise.mp4").write_bytes(data)
    try:
        stills = list(extract(tmp_path / "noise.mp4", 4))
    except MediaError as error:
        assert "\n" not in str(error)
    else:
        assert 1 <= len(stills) <= 4
        assert [still.time_s for still in stills] == sorted(still.time_s for still in stills)


def test_a_film_knows_its_times_and_gives_those_asked_for(clip: Path) -> None:
    with opened(clip) as film:
        assert film.times_s == pytest.approx([n / 10 for n in range(21)])
        assert film.key_times_s == pytest.approx([0, 0.5, 1, 1.5, 2])
        assert (film.frames, film.has_sound) == (21, False)
        assert film.duration_s == pytest.approx(2.1)
        assert film.size_px == (WIDTH_PX, HEIGHT_PX)
        asked = film.stills([1.04, 0.31, 0.29, 9.0])
        assert [number(np.asarray(still.image)) for still in asked] == [3, 10, 20]
        again = film.stills([0.0])
        assert [number(np.asarray(still.image)) for still in again] == [0]


@pytest.mark.parametrize(
    ("start", "end", "most", "expected"),
    [(0.2, 0.5, None, [2, 3, 4, 5]), (1.85, 9, None, [19, 20]), (0.5, 2.0, 3, [5, 6, 7]), (5.0, 6.0, None, [])],
)
def test_consecutive_frames(clip: Path, start: float, end: float, most: int | None, expected: list[int]) -> None:
    with opened(clip) as film:
        assert [number(np.asarray(still.image)) for still in film.between(start, end, most)] == expected


def test_what_goes_wrong_in_the_hands_of_the_reader_is_not_the_files_fault(clip: Path) -> None:
    with pytest.raises(ZeroDivisionError), opened(clip) as film:
        for still in film.stills([0.0]):
            still.time_s / 0
    with pytest.raises(OSError, match="no room"), opened(clip):
        raise OSError("no room")


def test_only_so_many_seconds_or_frames_are_counted(clip: Path) -> None:
    with opened(clip, replace(DEFAULT_LIMITS, video_s=0.95)) as film:
        assert film.frames == 11
        assert film.notes == ("only the first 0:01.0 was looked at",)
    with opened(clip, replace(DEFAULT_LIMITS, video_frames=5)) as film:
        assert film.frames == 5


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264"), ("a.mkv", "libx265"), ("a.avi", "mpeg4")])
def test_what_is_passed_over_changes_no_frame_that_was_asked_for(tmp_path: Path, name: str, codec: str) -> None:
    path = draw(tmp_path / name, 40, codec=codec, gap=40)
    with opened(path, threads=2) as film:
        some = {still.time_s: np.asarray(still.image) for still in film.stills([0.3, 1.7, 2.2, 3.9])}
        every = {still.time_s: np.asarray(still.image) for still in film.between(0, film.duration_s)}
    assert len(some) == 4
    for time_s, picture in some.items():
        np.testing.assert_array_equal(picture, every[time_s])

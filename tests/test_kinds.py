"""What kind of file it is, told by its first bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.draw_speech import write
from tests.modalities.test_audio import draw
from unmask.kinds import is_picture, is_sound, is_video
from unmask.limits import DEFAULT_LIMITS
from unmask.modalities import sound_container

QUIET = np.zeros(16_000)


@pytest.mark.parametrize(
    ("name", "codec", "rate_hz"),
    [
        ("a.wav", "pcm_s16le", 16_000),
        ("a.flac", "flac", 16_000),
        ("a.mp3", "libmp3lame", 44_100),
        ("a.m4a", "aac", 44_100),
        ("a.mp4", "aac", 44_100),
        ("a.aac", "aac", 22_050),
        ("a.opus", "libopus", 48_000),
        ("a.mka", "flac", 16_000),
        ("a.webm", "libopus", 48_000),
        ("a.ac3", "ac3", 48_000),
        ("a.aiff", "pcm_s16be", 16_000),
        ("a.caf", "alac", 16_000),
        ("a.amr", "libopencore_amrnb", 8_000),
        ("a.w64", "pcm_s16le", 16_000),
        ("a.au", "pcm_s16be", 16_000),
        ("a.wv", "wavpack", 16_000),
        ("a.tta", "tta", 16_000),
    ],
)
def test_a_recording_is_told_by_what_is_in_it(tmp_path: Path, name: str, codec: str, rate_hz: int) -> None:
    path = write(tmp_path / name, QUIET, rate_hz, codec)
    assert is_sound(path, DEFAULT_LIMITS)
    assert is_sound(path.rename(tmp_path / "a.jpg"), DEFAULT_LIMITS)


def test_a_video_is_none_even_without_pictures_to_judge(tmp_path: Path) -> None:
    clip = draw(tmp_path / "a.mp4")
    assert not is_sound(clip, DEFAULT_LIMITS)
    assert is_video(clip, DEFAULT_LIMITS)
    mute = draw(tmp_path / "mute.mkv", sounds=False)
    assert not is_sound(mute, DEFAULT_LIMITS)
    torn = tmp_path / "torn.mp4"
    torn.write_bytes(clip.read_bytes()[:500])
    assert not is_sound(torn, DEFAULT_LIMITS)


def test_a_bare_start_of_an_mp3_without_tags_is_enough(tmp_path: Path) -> None:
    data = write(tmp_path / "a.mp3", QUIET, 44_100, "libmp3lame").read_bytes()
    bare = data[data.index(b"\xff\xfb") :]
    (tmp_path / "bare").write_bytes(bare)
    assert is_sound(tmp_path / "bare", DEFAULT_LIMITS)


def test_pictures_are_no_sounds(tmp_path: Path) -> None:
    from PIL import Image

    for suffix in ("jpg", "png", "webp", "gif", "bmp", "tiff"):
        path = tmp_path / f"a.{suffix}"
        Image.new("RGB", (32, 32)).save(path)
        assert is_picture(path)
        assert not is_sound(path, DEFAULT_LIMITS)
        assert not is_sound(path.rename(tmp_path / "a.mp3"), DEFAULT_LIMITS)


def test_where_the_start_tells_nothing_the_suffix_does(tmp_path: Path) -> None:
    for name, expected in (("cut.mp3", True), ("cut.MP3", True), ("notes.txt", False)):
        (tmp_path / name).write_bytes(b"\x00\x11\x22" * 100)
        assert is_sound(tmp_path / name, DEFAULT_LIMITS) is expected
    (tmp_path / "folder.wav").mkdir()
    assert not is_sound(tmp_path / "folder.wav", DEFAULT_LIMITS)
    assert not is_sound(tmp_path / "missing.wav", DEFAULT_LIMITS)


@pytest.mark.parametrize("head", [b"", b"\xff", b"\xff\xd8\xff\xe0", b"\xff\xff\xff\xff", b"RIFF....WEBP", b"\xfe\xff"])
def test_what_only_looks_like_sound_is_none(head: bytes) -> None:
    assert not sound_container.accepts(head)

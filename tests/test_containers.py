"""What may be a video is told by its first bytes, whatever it is called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from tests.data import clips
from unmask import containers
from unmask.errors import UnreadableError, UnsupportedError
from unmask.kinds import is_video
from unmask.limits import DEFAULT_LIMITS
from unmask.modalities import audio, video

HEADS = {
    "mp4": b"\0\0\0\x18ftypisom",
    "old QuickTime": b"\0\0\0\x08wide",
    "Matroska": b"\x1aE\xdf\xa3",
    "AVI": b"RIFF\0\0\0\0AVI ",
    "MPEG": b"\0\0\1\xba",
    "transport stream": (b"G" + bytes(187)) * 3,
    "GIF": b"GIF89a",
}
OTHERS = {
    "HEIC": b"\0\0\0\x18ftypheic",
    "AVIF": b"\0\0\0\x18ftypavif",
    "WebP": b"RIFF\0\0\0\0WEBP",
    "sound": b"RIFF\0\0\0\0WAVE",
    "JPEG": b"\xff\xd8\xff\xe0",
    "playlist": b"#EXTM3U\nhttp",
    "a text that begins with G": b"Good morning " * 40,
    "nothing": b"",
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_videos(head: bytes) -> None:
    assert containers.accepts(head)


@pytest.mark.parametrize("head", OTHERS.values(), ids=OTHERS)
def test_no_videos(head: bytes) -> None:
    assert not containers.accepts(head)


def test_a_suffix_says_nothing(tmp_path: Path) -> None:
    clip = clips.draw(tmp_path / "clip.mp4", lambda _: clips.background(), seconds=0.2)
    photo = tmp_path / "photo.mp4"
    clips.background().save(photo, "JPEG")
    assert is_video(clip.rename(tmp_path / "clip.jpg"), DEFAULT_LIMITS)
    assert not is_video(photo, DEFAULT_LIMITS)
    assert not is_video(tmp_path, DEFAULT_LIMITS)
    assert not is_video(tmp_path / "missing.mp4", DEFAULT_LIMITS)


def test_a_broken_gif_is_left_to_the_reader_of_pictures(tmp_path: Path) -> None:
    (tmp_path / "broken.gif").write_bytes(b"GIF89a" + bytes(3))
    assert not is_video(tmp_path / "broken.gif", DEFAULT_LIMITS)


def test_a_file_that_announces_many_streams_is_refused(tmp_path: Path) -> None:
    clip = clips.draw(tmp_path / "clip.mp4", lambda _: clips.background(), seconds=0.2, tone=440.0)
    with (
        pytest.raises(UnreadableError, match="announces 2 streams; the limit is 1"),
        video.opened(clip, replace(DEFAULT_LIMITS, video_streams=1)),
    ):
        pass


def test_a_playlist_is_never_followed(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "inside.png")
    (tmp_path / "list.mp4").write_text(f"ffconcat version 1.0\nfile {tmp_path / 'inside.png'}\n")
    with pytest.raises(UnsupportedError), video.opened(tmp_path / "list.mp4"):
        pass


def test_a_chunk_of_texts_that_lies_never_reaches_ffmpeg(tmp_path: Path) -> None:
    """FFmpeg would take the three gigabytes that it announces before it finds that they are not there."""
    text = b"LIST" + (3 * 2**30).to_bytes(4, "little") + b"INFOISFT\x04\0\0\0test"
    sound = (
        b"RIFF\xff\xff\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80>\0\0\0}\0\0\2\0\x10\0"
        + text
        + b"data\xff\xff\0\0"
        + bytes(8000)
    )
    (tmp_path / "lies.wav").write_bytes(sound)
    with (
        pytest.raises(UnreadableError, match="announces 3,221,225,472 bytes of text"),
        audio.opened(tmp_path / "lies.wav"),
    ):
        pass


def test_sound_that_breaks_off_is_still_read(tmp_path: Path) -> None:
    head = b"RIFF\xff\xff\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80>\0\0\0}\0\0\2\0\x10\0data\xff\xff\xff\0"
    (tmp_path / "cut.wav").write_bytes(head + bytes(32_000))
    with audio.opened(tmp_path / "cut.wav") as recording:
        assert sum(len(block.samples) for block in recording.blocks()) == 16_000

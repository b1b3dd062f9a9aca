"""Sound that is broken, endless or none at all: a note or a sentence, and never anything else."""

from __future__ import annotations

import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.draw_speech import write
from tests.modalities.test_audio import draw
from tests.modalities.test_recording import TONE_HZ, heard, pitch_hz, tone
from unmask.errors import MediaError, NothingToJudgeError, UnreadableError, UnsupportedError
from unmask.limits import DEFAULT_LIMITS
from unmask.modalities.audio import RATE_HZ, opened


def plain(path: Path, samples: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(b"\0\x40" * samples)
    return path


def test_one_sample_is_a_sound(tmp_path: Path) -> None:
    samples, recording = heard(plain(tmp_path / "a.wav", 1))
    assert list(samples) == [0.5]
    assert recording.duration_s == 1 / RATE_HZ


def test_rate_and_channels_may_change_in_mid_stream(tmp_path: Path) -> None:
    first = write(tmp_path / "1.aac", tone(1.0, 44_100, 2), 44_100, "aac").read_bytes()
    second = write(tmp_path / "2.aac", tone(1.0, 22_050), 22_050, "aac").read_bytes()
    (tmp_path / "both.aac").write_bytes(first + second)
    samples, _ = heard(tmp_path / "both.aac")
    assert len(samples) / RATE_HZ == pytest.approx(2.1, abs=0.2)
    for part in (samples[4000:12_000], samples[-12_000:-4000]):
        assert pitch_hz(part) == pytest.approx(TONE_HZ, abs=3)
        assert np.abs(part).max() == pytest.approx(0.5, abs=0.05)


def test_limits_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.wav", tone(5.0, 48_000, 2), 48_000)
    samples, recording = heard(path, replace(DEFAULT_LIMITS, sound_s=2.0), 0.7)
    assert len(samples) == 2 * RATE_HZ
    assert recording.notes == ("only the first 0:02.0 was listened to",)
    assert recording.duration_s == 2.0
    assert heard(path, replace(DEFAULT_LIMITS, sound_s=5.0))[1].notes == ()
    with pytest.raises(UnreadableError, match="the limit is 100"):
        heard(path, replace(DEFAULT_LIMITS, video_bytes=100))
    with pytest.raises(UnreadableError, match="2 channels; the limit is 1"):
        heard(path, replace(DEFAULT_LIMITS, sound_channels=1))
    with pytest.raises(UnsupportedError, match="48,000 samples a second"):
        heard(path, replace(DEFAULT_LIMITS, sound_rate_hz=44_100))
    with pytest.raises(UnreadableError, match="nothing of the sound can be decoded"):
        heard(path, replace(DEFAULT_LIMITS, sound_decode_s=0.0))


def test_time_in_which_the_listener_works_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("unmask.modalities.sound_decoding.time.monotonic", lambda: now[0])
    with opened(write(tmp_path / "a.wav", tone(5.0)), replace(DEFAULT_LIMITS, sound_decode_s=1.0)) as recording:
        for _ in recording.blocks(1.0):
            now[0] += 100.0
    assert (recording.duration_s, recording.notes) == (5.0, ())


NO_SOUNDS: list[tuple[str, Callable[[Path], object], type[MediaError], str]] = [
    ("text.wav", lambda path: path.write_text("To be, or not to be. " * 400), UnsupportedError, "not a sound"),
    ("noise.mp3", lambda path: path.write_bytes(np.random.default_rng(0).bytes(200_000)), UnsupportedError, "not a so"),
    ("empty.wav", lambda path: path.touch(), UnreadableError, "the file is empty"),
    ("folder.wav", lambda path: path.mkdir(), UnsupportedError, "not a regular file"),
    ("missing.wav", lambda path: None, UnreadableError, "no such file"),
    ("mute.mp4", lambda path: draw(path, sounds=False), NothingToJudgeError, "the file has no sound"),
    ("none.wav", lambda path: plain(path, 0), NothingToJudgeError, "the sound is empty"),
    ("list.m3u8", lambda path: path.write_text("#EXTM3U\n#EXTINF:5,\n/etc/passwd\n"), UnsupportedError, "not a sound"),
]


@pytest.mark.parametrize(("name", "make", "error", "says"), NO_SOUNDS, ids=[one[0] for one in NO_SOUNDS])
def test_what_cannot_be_heard_says_why(
    tmp_path: Path, name: str, make: Callable[[Path], object], error: type[MediaError], says: str
) -> None:
    make(tmp_path / name)
    with pytest.raises(error, match=says):
        heard(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.wav", "pcm_s16le"), ("a.flac", "flac"), ("a.mp3", "libmp3lame"), ("a.opus", "libopus")]
)
def test_a_file_that_breaks_off_is_judged_on_what_is_there(tmp_path: Path, name: str, codec: str) -> None:
    path = write(tmp_path / name, tone(8.0, 48_000), 48_000, codec)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    samples, recording = heard(path)
    assert 3 < len(samples) / RATE_HZ < 5
    assert pitch_hz(samples) == pytest.approx(TONE_HZ, abs=2)
    if name == "a.flac":  # FFmpeg believes the size of the file more than what the others say
        assert "breaks off" in " ".join(recording.notes)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.wav", "pcm_s16le"), ("a.flac", "flac"), ("a.mp3", "libmp3lame"), ("a.m4a", "aac")]
)
def test_damage_is_a_note_or_a_sentence_and_nothing_else(tmp_path: Path, name: str, codec: str) -> None:
    rng = np.random.default_rng(7)
    good = np.frombuffer(write(tmp_path / name, tone(1.0, 44_100), 44_100, codec).read_bytes(), np.uint8)
    for _ in range(12):
        bad = good.copy()
        places = rng.integers(0, len(bad) if rng.random() < 0.5 else 200, rng.integers(1, 40))
        bad[places] = rng.integers(0, 256, len(places))
        (tmp_path / name).write_bytes(bad[: rng.integers(1, len(bad) + 1)].tobytes())
        try:
            with opened(tmp_path / name, replace(DEFAULT_LIMITS, sound_s=60.0)) as recording:
                for block in recording.blocks(10.0):
                    assert np.isfinite(block.samples).all()
                    assert np.abs(block.samples).max() <= 1
        except MediaError as error:
            assert str(error)

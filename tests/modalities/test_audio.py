from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream

from unmask.limits import DEFAULT_LIMITS
from unmask.modalities.audio import RATE_HZ, Sound, sound

TONE_HZ = 500.0


def draw(
    path: Path,
    *,
    seconds: float = 2.0,
    rate: int = 44_100,
    silent_until_s: float = 0.0,
    pictures: bool = True,
    sounds: bool = True,
    late_s: float = 0.0,
    pictures_late_s: float = 0.0,
    codec: str = "pcm_s16le",
) -> Path:
    """A clip with a tone; `late_s` moves the sound's time stamps, the other those of the pictures."""
    with av.open(str(path), "w") as container:
        film, stream = None, None
        if pictures:
            film = container.add_stream("libx264", rate=10)
            film.width, film.height, film.pix_fmt = 64, 64, "yuv420p"
        if sounds:
            stream = cast(AudioStream, container.add_stream(codec, rate=rate, layout="stereo"))
        if film is not None:
            for number in range(round(seconds * 10)):
                frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), number, np.uint8), format="rgb24")
                frame.pts, frame.time_base = number + round(pictures_late_s * 10), Fraction(1, 10)
                container.mux(film.encode(frame))
            container.mux(film.encode())
        if stream is not None:
            times = np.arange(round(seconds * rate)) / rate
            tone = np.where(times >= silent_until_s, 0.5 * np.sin(2 * np.pi * TONE_HZ * times), 0)
            both = np.repeat((tone * 32767).astype(np.int16), 2)[None]
            for start in range(0, len(times), 1024):
                part = np.ascontiguousarray(both[:, 2 * start : 2 * (start + 1024)])
                piece = av.AudioFrame.from_ndarray(part, format="s16", layout="stereo")
                piece.sample_rate, piece.time_base = rate, Fraction(1, rate)
                piece.pts = start + round(late_s * rate)
                container.mux(stream.encode(piece))
            container.mux(stream.encode())
    return path


def pitch(samples: np.ndarray) -> float:
    return float(np.abs(np.fft.rfft(samples)).argmax() * RATE_HZ / len(samples))


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mkv", "pcm_s16le"), ("a.mp4", "aac"), ("a.webm", "libopus"), ("a.avi", "mp2")]
)
def test_sound_comes_as_mono_at_one_rate(tmp_path: Path, name: str, codec: str) -> None:
    pictures = name != "a.webm"  # H.264 has no place in it
    heard = sound(draw(tmp_path / name, codec=codec, rate=48_000, pictures=pictures))
    assert heard is not None
    assert heard.samples.dtype == np.float32
    assert heard.duration_s == pytest.approx(2.0, abs=0.1)
    assert pitch(heard.samples) == pytest.approx(TONE_HZ, abs=2)
    assert np.abs(heard.samples[4000:-4000]).max() == pytest.approx(0.5, abs=0.05)


def test_a_file_of_sound_alone_is_heard_too(tmp_path: Path) -> None:
    heard = sound(draw(tmp_path / "a.wav", pictures=False))
    assert heard is not None
    assert heard.duration_s == pytest.approx(2.0, abs=0.01)


def test_time_runs_with_the_pictures(tmp_path: Path) -> None:
    heard = sound(draw(tmp_path / "late.mkv", late_s=0.5))
    assert heard is not None
    first = np.flatnonzero(np.abs(heard.samples) > 0.1)[0] / RATE_HZ
    assert first == pytest.approx(0.5, abs=0.01)


def test_a_stretch_begins_and_ends_where_it_should(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.mkv", seconds=6.0, silent_until_s=3.5)
    part = sound(path, DEFAULT_LIMITS, 3.0, 4.5)
    assert part is not None
    assert part.start_s == 3.0
    assert part.duration_s == pytest.approx(1.5, abs=0.01)
    first = part.start_s + np.flatnonzero(np.abs(part.samples) > 0.1)[0] / RATE_HZ
    assert first == pytest.approx(3.5, abs=0.01)
    whole = sound(path)
    assert whole is not None
    again = whole.part(3.0, 4.5)
    assert (again.start_s, len(again.samples)) == (3.0, len(part.samples))
    assert np.abs(again.samples - part.samples).max() < 0.02


def test_parts_beyond_the_ends_are_cut() -> None:
    heard = Sound(np.arange(RATE_HZ, dtype=np.float32), 2.0)
    assert (heard.part(1.0, 2.5).start_s, heard.part(1.0, 2.5).duration_s) == (2.0, 0.5)
    assert heard.part(5.0, 6.0).duration_s == 0


def test_no_sound_is_none(tmp_path: Path) -> None:
    assert sound(draw(tmp_path / "mute.mp4", sounds=False)) is None
    assert sound(tmp_path / "absent.mp4") is None
    (tmp_path / "text.mp4").write_text("no container")
    assert sound(tmp_path / "text.mp4") is None
    assert sound(draw(tmp_path / "a.mkv"), DEFAULT_LIMITS, 60.0, 61.0) is None


def test_limits_hold(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.mkv", seconds=3.0)
    heard = sound(path, replace(DEFAULT_LIMITS, sound_s=1.0))
    assert heard is not None
    assert heard.duration_s == pytest.approx(1.0)
    assert sound(path, replace(DEFAULT_LIMITS, video_bytes=100)) is None
    assert sound(path, replace(DEFAULT_LIMITS, video_streams=1)) is None


def test_a_broken_file_gives_what_could_be_read(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.mkv", seconds=4.0, pictures=False)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    heard = sound(path)
    assert heard is not None
    assert 1.5 < heard.duration_s < 2.5
    assert np.isfinite(heard.samples).all()


def test_what_is_no_number_becomes_silence(tmp_path: Path) -> None:
    path = tmp_path / "nan.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_f32le", rate=RATE_HZ, layout="mono")
        samples = np.full((1, 3200), 0.25, np.float32)
        samples[0, 1000:1100], samples[0, 2000] = np.nan, np.inf
        piece = av.AudioFrame.from_ndarray(samples, format="flt", layout="mono")
        piece.sample_rate = RATE_HZ
        container.mux(stream.encode(piece))
        container.mux(stream.encode())
    heard = sound(path)
    assert heard is not None
    assert np.isfinite(heard.samples).all()
    assert heard.samples[500] == pytest.approx(0.25)
    assert (heard.samples[1000:1100] == 0).all()

"""Sound block by block: any file, any length, nothing lost, and a sentence for whatever is wrong."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from tests.draw_speech import write
from tests.modalities.test_audio import draw
from unmask.errors import UnreadableError
from unmask.limits import DEFAULT_LIMITS, Limits
from unmask.modalities.audio import RATE_HZ, Recording, opened

TONE_HZ = 500.0


def tone(seconds: float, rate_hz: int = RATE_HZ, channels: int = 1, level: float = 0.5) -> NDArray[np.float64]:
    one = level * np.sin(2 * np.pi * TONE_HZ * np.arange(round(seconds * rate_hz)) / rate_hz)
    return np.repeat(one[None], channels, axis=0)


def heard(path: Path, limits: Limits = DEFAULT_LIMITS, block_s: float = 30.0) -> tuple[NDArray[np.float32], Recording]:
    """All of a recording; every block must follow the one before."""
    with opened(path, limits) as recording:
        blocks = list(recording.blocks(block_s))
    ends = np.cumsum([0, *(len(block.samples) for block in blocks)]) / RATE_HZ
    assert [block.start_s for block in blocks] == pytest.approx(ends[:-1])
    samples = np.concatenate([block.samples for block in blocks])
    assert samples.dtype == np.float32
    assert np.abs(samples).max() <= 1
    return samples, recording


def pitch_hz(samples: NDArray[np.float32]) -> float:
    return float(np.abs(np.fft.rfft(samples)).argmax() * RATE_HZ / len(samples))


@pytest.mark.parametrize(
    ("name", "codec", "rate_hz", "channels", "called"),
    [
        ("a.wav", "pcm_u8", 8_000, 1, ("wav", "pcm_u8")),
        ("a.wav", "pcm_s16le", 44_100, 2, ("wav", "pcm_s16le")),
        ("a.wav", "pcm_s24le", 96_000, 1, ("wav", "pcm_s24le")),
        ("a.wav", "pcm_s32le", 192_000, 2, ("wav", "pcm_s32le")),
        ("a.wav", "pcm_f32le", 48_000, 6, ("wav", "pcm_f32le")),
        ("a.wav", "pcm_f64le", 48_000, 8, ("wav", "pcm_f64le")),
        ("a.wav", "pcm_alaw", 8_000, 1, ("wav", "pcm_alaw")),
        ("a.flac", "flac", 96_000, 2, ("flac", "flac")),
        ("a.mp3", "libmp3lame", 44_100, 2, ("mp3", "mp3")),
        ("a.m4a", "aac", 44_100, 2, ("mov", "aac")),
        ("a.aac", "aac", 22_050, 1, ("aac", "aac")),
        ("a.opus", "libopus", 48_000, 1, ("ogg", "opus")),
        ("a.webm", "libopus", 48_000, 2, ("matroska", "opus")),
        ("a.ac3", "ac3", 48_000, 6, ("ac3", "ac3")),
        ("a.aiff", "pcm_s16be", 44_100, 1, ("aiff", "pcm_s16be")),
        ("a.wv", "wavpack", 44_100, 1, ("wv", "wavpack")),
    ],
)
def test_every_coding_comes_as_mono_at_one_rate(
    tmp_path: Path, name: str, codec: str, rate_hz: int, channels: int, called: tuple[str, str]
) -> None:
    samples, recording = heard(write(tmp_path / name, tone(2.0, rate_hz, channels), rate_hz, codec))
    assert (recording.format, recording.codec) == called
    assert (recording.rate_hz, recording.channels) == (rate_hz, channels)
    assert recording.duration_s == len(samples) / RATE_HZ == pytest.approx(2.0, abs=0.1)
    assert recording.notes == ()
    assert pitch_hz(samples) == pytest.approx(TONE_HZ, abs=2)
    assert np.abs(samples[4000:-4000]).max() == pytest.approx(0.5, abs=0.05)


def test_nothing_is_changed_where_nothing_must_be(tmp_path: Path) -> None:
    grid = np.round(np.random.default_rng(0).uniform(-1, 1, RATE_HZ) * 32767) / 32768
    assert (heard(write(tmp_path / "a.wav", grid))[0] == grid).all()


def test_resampling_lets_nothing_fold_back(tmp_path: Path) -> None:
    times = np.arange(96_000) / 48_000
    samples, _ = heard(write(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 11_000 * times), 48_000))
    assert np.abs(samples[500:-500]).max() < 0.001


@pytest.mark.parametrize("rate_hz", [RATE_HZ, 44_100])
def test_blocks_hold_the_same_however_long_they_are(tmp_path: Path, rate_hz: int) -> None:
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, round(3.3 * rate_hz))
    path = write(tmp_path / "a.wav", noise, rate_hz)
    with opened(path) as recording:
        assert recording.duration_s == pytest.approx(3.3)
        whole = next(recording.blocks())
        again = [block.samples for block in recording.blocks(0.37)]  # from the beginning, once more
    assert {len(one) for one in again[:-1]} == {round(0.37 * RATE_HZ)}
    assert (np.concatenate(again) == whole.samples).all()
    assert whole.duration_s == pytest.approx(3.3)


def test_memory_is_flat_in_the_length(tmp_path: Path) -> None:
    path = write(tmp_path / "long.wav", np.zeros(5 * 60 * 8000), 8000, "pcm_u8")
    tracemalloc.start()
    with opened(path) as recording:
        count = sum(len(block.samples) for block in recording.blocks())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 5 * 60 * RATE_HZ
    assert peak < 10 * 2**20  # at once it would be 19 MB


def frames(path: Path, parts: list[tuple[float, NDArray[np.float64]]], codec: str = "pcm_s16le") -> Path:
    """A file in which each part begins at its time."""
    with av.open(str(path), "w") as container:
        stream = cast(AudioStream, container.add_stream(codec, rate=RATE_HZ, layout="mono"))
        for start_s, samples in parts:
            frame = av.AudioFrame.from_ndarray((samples * 32767).astype(np.int16).reshape(1, -1), "s16", "mono")
            frame.sample_rate, frame.time_base = RATE_HZ, Fraction(1, RATE_HZ)
            frame.pts = round(start_s * RATE_HZ)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_a_hole_in_time_is_silence(tmp_path: Path) -> None:
    samples, recording = heard(frames(tmp_path / "a.mkv", [(0, tone(1.0)), (31.0, tone(1.0))]), block_s=7.0)
    assert recording.duration_s == pytest.approx(32.0, abs=0.01)
    loud = np.abs(samples) > 0.01
    assert not loud[RATE_HZ + 100 : 31 * RATE_HZ - 100].any()
    assert loud[31 * RATE_HZ + 100 :].mean() > 0.9


def test_time_counts_from_the_first_picture(tmp_path: Path) -> None:
    samples, recording = heard(draw(tmp_path / "late.mkv", late_s=0.5))
    assert np.flatnonzero(np.abs(samples) > 0.1)[0] / RATE_HZ == pytest.approx(0.5, abs=0.01)
    assert (recording.format, recording.notes) == ("matroska", ())


def test_sound_that_begins_long_before_the_pictures_is_not_lost(tmp_path: Path) -> None:
    samples, recording = heard(draw(tmp_path / "early.mkv", seconds=6.0, pictures_late_s=4.0))
    assert len(samples) / RATE_HZ == pytest.approx(6.0, abs=0.1)
    assert recording.notes == ("the sound begins 0:04.0 before the pictures; time counts from there",)


def test_channels_are_mixed_by_their_mean(tmp_path: Path) -> None:
    one = tone(1.0)[0]
    half, _ = heard(write(tmp_path / "a.wav", np.stack([one, 0 * one])))
    assert np.abs(half).max() == pytest.approx(0.25, abs=0.001)
    nothing, recording = heard(write(tmp_path / "b.wav", np.stack([one, -one])))
    assert np.abs(nothing).max() < 0.001
    assert recording.notes == ("its channels cancel each other out when they are mixed",)


def test_what_is_beyond_full_scale_is_cut_and_told(tmp_path: Path) -> None:
    samples, recording = heard(write(tmp_path / "a.wav", tone(1.0, 48_000, level=8.0), 48_000, "pcm_f32le"))
    assert np.abs(samples).max() == pytest.approx(1, abs=0.01)
    assert recording.notes == ("93.8% of its samples are at full scale: the sound is clipped",)
    assert heard(write(tmp_path / "b.wav", tone(1.0, level=0.9)))[1].notes == ()


def test_what_is_no_number_is_silence_and_spreads_nowhere(tmp_path: Path) -> None:
    holes = np.full(48_000, 0.25)
    holes[24_000:24_100] = np.nan
    holes[30_000] = np.inf
    path = tmp_path / "nan.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_f64le", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(holes[None], format="dbl", layout="mono")
        frame.sample_rate = 48_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    samples, recording = heard(path)
    assert recording.notes == ("some of its samples are no numbers; they were taken for silence",)
    assert np.abs(samples[8010:8024]).max() < 0.05
    assert np.abs(samples[8200:9900] - 0.25).max() < 0.001


def test_an_offset_is_left_to_the_cutter(tmp_path: Path) -> None:
    assert heard(write(tmp_path / "a.wav", np.full(8000, 0.25)))[0].mean() == pytest.approx(0.25)


def test_a_cover_is_no_picture_that_time_counts_from(tmp_path: Path) -> None:
    path = tmp_path / "cover.mp3"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("libmp3lame", rate=RATE_HZ, layout="mono")
        cover = container.add_stream("mjpeg")
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        container.mux(cover.encode(picture.reformat(format="yuvj420p")))
        container.mux(cover.encode())
        frame = av.AudioFrame.from_ndarray((tone(1.0) * 32767).astype(np.int16), "s16", "mono")
        frame.sample_rate = RATE_HZ
        for piece in av.AudioResampler("s16p", "mono", RATE_HZ, 576).resample(frame):
            container.mux(sound.encode(piece))
        container.mux(sound.encode())
    samples, recording = heard(path)
    assert (recording.codec, recording.notes) == ("mp3", ())
    assert pitch_hz(samples) == pytest.approx(TONE_HZ, abs=5)


def test_of_several_tracks_the_first_is_heard(tmp_path: Path) -> None:
    path = tmp_path / "two.mka"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("pcm_s16le", rate=RATE_HZ, layout="mono") for _ in range(2)]
        for stream, level in zip(streams, (16_000, 0), strict=True):
            frame = av.AudioFrame.from_ndarray(np.full((1, 1600), level, np.int16), "s16", "mono")
            frame.sample_rate = RATE_HZ
            container.mux(stream.encode(frame))
    samples, recording = heard(path)
    assert samples.mean() > 0.4
    assert recording.notes == ("the file has 2 sound tracks; the first was listened to",)
    with pytest.raises(UnreadableError, match="announces 2 streams; the limit is 1"):
        heard(path, replace(DEFAULT_LIMITS, video_streams=1))

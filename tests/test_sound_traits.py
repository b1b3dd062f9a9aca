from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.data.voices import utterance, write_coded, write_wav
from unmask.errors import MediaError
from unmask.sound_traits import FAMILIES, Recording, read

RATE_HZ = 16_000


def traits(folder: Path, samples: NDArray[np.float64], rate_hz: int = RATE_HZ) -> Recording:
    return read(write_wav(folder / "a.wav", samples, rate_hz))


def silence(seconds: float) -> NDArray[np.float64]:
    return np.zeros(round(seconds * RATE_HZ))


def faded(samples: NDArray[np.float64], low_hz: float, high_hz: float, rate_hz: int = RATE_HZ) -> NDArray[np.float64]:
    """Only what lies between two frequencies."""
    spectrum = np.fft.rfft(samples)
    hz = np.fft.rfftfreq(len(samples), 1 / rate_hz)
    return np.asarray(np.fft.irfft(np.where((hz >= low_hz) & (hz <= high_hz), spectrum, 0), len(samples)))


def test_tells_length_format_and_bytes(tmp_path: Path) -> None:
    found = traits(tmp_path, np.stack([utterance(0, rate_hz=44_100)] * 2), 44_100).numbers
    size = (tmp_path / "a.wav").stat().st_size
    assert tuple(found) == FAMILIES
    assert found["length"] == {"seconds": 2.0}
    assert found["bytes"] == {"bytes": size, "bytes a second": size / 2}
    assert found["format"] == {"container wav": 1, "codec pcm_s16le": 1, "samples a second": 44_100, "channels": 2}
    assert found["metadata"] == {}


def test_tells_silence_at_both_ends_and_the_digital_kind(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 1e-4, round(0.3 * RATE_HZ))
    found = traits(tmp_path, np.concatenate([silence(0.5), utterance(0), noise])).numbers["silence"]
    assert found["leading"] == pytest.approx(0.5, abs=0.04)
    assert found["trailing"] == pytest.approx(0.3, abs=0.04)
    assert found["share"] == pytest.approx(0.8 / 2.8, abs=0.02)
    assert found["digital leading"] == pytest.approx(0.5, abs=0.04)
    assert found["digital trailing"] == 0
    assert found["zero samples"] == pytest.approx(0.5 / 2.8, abs=0.03)
    assert found["floor"] < -60


def test_silence_of_a_shifted_zero_is_digital_too(tmp_path: Path) -> None:
    found = traits(tmp_path, np.concatenate([silence(0.5), utterance(0)]) + 0.01).numbers
    assert found["silence"]["digital leading"] == pytest.approx(0.5, abs=0.04)
    assert found["silence"]["zero samples"] < 0.01
    assert found["offset"]["mean"] == pytest.approx(0.01, abs=1e-4)
    assert found["offset"]["mean of RMS"] == pytest.approx(0.01 / np.hypot(0.1 * np.sqrt(0.8), 0.01), rel=0.02)


def test_tells_the_grid_that_samples_lie_on(tmp_path: Path) -> None:
    voice = utterance(0)
    eight = np.round(voice * 2**7) / 2**7
    fine, coarse = (traits(tmp_path, samples).numbers["bit depth"] for samples in (voice, eight))
    louder = traits(tmp_path, eight * 0.77).numbers["bit depth"]
    assert fine["bits in use"] == 16
    assert coarse["bits in use"] == 8
    assert louder["bits in use"] > 8
    assert fine["small codes in use"] > 0.95
    assert louder["small codes in use"] < 0.05, "gaps remain where eight bits were scaled"
    assert fine["samples s16"] == 1
    assert fine["samples at full scale"] == 0
    clipped = traits(tmp_path, voice * 20).numbers["bit depth"]["samples at full scale"]
    assert 0.3 < clipped < 0.7


def test_tells_loudness(tmp_path: Path) -> None:
    times = np.arange(2 * RATE_HZ) / RATE_HZ
    found = traits(tmp_path, 0.1 * np.sin(2 * np.pi * 997 * times)).numbers["loudness"]
    assert found["RMS"] == pytest.approx(-23.01, abs=0.01)
    assert found["peak"] == pytest.approx(-20, abs=0.01)
    assert found["LUFS"] == pytest.approx(-23.01, abs=0.1), "by definition, as loud as its RMS at 997 Hz"
    deep = traits(tmp_path, 0.1 * np.sin(2 * np.pi * 40 * times)).numbers["loudness"]
    assert deep["LUFS"] < found["LUFS"] - 3, "low tones count less"


def test_pauses_do_not_make_a_recording_less_loud(tmp_path: Path) -> None:
    voice = utterance(0)
    alone = traits(tmp_path, voice).numbers["loudness"]["LUFS"]
    paused = traits(tmp_path, np.concatenate([voice, silence(4.0)])).numbers["loudness"]
    assert paused["LUFS"] == pytest.approx(alone, abs=1)
    assert paused["RMS"] < alone - 3


def test_tells_bandwidth(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 2 * RATE_HZ)
    wide, narrow, clean = (
        traits(tmp_path, samples).numbers["bandwidth"]
        for samples in (noise, faded(noise, 0, 5500), faded(noise, 300, 8000))
    )
    assert wide["highest"] == 8000
    assert wide["dB over 4000 Hz"] == pytest.approx(-3, abs=0.3)
    assert wide["dB over 7000 Hz"] == pytest.approx(-9, abs=0.5)
    assert 5500 <= narrow["highest"] < 5900
    assert narrow["dB over 6000 Hz"] < -60
    assert narrow["roll-off 95%"] == pytest.approx(0.95 * 5500, abs=100)
    assert clean["dB under 80 Hz"] < wide["dB under 80 Hz"] - 20


def test_a_band_that_cannot_be_there_is_missing_not_empty(tmp_path: Path) -> None:
    telephone = traits(tmp_path, utterance(0, rate_hz=8000), 8000).numbers["bandwidth"]
    studio = traits(tmp_path, utterance(0, rate_hz=48_000), 48_000).numbers["bandwidth"]
    assert "dB over 4000 Hz" not in telephone
    assert "dB over 8000 Hz" in studio


def test_tells_tags(tmp_path: Path) -> None:
    path = write_coded(tmp_path / "a.flac", utterance(0), "flac", tags={"TITLE": "by a machine"})
    found = read(path).numbers
    assert found["metadata"]["has title"] == len("by a machine")
    assert found["format"]["codec flac"] == 1


def test_equal_samples_have_one_hash_in_any_container(tmp_path: Path) -> None:
    voice = utterance(0)
    wav = read(write_wav(tmp_path / "a.wav", voice))
    flac = read(write_coded(tmp_path / "a.flac", voice, "flac"))
    other = read(write_wav(tmp_path / "b.wav", voice * 0.5))
    assert wav.samples_sha256 == flac.samples_sha256 != other.samples_sha256
    assert wav.sha256 != flac.sha256
    slower = read(write_wav(tmp_path / "c.wav", voice, 8000))
    assert slower.samples_sha256 != wav.samples_sha256, "the same numbers at another rate are another sound"


def test_long_recordings_are_added_up_in_pieces(tmp_path: Path) -> None:
    voice = utterance(0, seconds=25.0)
    found = traits(tmp_path, voice)
    assert found.numbers["length"]["seconds"] == 25
    assert found.numbers["loudness"]["RMS"] == pytest.approx(-20, abs=0.01)
    assert found.numbers["loudness"]["peak"] == pytest.approx(20 * np.log10(np.abs(voice).max()), abs=0.01)
    whole = read(write_coded(tmp_path / "a.flac", voice, "flac"))  # other frames, so other pieces
    assert whole.samples_sha256 == found.samples_sha256


def test_pure_silence_and_a_single_click_have_numbers(tmp_path: Path) -> None:
    click = np.array([0.5])
    for samples in (silence(1.0), click):
        found = traits(tmp_path, samples).numbers
        assert all(np.isfinite(number) for family in found.values() for number in family.values())
    assert traits(tmp_path, silence(1.0)).numbers["silence"]["share"] == 1


def broken(path: Path) -> None:
    path.write_bytes(b"RIFF\x24\0\0\0WAVEnonsense")


def nothing(path: Path) -> None:
    write_wav(path, np.zeros(0))


def cut_off(path: Path) -> None:
    write_coded(path, utterance(0), "flac")
    path.write_bytes(path.read_bytes()[:60])


@pytest.mark.parametrize(
    ("name", "make"), [("a.wav", broken), ("a.wav", nothing), ("a.flac", cut_off), ("missing.wav", lambda path: None)]
)
def test_what_cannot_be_read_says_so(tmp_path: Path, name: str, make: Callable[[Path], None]) -> None:
    make(tmp_path / name)
    with pytest.raises(MediaError):
        read(tmp_path / name)

"""What all vocoders promise: the same words, length, loudness, band and floor; chance from the generator alone."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from tests.vocoders.speaking import PAUSE_S, PITCH_HZ, band_db, envelope, level_db, voice
from unmask.errors import MissingExtraError, NothingToJudgeError, UsageError
from unmask.vocoders import VOCODERS, check
from unmask.vocoders.excitation import pitch_hz
from unmask.vocoders.spectra import stft
from unmask.vocoders.upsampling import _image

every_vocoder = pytest.mark.parametrize("name", VOCODERS)
SEEDS = range(2)


@every_vocoder
def test_a_fake_has_the_words_the_length_and_the_loudness_of_its_original(name: str) -> None:
    original = voice()
    for seed in SEEDS:
        made = VOCODERS[name](original, np.random.default_rng(seed))
        assert made.dtype == np.float32
        assert made.shape == original.shape
        assert np.isfinite(made).all()
        assert np.abs(made).max() < 1
        assert made.std() == pytest.approx(original.std(), rel=0.02)
        alike = np.corrcoef(envelope(made).ravel(), envelope(original).ravel())[0, 1]
        assert alike > 0.8, "the same sounds at the same times"


@every_vocoder
def test_a_fake_is_no_copy(name: str) -> None:
    original = voice()
    for seed in SEEDS:
        made = VOCODERS[name](original, np.random.default_rng(seed))
        apart = np.abs(stft(made.astype(float), 512) - stft(original.astype(float), 512)).sum()
        assert apart > 0.1 * np.abs(stft(original.astype(float), 512)).sum()


@every_vocoder
def test_chance_comes_from_the_generator_alone(name: str) -> None:
    original = voice(0.7)
    first, again, other = (VOCODERS[name](original, np.random.default_rng(seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3


@every_vocoder
def test_the_pauses_are_neither_silent_nor_loud(name: str) -> None:
    original = voice()
    within = (PAUSE_S[0] + 0.1, PAUSE_S[1] - 0.1)
    for seed in SEEDS:
        made = VOCODERS[name](original, np.random.default_rng(seed))
        assert level_db(made, *within) == pytest.approx(level_db(original, *within), abs=8)


@every_vocoder
def test_what_the_original_lacks_above_the_band_of_a_telephone_the_fake_lacks_too(name: str) -> None:
    whole = voice()
    spectrum = np.fft.rfft(whole)
    spectrum[round(3600 / 8000 * len(spectrum)) :] = 0
    original = np.fft.irfft(spectrum, len(whole)).astype(np.float32)
    made = VOCODERS[name](original, np.random.default_rng(1))
    assert band_db(made, 4500, 8000) < band_db(made, 300, 3400) - 35


@every_vocoder
def test_loud_recordings_do_not_clip(name: str) -> None:
    original = voice(rms=0.2)
    original = np.clip(original, -1, 1)
    made = VOCODERS[name](original, np.random.default_rng(0))
    assert np.abs(made).max() < 0.995
    assert made.std() > 0.8 * original.std()


@every_vocoder
@pytest.mark.parametrize("samples", [np.zeros(16_000, np.float32), voice(0.1), np.zeros(0, np.float32)])
def test_silence_and_snippets_are_refused(name: str, samples: np.ndarray) -> None:
    with pytest.raises(NothingToJudgeError, match=r"silent|short"):
        VOCODERS[name](samples, np.random.default_rng(0))


@every_vocoder
def test_a_recording_without_a_pitch_can_be_resynthesised(name: str) -> None:
    noise = (0.1 * np.random.default_rng(3).standard_normal(8_000)).astype(np.float32)
    made = VOCODERS[name](noise, np.random.default_rng(0))
    assert made.std() == pytest.approx(noise.std(), rel=0.05)


@pytest.mark.parametrize("name", ["harmonic", "lpc", "lpc-coded", "minimum-phase", "world"])
def test_those_that_follow_the_pitch_keep_it(name: str) -> None:
    made = VOCODERS[name](voice(), np.random.default_rng(2))
    heard = pitch_hz(made.astype(np.float64), 128)[:60]
    assert np.median(heard[heard > 0]) == pytest.approx(PITCH_HZ, rel=0.2 if name == "world" else 0.05)


def test_conversion_changes_the_pitch_and_the_throat() -> None:
    heard = []
    for seed in range(4):
        made = VOCODERS["world-converted"](voice(), np.random.default_rng(seed))
        track = pitch_hz(made.astype(np.float64), 128)[:60]
        heard.append(np.median(track[track > 0]) / PITCH_HZ)
    assert all(abs(np.log2(scale)) > 0.1 for scale in heard)
    assert len({round(float(scale), 2) for scale in heard}) == 4


def test_upsampling_leaves_mirror_images() -> None:
    """What stands at 8 kHz less the frequency of a tone is its image by stride 2."""
    tone = np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000)
    image = _image(tone, 2, -20.0, np.random.default_rng(0)).astype(np.float32)
    whole_periods = image[320:]
    assert band_db(whole_periods, 6990, 7010) > band_db(whole_periods, 0, 6900) + 40
    assert image.std() == pytest.approx(tone.std() / 10, rel=0.01)


def test_names_are_checked_before_the_work() -> None:
    check(["lpc", "world"])
    with pytest.raises(UsageError, match=r"no vocoder wavenet, x; there are: griffin-lim, "):
        check(["lpc", "wavenet", "x"])


def test_world_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyworld", None)
    check(["lpc"])
    with pytest.raises(MissingExtraError, match=r"unmask\[voices\]"):
        check(["lpc", "world"])
    with pytest.raises(MissingExtraError):
        VOCODERS["world-converted"](voice(0.5), np.random.default_rng(0))

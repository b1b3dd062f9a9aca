"""What a fake goes through last, against sounds whose differences are known."""

from __future__ import annotations

import numpy as np
import pytest

from tests.vocoders.speaking import PAUSE_S, band_db, level_db, voice
from unmask.vocoders.finishing import finish, finished


def test_what_comes_back_unchanged_stays_nearly_unchanged() -> None:
    original = voice()
    same = finished(lambda samples, rng: samples)(original, np.random.default_rng(0))
    assert np.abs(same - original).max() < 0.02 * np.abs(original).max()


def test_a_dull_fake_is_brightened_a_little_and_a_bright_one_dulled() -> None:
    original = voice()
    rng = np.random.default_rng(0)
    bright = finished(lambda samples, _: np.diff(samples, prepend=0.0))(original, rng)
    for band in ((300, 900), (1200, 1900), (2300, 2900)):
        assert band_db(bright, *band) == pytest.approx(band_db(original, *band), abs=4)


def test_digital_silence_is_filled_with_as_much_noise_as_the_original_has() -> None:
    original = voice()
    gated = finished(lambda samples, rng: voice(floor=0.0).astype(np.float64))(original, np.random.default_rng(0))
    within = (PAUSE_S[0] + 0.05, PAUSE_S[1] - 0.05)
    assert level_db(gated, *within) == pytest.approx(level_db(original, *within), abs=3)


def test_silence_of_the_original_stays_silence() -> None:
    original = voice(floor=0.0)
    made = finished(lambda samples, rng: samples)(original, np.random.default_rng(0))
    assert level_db(made, PAUSE_S[0] + 0.1, PAUSE_S[1] - 0.1) < -90


def test_digital_silence_of_the_original_is_digital_silence_of_the_fake() -> None:
    original = voice()
    original[4_000:5_000] = 0
    original[7_000:7_010] = 0
    noise = np.random.default_rng(1).standard_normal(len(original))
    made = finished(lambda samples, rng: noise)(original, np.random.default_rng(0))
    assert not made[4_000:5_000].any()
    assert made[7_000:7_010].all(), "no more than a few samples that happen to be 0"


@pytest.mark.parametrize("sign", [-1, 1])
def test_peaks_point_the_way_of_the_original(sign: int) -> None:
    original = voice() * np.float32(sign)
    made = finished(lambda samples, rng: -samples)(original, np.random.default_rng(0))
    assert np.corrcoef(made, original)[0, 1] > 0.9


def test_rumble_that_the_original_lacks_is_taken_out() -> None:
    original = voice()
    rumble = 0.05 * np.sin(2 * np.pi * 40 * np.arange(len(original)) / 16_000)
    made = finished(lambda samples, rng: samples + rumble)(original, np.random.default_rng(0))
    assert band_db(made, 20, 60) < band_db((original + rumble).astype(np.float32), 20, 60) - 12


@pytest.mark.parametrize("length", [10_000, 40_000])
def test_what_is_too_short_or_too_long_gets_the_length_of_the_original(length: int) -> None:
    original = voice()
    made = finished(lambda samples, rng: np.resize(samples, length))(original, np.random.default_rng(0))
    assert len(made) == len(original)


def test_a_sentence_takes_over_the_loudness_of_another_recording() -> None:
    like = voice(2.0, rms=0.02).astype(np.float64)
    made = finish(voice(1.0, seed=1).astype(np.float64), like, np.random.default_rng(0))
    assert len(made) == 16_000
    assert made.std() == pytest.approx(like.std(), rel=0.01)


def test_peaks_are_turned_down_and_the_rest_keeps_its_level() -> None:
    spiky = voice(rms=0.05).astype(np.float64)
    spiky[8_000] = 3.0
    made = finished(lambda samples, rng: spiky)(voice(rms=0.2), np.random.default_rng(0))
    assert np.abs(made).max() <= 0.991
    assert np.abs(made[9_000:]).std() > 0

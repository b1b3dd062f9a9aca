from __future__ import annotations

import numpy as np
import pytest

from tests.draw_voice import voice
from unmask.modalities.audio import RATE_HZ
from unmask.pitch import below, track


def everywhere(samples: np.ndarray) -> np.ndarray:
    return np.ones(len(samples) // 160, bool)


@pytest.mark.parametrize("hz", [75.0, 120.0, 233.3, 410.0])
def test_the_pitch_is_the_one_that_was_drawn(hz: float) -> None:
    drawn = voice(pitch_hz=hz)
    found = track(drawn.samples, everywhere(drawn.samples))
    middle = found.hz[10:60]  # inside the first word
    assert not np.isnan(middle).any()
    assert middle == pytest.approx(hz, rel=0.01)


def test_a_glide_is_followed() -> None:
    times = np.arange(RATE_HZ) / RATE_HZ
    turns = 100 * times + 50 * times**2
    wave = sum(np.sin(2 * np.pi * number * turns) / number for number in range(1, 10))
    found = track((0.2 * np.asarray(wave)).astype(np.float32), np.ones(100, bool))
    assert found.hz[5:-5] == pytest.approx(100 + 100 * (found.middles[5:-5] / RATE_HZ), rel=0.02)


def test_noise_silence_and_what_nobody_speaks_have_no_pitch() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, RATE_HZ).astype(np.float32)
    assert track(noise, np.ones(100, bool)).voiced.mean() < 0.05
    assert not track(np.zeros(RATE_HZ, np.float32), np.ones(100, bool)).voiced.any()
    assert not track(voice().samples, np.zeros(300, bool)).voiced.any()
    assert len(track(noise[:0], np.zeros(0, bool)).hz) == 0


def test_what_is_higher_is_taken_out() -> None:
    times = np.arange(RATE_HZ) / RATE_HZ
    low, high = np.sin(2 * np.pi * 300 * times), np.sin(2 * np.pi * 3000 * times)
    assert below((low + high).astype(np.float32), 1000) == pytest.approx(low, abs=1e-4)

"""Short-time spectra and what is computed from them."""

from __future__ import annotations

import numpy as np
import pytest

from unmask.vocoders import spectra


@pytest.fixture
def noise() -> spectra.Sound:
    return np.random.default_rng(0).standard_normal(5_000)


@pytest.mark.parametrize("size", [512, 800])
def test_there_and_back_is_the_same(noise: spectra.Sound, size: int) -> None:
    back = spectra.istft(spectra.stft(noise, size), size, len(noise))
    np.testing.assert_allclose(back, noise, atol=1e-9)


def test_a_filter_of_one_leaves_a_sound_alone(noise: spectra.Sound) -> None:
    frames = len(spectra.framed(noise, 256, 128))
    np.testing.assert_allclose(spectra.filtered(noise, np.ones((frames, 513), complex), 128), noise, atol=1e-9)


def test_a_filter_is_that_of_its_response(noise: spectra.Sound) -> None:
    taps = np.array([0.5, 0.0, -0.3, 0.1])
    responses = np.tile(np.fft.rfft(taps, 1024), (len(spectra.framed(noise, 256, 128)), 1))
    np.testing.assert_allclose(
        spectra.filtered(noise, responses, 128), np.convolve(noise, taps)[: len(noise)], atol=1e-9
    )


def test_mel_bands_are_triangles_of_sum_one_and_come_back_as_magnitudes_that_have_them() -> None:
    bank = spectra.mel_bank(40, 512)
    assert bank.shape == (40, 257)
    assert (bank >= 0).all()
    np.testing.assert_allclose(bank.sum(axis=1), 1)
    smooth = np.exp(-np.linspace(0, 4, 257))[None]
    found = spectra.from_mel(smooth @ bank.T, bank)
    assert (found >= 0).all()
    np.testing.assert_allclose(found @ bank.T, smooth @ bank.T, rtol=0.05)


def test_blurring_keeps_a_constant_and_spreads_a_peak() -> None:
    np.testing.assert_allclose(spectra.smoothed(np.full((3, 20), 2.0), 1.5, 1), 2.0)
    peak = np.zeros((21, 1))
    peak[10] = 1
    blurred = spectra.smoothed(peak, 2.0, 0)[:, 0]
    assert blurred.sum() == pytest.approx(1)
    assert (np.average((np.arange(21) - 10) ** 2, weights=blurred) ** 0.5) == pytest.approx(2.0, rel=0.05)


def test_the_least_phase_has_the_magnitudes_and_answers_at_once() -> None:
    taps = np.array([0.2, -0.5, 1.0])  # of the most phase: its energy comes last
    magnitudes = np.abs(np.fft.rfft(taps, 1024))[None]
    made = spectra.minimum_phase(magnitudes)
    np.testing.assert_allclose(np.abs(made), magnitudes, rtol=1e-6)
    np.testing.assert_allclose(np.fft.irfft(made[0])[:3], taps[::-1], atol=1e-3)

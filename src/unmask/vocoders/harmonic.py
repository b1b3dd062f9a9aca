"""Harmonics and noise: a sum of sines at multiples of the pitch, and noise above a limit and where there is no pitch.

What sinusoidal vocoders and codecs (MBE, Codec 2) synthesise, and what neural source-filter models begin with. Keeps
the bandwidth; pauses are noise of the original's level.

Source: Stylianou, Harmonic plus noise models for speech, 1996.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from unmask.modalities.audio import RATE_HZ
from unmask.vocoders.excitation import per_sample, pitch_hz
from unmask.vocoders.spectra import Magnitudes, Sound, bins_hz, filtered, hann, smoothed, stft

_HOP: Final = 128
_SIZE: Final = 1024
_SHORT: Final = 512
_HIGHEST_HZ: Final = RATE_HZ / 2 - 100
_EDGE_HZ: Final = 100.0


def harmonic(samples: Sound, rng: np.random.Generator) -> Sound:
    """Sines up to 2.5 to 7 kHz, noise above; the phases between sines are those of a pulse, drawn, or spread."""
    track = pitch_hz(samples, _HOP)
    magnitudes = np.abs(stft(samples, _SIZE, _HOP))
    limit_hz = float(rng.uniform(2500, 7000))
    return _sines(track, magnitudes, limit_hz, len(samples), rng) + _noise(track, samples, limit_hz, rng)


def _sines(
    track: NDArray[np.float64], magnitudes: Magnitudes, limit_hz: float, length: int, rng: np.random.Generator
) -> Sound:
    pitch = per_sample(track, _HOP, length)
    total = np.zeros(length)
    if not pitch.any():
        return total
    turns = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
    count = int(limit_hz / track[track > 0].min()) + 1
    numbers = np.arange(1, count + 1)
    drawn = {
        "pulse": np.zeros(count),
        "drawn": 2 * np.pi * rng.random(count),
        "spread": -np.pi * numbers**2 / count,  # Schroeder's phases, which keep the peaks low
    }
    phases = drawn[str(rng.choice(list(drawn)))]
    moments, places = np.arange(length) / _HOP, np.arange(len(track))
    for number, phase in zip(numbers, phases, strict=True):
        hz = track * number
        inside = (track > 0) & (hz < min(limit_hz, _HIGHEST_HZ))
        height = np.where(inside, _at(magnitudes, hz), 0.0)
        if height.any():
            total += np.interp(moments, places, height) * np.cos(number * turns + phase)
    return np.asarray(total * 2 / hann(_SIZE).sum(), np.float64)


def _at(magnitudes: Magnitudes, hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """The magnitudes nearest to a frequency in each frame: the highest of three bins."""
    nearest = np.clip(np.round(hz * _SIZE / RATE_HZ).astype(int), 1, magnitudes.shape[1] - 2)
    rows = np.arange(len(magnitudes))
    return np.asarray(np.max([magnitudes[rows, nearest + step] for step in (-1, 0, 1)], axis=0), np.float64)


def _noise(track: NDArray[np.float64], samples: Sound, limit_hz: float, rng: np.random.Generator) -> Sound:
    """Shaped after short frames, so that a pause keeps quiet to its ends."""
    power = np.abs(stft(samples, _SHORT, _HOP)) ** 2
    smooth = np.sqrt(smoothed(power, 3.0, 1) / (hann(_SHORT) ** 2).sum())
    above = 1 / (1 + np.exp(-np.clip((bins_hz(_SHORT) - limit_hz) / _EDGE_HZ, -30, 30)))
    share = np.where((track > 0)[:, None], 0.05 + 0.95 * above, 1.0)
    return filtered(rng.standard_normal(len(samples)), (smooth * share).astype(np.complex128), _HOP)

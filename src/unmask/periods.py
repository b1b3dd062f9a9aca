"""A voice from one period of its vocal folds to the next: how alike they are in length, loudness, shape and phase."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from unmask.modalities.audio import RATE_HZ
from unmask.pitch import Floats, Pitch, below
from unmask.types import Samples

_COUNT: Final = 4
"""Periods looked at together: enough to tell harmonics from what lies between them, few enough to hold still."""

_POINTS: Final = 128
"""A period is resampled to. At 60 Hz that is 7.7 kHz, so little folds over."""

_LENGTH_HZ: Final = 1500.0
_STRETCH: Final = 0.06
_LAGS: Final = 17
_HIGHEST_HARMONIC: Final = 10


@dataclass(frozen=True, eq=False)
class Periods:
    """What `N` places of a voice show, each in four periods around it; NaN where that is not possible.

    Attributes:
        jitter: float64 (N,), change of length from one period to the next, as a part of it.
        shimmer_db: float64 (N,), change of loudness from one period to the next.
        low_hnr_db: float64 (N,), harmonics against what lies between them below 1.5 kHz.
        high_hnr_db: float64 (N,), the same from 2.5 to 6 kHz.
        asymmetry: float64 (N,), skewness of the wave: the folds close faster than they open.
        phases: complex128 (N, 9), direction of each harmonic's phase relative to the first's, of harmonics 2 to 10.
    """

    jitter: Floats
    shimmer_db: Floats
    low_hnr_db: Floats
    high_hnr_db: Floats
    asymmetry: Floats
    phases: NDArray[np.complex128]


def periods(samples: Samples, pitch: Pitch) -> Periods:
    """Look at the periods around each voiced step of a pitch track.

    Args:
        samples: The sound that was tracked.
        pitch: Its pitch.

    Returns:
        As many values as the track has voiced steps.
    """
    length = RATE_HZ / pitch.hz[pitch.voiced]
    middles = pitch.middles[pitch.voiced].astype(np.float64)
    grid = np.arange(_COUNT * _POINTS) / _POINTS - _COUNT / 2
    waves = _at(samples.astype(np.float64), middles[:, None] + grid * length[:, None])
    waves -= waves.mean(axis=1, keepdims=True)
    lines = np.fft.rfft(waves * np.hanning(_COUNT * _POINTS + 1)[:-1], axis=1)
    harmonics = lines[:, _COUNT::_COUNT]
    level = np.sqrt((waves.reshape(len(waves), _COUNT, _POINTS) ** 2).mean(axis=2)) + 1e-9
    spread = np.sqrt((waves**2).mean(axis=1)) + 1e-9
    first = harmonics[:, :1] / np.maximum(np.abs(harmonics[:, :1]), 1e-12)
    order = np.arange(2, _HIGHEST_HARMONIC + 1)
    relative = harmonics[:, order - 1] * first.conj() ** order
    return Periods(
        jitter=_jitter(samples, middles, length),
        shimmer_db=np.abs(np.diff(20 * np.log10(level), axis=1)).mean(axis=1),
        low_hnr_db=_against_between(lines, length, (0.0, 1500.0)),
        high_hnr_db=_against_between(lines, length, (2500.0, 6000.0)),
        asymmetry=(waves**3).mean(axis=1) / spread**3,
        phases=relative / np.maximum(np.abs(relative), 1e-12),
    )


def _against_between(lines: NDArray[np.complex128], length: Floats, band_hz: tuple[float, float]) -> Floats:
    """Energy of the harmonics against that midway between them, in a band, in decibels."""
    energy = np.abs(lines) ** 2
    hz = np.arange(energy.shape[1]) / _COUNT * (RATE_HZ / length)[:, None]
    inside = (hz > band_hz[0]) & (hz <= band_hz[1])
    place = np.arange(energy.shape[1]) % _COUNT
    sums = [np.where(inside & (place == which), energy, 0.0).sum(axis=1) for which in (0, _COUNT // 2)]
    return np.where(sums[1] > 0, 10 * np.log10((sums[0] + 1e-12) / (sums[1] + 1e-12)), np.nan)


def _jitter(samples: Samples, middles: Floats, length: Floats) -> Floats:
    """Change of length between two periods that follow each other (local jitter), by where they fit each other best."""
    smooth = below(samples, _LENGTH_HZ)
    before = _fitting(smooth, middles - length, length)
    after = _fitting(smooth, middles, length)
    return np.abs(after - before) / length


def _fitting(samples: Floats, starts: Floats, length: Floats) -> Floats:
    """How long the period at each start is: the lag at which the wave is most like itself."""
    inside = starts[:, None] + np.linspace(-0.5, 0.5, 48) * length[:, None]
    lags = length[:, None] * (1 + np.linspace(-_STRETCH, _STRETCH, _LAGS))
    own = _at(samples, inside)
    moved = _at(samples, inside[:, None, :] + lags[:, :, None])
    alike = np.einsum("nu,nlu->nl", own, moved) / np.maximum(np.sqrt((moved**2).sum(axis=2)), 1e-12)
    best = np.clip(alike.argmax(axis=1), 1, _LAGS - 2)
    rows = np.arange(len(alike))
    left, here, right = alike[rows, best - 1], alike[rows, best], alike[rows, best + 1]
    bend = left - 2 * here + right
    shift = np.where(bend < -1e-12, (left - right) / (2 * np.minimum(bend, -1e-12)), 0.0)
    return np.asarray(lags[rows, best] + np.clip(shift, -0.5, 0.5) * (lags[:, 1] - lags[:, 0]), np.float64)


def _at(samples: Floats, places: Floats) -> Floats:
    """The wave between its samples, on straight lines."""
    kept = np.clip(places, 0, len(samples) - 1.001)
    whole = kept.astype(np.int64)
    part = kept - whole
    return samples[whole] * (1 - part) + samples[whole + 1] * part

"""The pitch of a voice: YIN (de Cheveigne & Kawahara 2002, doi:10.1121/1.1458024), in numpy alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from unmask.modalities.audio import RATE_HZ
from unmask.speech import STEP_S
from unmask.types import Samples

Floats = NDArray[np.float64]

LOWEST_HZ: Final = 60.0
HIGHEST_HZ: Final = 500.0

_WINDOW: Final = 512
_LONGEST: Final = round(RATE_HZ / LOWEST_HZ)
_SHORTEST: Final = round(RATE_HZ / HIGHEST_HZ)
_SIZE: Final = 1024
"""Of the Fourier transforms: no less than `_WINDOW` + `_LONGEST`, so that no lag wraps around."""

_DIP: Final = 0.15
_VOICED: Final = 0.35
_BELOW_HZ: Final = 1000.0
"""Breath and hiss lie above it and would hide the dip; every pitch has harmonics below it."""
_NOTHING: Final = 1e-10
"""Energy of a difference: silence is like itself at every lag, and has no pitch."""
_NEIGHBOURS: Final = 5
_APART: Final = 0.2
"""Of the median of the neighbours: an octave error is further away than that, and no voice jumps so in 10 ms."""


@dataclass(frozen=True, eq=False)
class Pitch:
    """How high a voice is, each `unmask.speech.STEP_S`.

    Attributes:
        hz: float64 (N,), NaN where nothing vibrates.
        middles: int64 (N,), the samples in the middle of each step's window.
    """

    hz: Floats
    middles: NDArray[np.int64]

    @property
    def voiced(self) -> NDArray[np.bool_]:
        """Where vocal folds vibrate: bool (N,)."""
        return ~np.isnan(self.hz)


def track(samples: Samples, spoken: NDArray[np.bool_]) -> Pitch:
    """The pitch where somebody speaks.

    Args:
        samples: The sound.
        spoken: Whether somebody speaks, for each `unmask.speech.STEP_S`.

    Returns:
        As many values as `spoken` has.
    """
    step = round(STEP_S * RATE_HZ)
    middles = np.arange(len(spoken)) * step + step // 2
    hz = np.full(len(spoken), np.nan)
    places = np.flatnonzero(spoken)
    if len(places):
        before = (_WINDOW + _LONGEST) // 2
        padded = np.pad(below(samples, _BELOW_HZ).astype(np.float32), before + step)
        starts = middles[places] + step
        frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW + _LONGEST)[starts]
        hz[places] = _lowest_dip(_difference(frames))
    return Pitch(_without_jumps(hz), middles)


def below(samples: Samples, highest_hz: float) -> Floats:
    """The sound without all that is higher than a frequency: float64 (T,)."""
    spectrum = np.fft.rfft(samples)
    spectrum[np.fft.rfftfreq(len(samples), 1 / RATE_HZ) > highest_hz] = 0
    return np.asarray(np.fft.irfft(spectrum, len(samples)), np.float64)


def _difference(frames: NDArray[np.float32]) -> Floats:
    """YIN's cumulative mean normalised difference, (N, lags from 0)."""
    spectrum = np.fft.rfft(frames, _SIZE, axis=1)
    first = np.fft.rfft(frames[:, :_WINDOW], _SIZE, axis=1)
    alike = np.fft.irfft(spectrum * first.conj(), _SIZE, axis=1)[:, : _LONGEST + 1]
    energy = np.pad(np.cumsum(frames.astype(np.float64) ** 2, axis=1), ((0, 0), (1, 0)))
    moved = energy[:, _WINDOW : _WINDOW + _LONGEST + 1] - energy[:, : _LONGEST + 1]
    apart = np.maximum(moved[:, :1] + moved - 2 * alike, 0.0)
    mean = np.cumsum(apart[:, 1:], axis=1) / np.arange(1, _LONGEST + 1)
    return np.concatenate(
        [np.ones((len(frames), 1)), np.where(mean > _NOTHING, apart[:, 1:] / np.maximum(mean, _NOTHING), 1.0)], axis=1
    )


def _lowest_dip(apart: Floats) -> Floats:
    """The first dip that is deep enough, else the deepest, as a frequency; NaN where none is deep."""
    inner = apart[:, _SHORTEST:_LONGEST]
    dip = (inner <= apart[:, _SHORTEST - 1 : _LONGEST - 1]) & (inner <= apart[:, _SHORTEST + 1 : _LONGEST + 1])
    deep = dip & (inner < _DIP)
    place = np.where(deep.any(axis=1), deep.argmax(axis=1), np.where(dip, inner, np.inf).argmin(axis=1)) + _SHORTEST
    rows = np.arange(len(apart))
    before, here, after = apart[rows, place - 1], apart[rows, place], apart[rows, place + 1]
    bend = before - 2 * here + after
    shift = np.where(bend > 1e-12, (before - after) / (2 * np.maximum(bend, 1e-12)), 0.0)
    hz = RATE_HZ / (place + np.clip(shift, -0.5, 0.5))
    return np.where(here < _VOICED, hz, np.nan)


def _without_jumps(hz: Floats) -> Floats:
    """Without values far from those around them, and without what stands alone."""
    if not len(hz):
        return hz
    half = _NEIGHBOURS // 2
    around = np.lib.stride_tricks.sliding_window_view(np.pad(hz, half, constant_values=np.nan), _NEIGHBOURS)
    count = (~np.isnan(around)).sum(axis=1)
    middle = np.sort(around, axis=1)[np.arange(len(hz)), np.maximum(count - 1, 0) // 2]  # NaN sorts to the end
    kept = (count > half) & (np.abs(hz - middle) <= _APART * middle)
    return np.where(kept, hz, np.nan)

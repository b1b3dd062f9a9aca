"""Where somebody speaks, by the energy of the sound alone: enough to keep silence from being judged.

Speech rises and falls: its loud parts stand far above its pauses. A steady hum or noise does not, so it counts as
silence however loud it is. Music counts as speech; telling the two apart is not this file's task.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from unmask.modalities.audio import RATE_HZ, Sound

STEP_S: Final = 0.01
"""Of the mask."""

_WINDOW_S: Final = 0.025
_BAND_HZ: Final = (200.0, 4000.0)
_LEAST_DB: Final = -60.0
_QUIETEST_DB: Final = -80.0
_RISE_DB: Final = 8.0
_BELOW_LOUD_DB: Final = (35.0, 20.0)
_ABOVE_QUIET_DB: Final = 10.0
_BRIDGE: Final = 8  # steps: pauses inside words are shorter than this


def speech(sound: Sound) -> NDArray[np.bool_]:
    """Whether somebody speaks, for each 10 ms.

    Args:
        sound: The sound.

    Returns:
        bool (N,), N = duration / 10 ms, rounded down.
    """
    loud = loudness(sound, _BAND_HZ)
    if not len(loud) or loud.max() < _LEAST_DB:
        return np.zeros(len(loud), bool)
    quiet, high = np.percentile(loud, [10, 95])
    if high - quiet < _RISE_DB:
        return np.zeros(len(loud), bool)
    between = float(np.clip(quiet + _ABOVE_QUIET_DB, high - _BELOW_LOUD_DB[0], high - _BELOW_LOUD_DB[1]))
    return _bridged(loud > max(between, _QUIETEST_DB))


def loudness(sound: Sound, band_hz: tuple[float, float], step_s: float = STEP_S) -> NDArray[np.float64]:
    """Level of a band of the sound, each `step_s`, in decibels below full scale.

    Args:
        sound: The sound.
        band_hz: Lowest and highest frequency.
        step_s: From value to value.

    Returns:
        float64 (N,), N = duration / step_s, rounded down; the value stands for the window around its step's middle.
    """
    step, window = round(step_s * RATE_HZ), round(_WINDOW_S * RATE_HZ)
    count = len(sound.samples) // step
    if not count:
        return np.zeros(0)
    before = (window - step) // 2
    padded = np.pad(sound.samples, (before, window))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[: count * step : step]
    shape = np.hanning(window)
    size = 1 << (window - 1).bit_length()
    spectrum = np.abs(np.fft.rfft(frames * shape, size, axis=1)) ** 2
    hz = np.fft.rfftfreq(size, 1 / RATE_HZ)
    inside = (hz >= band_hz[0]) & (hz <= band_hz[1])
    energy = 2 * spectrum[:, inside].sum(axis=1) / (size * (shape**2).sum())
    return np.asarray(10 * np.log10(energy + 1e-12), np.float64)


def _bridged(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Short pauses filled, then what is shorter than they are dropped: a click is no word."""
    return _opened(~_opened(~mask, _BRIDGE), _BRIDGE // 2)


def _opened(mask: NDArray[np.bool_], least: int) -> NDArray[np.bool_]:
    """Without runs that are shorter than `least`."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    kept = np.zeros(len(mask), bool)
    for start, end in edges.reshape(-1, 2):
        kept[start:end] = end - start >= least
    return kept

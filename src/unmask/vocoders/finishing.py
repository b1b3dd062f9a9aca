"""What every fake goes through last, so that nothing trivial tells it from its original.

- Colour and bandwidth: its average spectrum is bent, smoothly, towards the original's. What the original does not have,
  above the 4 kHz of a telephone say, the fake loses too; what a vocoder lost altogether does not come back.
- Pauses: noise as loud, at each frequency, as the quietest moments of the original are louder than those of the fake. A
  vocoder that leaves digital silence between the words would be known by that alone. Where the original has digital
  silence, the fake has it too.
- Polarity: the peaks point the way of the original's.
- Length: cut, or filled with that noise.
- Loudness: the same root mean square, but for peaks that would clip: they are turned down, for some milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Final

import numpy as np
from numpy.typing import NDArray

from unmask.errors import NothingToJudgeError
from unmask.modalities.audio import RATE_HZ
from unmask.types import Samples
from unmask.vocoders.spectra import Sound, hann, smoothed, stft

Vocoder = Callable[[Samples, np.random.Generator], Samples]
"""From a real recording, and a source of all chance, to a fake of the same words, length and loudness.

Raises `NothingToJudgeError` where the recording is silent or shorter than `LEAST_S`.
"""

LEAST_S: Final = 0.25
_LEAST_RMS: Final = 1e-4
_PEAK: Final = 0.99
_REACH: Final = 64
_SIZE: Final = 512
_BLUR_BINS: Final = 4.0
_LOW_BINS: Final = 4
_LEAST_NOTHING: Final = 64
_MOST_GAIN: Final = 2.0
_LEAST_GAIN: Final = 0.001
_QUIET_SHARE: Final = 0.1
_QUIET_TO_MEAN: Final = 2.0
"""Noise is at its quietest about half as strong as on average."""


def finished(resynthesis: Callable[[Sound, np.random.Generator], Sound]) -> Vocoder:
    """A vocoder that is done: what it makes is finished against its original."""

    @wraps(resynthesis)
    def vocoder(samples: Samples, rng: np.random.Generator) -> Samples:
        demand_sound(samples)
        original = samples.astype(np.float64)
        made = resynthesis(original, rng)[: len(samples)]
        done = finish(np.pad(made, (0, len(samples) - len(made))), original, rng)
        return np.where(_nothing(samples), np.float32(0), done)

    return vocoder


def demand_sound(samples: Samples) -> None:
    """Refuse what nothing can be made of.

    Raises:
        NothingToJudgeError: It is silent, or shorter than `LEAST_S`.
    """
    if len(samples) < LEAST_S * RATE_HZ:
        raise NothingToJudgeError("the recording is too short")
    if _rms(samples.astype(np.float64)) < _LEAST_RMS:
        raise NothingToJudgeError("the recording is silent")


def finish(made: Sound, like: Sound, rng: np.random.Generator) -> Samples:
    """A made sound with the colour, bandwidth, floor and loudness of a real one, of any length.

    Args:
        made: The fake, finite.
        like: The real recording.
        rng: Source of all chance: the noise of the floor.

    Returns:
        As long as `made`.
    """
    made = made * (_rms(like) / max(_rms(made), 1e-9))
    made = _through(made, _colour(made, like))
    made = made * (_rms(like) / max(_rms(made), 1e-9)) * _polarity(made) * _polarity(like)
    made = made + _missing_floor(made, like, rng)
    return np.asarray(_limited(made * (_rms(like) / max(_rms(made), 1e-9))), np.float32)


def _rms(samples: Sound) -> float:
    return float(np.sqrt(np.mean(samples**2)))


def _polarity(samples: Sound) -> float:
    """Which way its peaks point: 1 or -1."""
    return 1.0 if np.mean(samples**3) >= 0 else -1.0


def _nothing(samples: Samples) -> NDArray[np.bool_]:
    """Where there is digital silence, for some milliseconds at least."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], samples == 0, [0]])))
    mask = np.zeros(len(samples), bool)
    for start, end in edges.reshape(-1, 2):
        mask[start:end] = end - start >= _LEAST_NOTHING
    return mask


def _limited(samples: Sound) -> Sound:
    """With its peaks turned down where they would clip, gently before and after."""
    level = np.abs(samples)
    if level.max() <= _PEAK:
        return samples
    around = np.lib.stride_tricks.sliding_window_view(np.pad(level, _REACH), 2 * _REACH + 1).max(axis=1)
    gain = np.minimum(1.0, _PEAK / np.maximum(around, 1e-9))
    shape = hann(2 * _REACH + 2)[1:]
    return samples * np.convolve(np.pad(gain, _REACH, mode="edge"), shape / shape.sum(), "valid")


def _colour(made: Sound, like: Sound) -> NDArray[np.float64]:
    """The gain of each bin; below all voices, where recordings are cut off and vocoders are not, each for itself."""
    sharp = [(np.abs(stft(one, _SIZE)) ** 2).mean(axis=0) + 1e-12 for one in (made, like)]
    blurred = [smoothed(one, _BLUR_BINS, 0) for one in sharp]
    gain = np.sqrt(blurred[1] / blurred[0])
    gain[:_LOW_BINS] = np.minimum(gain, np.sqrt(sharp[1] / sharp[0]))[:_LOW_BINS]
    return np.asarray(np.clip(gain, _LEAST_GAIN, _MOST_GAIN), np.float64)


def _through(samples: Sound, gain: NDArray[np.float64]) -> Sound:
    """Through a filter without delay."""
    size = 2 * (len(gain) - 1)
    taps = np.fft.fftshift(np.fft.irfft(gain, size)) * hann(size)
    room = 1 << (len(samples) + size - 1).bit_length()
    whole = np.fft.irfft(np.fft.rfft(samples, room) * np.fft.rfft(taps, room), room)
    return np.asarray(whole[size // 2 : size // 2 + len(samples)], np.float64)


def _missing_floor(made: Sound, like: Sound, rng: np.random.Generator) -> Sound:
    """Noise for the pauses: as much as those of the original have and those of the fake lack."""
    lacking = _QUIET_TO_MEAN * np.maximum(_floor(like) - _floor(made), 0)
    noise = rng.standard_normal(len(made))
    return _through(noise, np.sqrt(lacking / (hann(_SIZE) ** 2).sum()))


def _floor(samples: Sound) -> NDArray[np.float64]:
    """Power that each bin keeps to in nine moments of ten, whatever the others do."""
    power = smoothed(np.abs(stft(samples, _SIZE)) ** 2, 1.5, 0)
    inner = power[3:-3] if len(power) > 16 else power  # the outermost frames reach beyond the ends
    return smoothed(np.quantile(inner, _QUIET_SHARE, axis=0), 1.5, 0)

"""What happens to sound on its way through rooms, microphones and lines: noise, echoes, bands, levels, speed.

Each is a function of samples alone, and of an rng where there is chance; all is numpy on whole arrays. What would not
fit into [-1, 1] is made quieter as a whole, so that nothing is clipped by accident. Silence stays silence. Spectra are
changed without shifting anything in time; ends are mirrored first, so that they do not ring into each other.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from unmask.modalities.audio import RATE_HZ
from unmask.types import Samples

Colour = Literal["white", "pink", "babble", "hum"]
COLOURS: Final[tuple[Colour, ...]] = get_args(Colour)
"""Kinds of noise."""

BANDS_HZ: Final = (125, 250, 500, 1000, 2000, 4000, 8000)
"""Middles of the octaves that `equalised` raises and lowers."""

_Gains = Callable[[NDArray[np.float64]], NDArray[np.float64]]

_MARGIN: Final = 512  # mirrored samples at both ends: longer than any filter here rings
_LOWEST_HZ: Final = 20.0
_VOICES: Final = 4
_SYLLABLES_HZ: Final = 4.0
_HUM_PERIOD: Final = RATE_HZ // 10  # holds whole waves of 50 and of 60 Hz
_EARLY_S: Final = (0.002, 0.05)
_FINEST: Final = 100  # speeds are fractions of numbers up to this, so that their transforms are short


def resampled(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """The same sound at another rate, by its Fourier transform: no delay, and all of the band that both rates hold.

    Args:
        samples: float32 (T,), `from_hz` a second.
        from_hz: Rate it has.
        to_hz: Rate it gets.

    Returns:
        float32 (round(T * to_hz / from_hz),); peaks between the samples may stand above 1.
    """
    if from_hz == to_hz or not len(samples):
        return samples.astype(np.float32)
    ratio = Fraction(to_hz, from_hz)
    before, after = ratio.denominator, ratio.numerator
    margin = ceil(_MARGIN / before)
    periods = _quick_size(ceil(len(samples) / before) + 2 * margin)
    spectrum = np.fft.rfft(_mirrored(samples, margin * before, periods * before))
    kept = min(before, after) * periods // 2  # the highest that both hold; left out, for half of it is another's alias
    wanted = np.zeros(periods * after // 2 + 1, spectrum.dtype)
    wanted[:kept] = spectrum[:kept]
    whole = np.fft.irfft(wanted, periods * after)[margin * after :][: round(len(samples) * ratio)]
    return (whole * (after / before)).astype(np.float32)


def fitted(samples: Samples, count: int) -> Samples:
    """Cut to `count` samples, or repeated from its beginning until there are as many; float32 (count,)."""
    return np.resize(samples, count) if len(samples) < count else samples[:count]


def faster(samples: Samples, factor: float) -> Samples:
    """Played faster, as a tape is: pitch, formants and pace change together (Ko et al. 2015, Interspeech).

    Args:
        samples: float32 (T,).
        factor: Of the speed; below 1 is slower. Taken to the nearest fraction of numbers up to 100.

    Returns:
        float32 (T,): slower speech is cut at its end, faster speech begins again.
    """
    ratio = Fraction(factor).limit_denominator(_FINEST)
    return fitted(_fitting(resampled(samples, ratio.numerator, ratio.denominator)), len(samples))


def louder(samples: Samples, gain_db: float) -> Samples:
    """At another level; as far as it fits into [-1, 1]."""
    return _fitting(samples * np.float32(10 ** (gain_db / 20)))


def noise(colour: Colour, count: int, rng: np.random.Generator) -> Samples:
    """Noise of mean power 1.

    Args:
        colour: "white"; "pink", which falls by 3 dB an octave; "babble", many voices at once: noise of the long-term
            spectrum of speech (flat to 500 Hz, then 9 dB an octave less, after Byrne et al. 1994, J. Acoust. Soc. Am.
            96), each voice swelling as syllables do; "hum", of mains of 50 or 60 Hz with its harmonics.
        count: Samples.
        rng: Source of all chance.

    Returns:
        float32 (count,).
    """
    if not count:
        return np.zeros(0, np.float32)
    if colour == "hum":
        drawn = _hum(count, rng)
    elif colour == "babble":
        voices = rng.standard_normal((_VOICES, count), np.float32)
        knots = rng.random((_VOICES, ceil(count / RATE_HZ * 2 * _SYLLABLES_HZ) + 2)) ** 2
        places = np.arange(count) * (2 * _SYLLABLES_HZ / RATE_HZ)
        for voice, swells in zip(voices, knots, strict=True):
            voice *= np.interp(places, np.arange(len(swells)), swells).astype(np.float32)
        drawn = _filtered(voices.sum(axis=0), lambda hz: np.minimum(1, (np.maximum(hz, 1) / 500) ** -1.5))
    else:
        drawn = rng.standard_normal(count, np.float32)
        if colour == "pink":
            drawn = _filtered(drawn, lambda hz: np.maximum(hz, _LOWEST_HZ) ** -0.5)
    return (drawn / np.float32(max(_power(drawn) ** 0.5, 1e-12))).astype(np.float32)


def noisy(samples: Samples, colour: Colour, snr_db: float, rng: np.random.Generator) -> Samples:
    """With noise added.

    Args:
        samples: float32 (T,).
        colour: As `noise` knows them.
        snr_db: Mean power of the whole sound, its pauses included, above that of the noise.
        rng: Source of all chance.

    Returns:
        float32 (T,).
    """
    level = (_power(samples) / 10 ** (snr_db / 10)) ** 0.5
    return _fitting(samples + np.float32(level) * noise(colour, len(samples), rng))


def room(rt60_s: float, direct_db: float, rng: np.random.Generator) -> Samples:
    """The impulse response of a room that does not exist.

    The direct sound, six early reflections of 2 to 50 ms, and noise that falls by 60 dB in `rt60_s` (Polack 1988, as in
    Habets 2006, "Room impulse response generator").

    Args:
        rt60_s: Reverberation time, 0.1 to 0.9 in rooms that people speak in.
        direct_db: Energy of the direct sound above that of all that follows it.
        rng: Source of all chance.

    Returns:
        float32 (rt60_s * 16,000,), the direct sound first, its energy 1.
    """
    times_s = np.arange(max(round(rt60_s * RATE_HZ), 2)) / RATE_HZ
    falls = 10 ** (-3 * times_s / rt60_s)
    response = rng.standard_normal(len(times_s)) * falls * (times_s >= _EARLY_S[0])
    early = np.minimum((rng.uniform(*_EARLY_S, 6) * RATE_HZ).astype(int), len(times_s) - 1)
    response[early] += rng.choice((-1, 1), 6) * rng.uniform(2, 6, 6) * falls[early]
    response[0] = 0
    response *= (10 ** (-direct_db / 10) / max(float(np.square(response).sum()), 1e-12)) ** 0.5
    response[0] = 1
    return response.astype(np.float32)


def reverberated(samples: Samples, response: Samples) -> Samples:
    """As it sounds in a room; the level stays, and the direct sound stays where it was.

    Args:
        samples: float32 (T,).
        response: float32 (N,), as from `room`.

    Returns:
        float32 (T,): what still sounds at the end is cut off.
    """
    size = _quick_size(len(samples) + len(response))
    spectrum = np.fft.rfft(samples, size) * np.fft.rfft(response, size)
    return _as_loud(np.fft.irfft(spectrum, size)[: len(samples)], samples)


def band_limited(samples: Samples, low_hz: float = 0.0, high_hz: float | None = None, order: int = 8) -> Samples:
    """Without what lies below `low_hz` and above `high_hz`: 3 dB down there, with Butterworth's slopes.

    Args:
        samples: float32 (T,).
        low_hz: 0 leaves all below.
        high_hz: None leaves all above.
        order: Slopes are 6 dB an octave times this.

    Returns:
        float32 (T,).
    """
    return _fitting(_filtered(samples, lambda hz: _band(hz, low_hz, high_hz, order)))


def telephone(samples: Samples) -> Samples:
    """The band of a telephone line, 300 to 3,400 Hz, as if sampled at 8 kHz on the way (ITU-T G.712); float32 (T,)."""
    return _fitting(_filtered(samples, lambda hz: _band(hz, 300.0, 3400.0, 8) * (hz < 4000)))


def equalised(samples: Samples, gains_db: NDArray[np.float64]) -> Samples:
    """With some bands raised and others lowered, as microphones and loudspeakers do; the level stays.

    Args:
        samples: float32 (T,).
        gains_db: float64 (7,), at `BANDS_HZ`; between them on the logarithm of frequency.

    Returns:
        float32 (T,).
    """
    places = np.log2(BANDS_HZ)

    def gains(hz: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(10 ** (np.interp(np.log2(np.maximum(hz, 1)), places, gains_db) / 20), np.float64)

    return _as_loud(_filtered(samples, gains), samples)


def clipped(samples: Samples, over_db: float) -> Samples:
    """As if recorded too loud: all that is less than `over_db` below the peak is cut off there; float32 (T,)."""
    most = float(np.abs(samples).max(initial=0.0)) * 10 ** (-over_db / 20)
    return np.clip(samples, -most, most).astype(np.float32)


def requantised(samples: Samples, bits: int) -> Samples:
    """Rounded to `bits` bits, without dither: float32 (T,), on the grid of 2 ** (1 - bits)."""
    steps = 2.0 ** (bits - 1)
    levels = np.clip(np.rint(samples * np.float32(steps)), -steps, steps - 1)
    return np.asarray(levels / np.float32(steps), np.float32)


def _band(hz: NDArray[np.float64], low_hz: float, high_hz: float | None, order: int) -> NDArray[np.float64]:
    power = np.ones_like(hz)
    if low_hz > 0:
        power /= 1 + (low_hz / np.maximum(hz, 1e-3)) ** (2 * order)
    if high_hz is not None:
        power /= 1 + (hz / high_hz) ** (2 * order)
    return np.asarray(np.sqrt(power), np.float64)


def _hum(count: int, rng: np.random.Generator) -> Samples:
    first = int(rng.choice((50, 60))) * _HUM_PERIOD // RATE_HZ
    harmonics = np.arange(1, 11)
    spectrum = np.zeros(_HUM_PERIOD // 2 + 1, complex)
    strengths = rng.uniform(0.1, 1, len(harmonics)) / harmonics
    spectrum[first * harmonics] = strengths * np.exp(2j * np.pi * rng.random(len(harmonics)))
    return np.resize(np.fft.irfft(spectrum), count).astype(np.float32)


def _filtered(samples: Samples, gains: _Gains) -> Samples:
    """Each frequency times its gain."""
    if not len(samples):
        return samples
    size = _quick_size(len(samples) + 2 * _MARGIN)
    spectrum = np.fft.rfft(_mirrored(samples, _MARGIN, size))
    spectrum *= gains(np.asarray(np.fft.rfftfreq(size, 1 / RATE_HZ), np.float64))
    return np.fft.irfft(spectrum, size)[_MARGIN : _MARGIN + len(samples)].astype(np.float32)


def _mirrored(samples: Samples, before: int, size: int) -> Samples:
    return np.pad(samples, (before, size - before - len(samples)), mode="reflect").astype(np.float32)


@lru_cache(maxsize=256)
def _quick_size(least: int) -> int:
    """The smallest even number, no smaller than this, whose Fourier transform is quick: of factors 2, 3 and 5."""
    odd: list[int] = [int(5**fives) * int(3**threes) for fives in range(15) for threes in range(20)]
    return min(one << max(1, (ceil(least / one) - 1).bit_length()) for one in odd if one <= 2 * least)


def _power(samples: Samples) -> float:
    return float(np.square(samples).mean()) if len(samples) else 0.0


def _as_loud(changed: NDArray[np.floating], samples: Samples) -> Samples:
    power = _power(samples), _power(changed.astype(np.float32))
    return _fitting(changed * (power[0] / power[1]) ** 0.5 if power[1] > 0 else changed)


def _fitting(samples: NDArray[np.floating]) -> Samples:
    peak = float(np.abs(samples).max(initial=0.0))
    return (samples / max(peak, 1.0)).astype(np.float32)

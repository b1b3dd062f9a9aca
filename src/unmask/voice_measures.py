"""What can be measured of a voice besides its periods: its treble, its phase, its pauses, and tones that never stop.

All of it is relative to the recording itself. The silence at its ends is cut off and its speech brought to one
loudness, for those tell who cut the file and not who spoke; and where a file holds no treble, none is measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from unmask.modalities.audio import RATE_HZ, Sound
from unmask.pitch import Floats
from unmask.speech import STEP_S, speech
from unmask.types import Samples

Mask = NDArray[np.bool_]

SILENT_DB: Final = -60.0
"""Against the speech: below this, 16 bits hold of a soft recording nothing but their own rounding."""

_STEP: Final = round(STEP_S * RATE_HZ)
_WINDOW: Final = 512
_LOUDNESS: Final = 0.05
_QUIETEST: Final = 1e-12
_HOLDS_DB: Final = -60.0
_FULL_HZ: Final = 7400.0
"""Files that end below this were cut off, by a codec or another rate."""

_TREBLE_HZ: Final = (3500.0, 7000.0)
_BANDS: Final = np.linspace(200.0, 7500.0, 25)
_LEAST_PAUSE: Final = 8  # steps: what is shorter lies inside of words
_PAUSE_EDGE: Final = 2
_LEAST_QUIET: Final = 5


@dataclass(frozen=True, eq=False)
class Speech:
    """A recording as it is measured: from the first to the last word, its speech at one loudness.

    Attributes:
        samples: float32 (T,).
        spoken: bool (N,), whether somebody speaks, for each `unmask.speech.STEP_S`.
        start_s: Of the first word, on the clock of the recording.
        power: float64 (N, 257), of each step, up to half of the rate.
        delays_s: float64 (N, 257), group delay: how long after the middle of its window each frequency sounds.
    """

    samples: Samples
    spoken: Mask
    start_s: float
    power: Floats
    delays_s: Floats

    @property
    def level_db(self) -> Floats:
        """Of each step against the loudness of the speech: (N,)."""
        energy = self.samples.reshape(-1, _STEP).astype(np.float64).var(axis=1)  # silence may lie beside zero
        return np.asarray(10 * np.log10(energy / _LOUDNESS**2 + _QUIETEST), np.float64)

    @property
    def pauses(self) -> Mask:
        """Where nobody speaks between words, without the fading of the words before: (N,)."""
        found = np.zeros(len(self.spoken), bool)
        for start, end in runs(~self.spoken):
            if end - start >= _LEAST_PAUSE:
                found[start + _PAUSE_EDGE : end - _PAUSE_EDGE] = True
        return found


_HZ: Final = np.fft.rfftfreq(_WINDOW, 1 / RATE_HZ)


def speech_of(sound: Sound, spoken: Mask | None = None) -> Speech | None:
    """Prepare a recording for measuring.

    Args:
        sound: The recording.
        spoken: Whether somebody speaks, for each `unmask.speech.STEP_S`; by the energy of the sound where None.

    Returns:
        None where nobody speaks.
    """
    where = speech(sound) if spoken is None else spoken[: len(sound.samples) // _STEP]
    words = np.flatnonzero(where)
    if not len(words):
        return None
    first, last = int(words[0]), int(words[-1]) + 1
    kept = sound.samples[first * _STEP : last * _STEP].astype(np.float64)
    kept -= kept.mean()
    loud = float(np.sqrt((kept.reshape(-1, _STEP)[where[first:last]] ** 2).mean()))
    if loud < 1e-7:
        return None
    kept *= _LOUDNESS / loud
    power, delays_s = _spectra(kept)
    return Speech(kept.astype(np.float32), where[first:last], sound.start_s + first * STEP_S, power, delays_s)


def runs(mask: Mask) -> Iterator[tuple[int, int]]:
    """First and last place, the last exclusive, of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return ((int(start), int(end)) for start, end in edges.reshape(-1, 2))


def band_edge_hz(of: Speech) -> float:
    """The highest frequency that holds speech: above it, all is 60 dB softer than the loudest band."""
    level = _decibels(np.convolve(of.power[of.spoken].mean(axis=0), np.full(7, 1 / 7), "valid"))
    return float(_HZ[3:-3][np.flatnonzero(level > level.max() + _HOLDS_DB)[-1]])


def treble_db(of: Speech) -> float:
    """Level from 6 to 7.5 kHz against that from 3 to 6 kHz, while somebody speaks."""
    mean = of.power[of.spoken].mean(axis=0)
    return float(_decibels(mean[_band(6000, 7500)].mean()) - _decibels(mean[_band(3000, 6000)].mean()))


def treble_grain(of: Speech, voiced: Mask) -> tuple[float, float]:
    """How single frequencies stand out of the treble of voiced sounds, and how long they do.

    Noise that was drawn anew at each moment has deep holes and no peaks (the logarithm of its power is skewed by -1.1
    whatever its level), and nothing of it is there again 10 ms later but for the overlap of the windows. Harmonics,
    and the room that a voice was recorded in, raise both.

    Returns:
        Skewness of the levels against those around them; correlation of a step's with those of the next.
    """
    levels = _decibels(of.power)
    grain = (levels - _smooth(levels, 15))[:, _band(*_TREBLE_HZ)]
    both = voiced[:-1] & voiced[1:]
    if both.sum() < 2:
        return np.nan, np.nan
    here = grain[voiced].ravel()
    skew = float(((here - here.mean()) ** 3).mean() / max(float(here.std()), 1e-9) ** 3)
    return skew, _correlation(grain[:-1][both].ravel(), grain[1:][both].ravel())


def has_treble(of: Speech) -> bool:
    """Whether the file reaches high enough for its treble to be compared with that of others."""
    return band_edge_hz(of) >= _FULL_HZ


def changes_db(of: Speech) -> Floats:
    """How much the 24 bands change from each step to the next while somebody speaks: (N,), NaN in pauses and last."""
    apart = np.abs(np.diff(_bands_db(of), axis=0)).mean(axis=1)
    both = of.spoken[:-1] & of.spoken[1:]
    return np.append(np.where(both, apart, np.nan), np.nan)


def variation_db(of: Speech) -> float:
    """How much each of the 24 bands varies over the whole speech (global variance: Toda & Tokuda 2007)."""
    return float(_bands_db(of)[of.spoken].std(axis=0).mean())


def delay_spread_ms(of: Speech, voiced: Mask) -> Floats:
    """How far apart in time the frequencies from 0.2 to 1.5 kHz sound in each step: (N,), NaN where not voiced.

    The spread of the group delay, each frequency by its energy: 0 for a wave that repeats exactly within a window.
    """
    inside = _band(200, 1500)
    weight = of.power[:, inside] + _QUIETEST
    weight /= weight.sum(axis=1, keepdims=True)
    delay = of.delays_s[:, inside] * 1000
    middle = (weight * delay).sum(axis=1, keepdims=True)
    spread = np.sqrt((weight * (delay - middle) ** 2).sum(axis=1))
    return np.where(voiced, spread, np.nan)


def steady_tone(of: Speech) -> tuple[float, float]:
    """The clearest tone above 0.8 kHz that never stops, as layers that upsample leave them.

    Returns:
        By how many decibels it stands above what is around it, in the softest fifth of all steps; its frequency in Hz.
    """
    floor = np.percentile(_decibels(of.power), 20, axis=0)
    around = np.median(np.lib.stride_tricks.sliding_window_view(np.pad(floor, 8, mode="edge"), 17), axis=1)
    above = np.where(_band(800, 7600), floor - around, -np.inf)
    return float(above.max()), float(_HZ[above.argmax()])


def silent(of: Speech) -> Mask:
    """Where pauses are digitally silent: (N,)."""
    return of.pauses & (of.level_db < SILENT_DB)


def pause_spread_db(of: Speech) -> float:
    """How much the level of the pauses varies; NaN where there are hardly any."""
    quiet = of.pauses
    return float(np.maximum(of.level_db[quiet], SILENT_DB).std()) if quiet.sum() >= _LEAST_QUIET else np.nan


def pause_flatness_db(of: Speech) -> float:
    """Spectral flatness of the pauses from 0.3 to 6.2 kHz: 0 for noise that is white over time and frequency."""
    quiet = of.pauses
    if quiet.sum() < _LEAST_QUIET:
        return np.nan
    power = of.power[quiet][:, _band(300, 6200)]
    return float((_decibels(power).mean(axis=1) - _decibels(power.mean(axis=1))).mean())


def _spectra(samples: Floats) -> tuple[Floats, Floats]:
    padded = np.pad(samples, (_WINDOW - _STEP) // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_STEP]
    shape = np.hanning(_WINDOW + 1)[:-1]
    later_s = (np.arange(_WINDOW) - _WINDOW / 2) / RATE_HZ
    spectrum = np.fft.rfft(frames * shape, axis=1)
    weighted = np.fft.rfft(frames * (shape * later_s), axis=1)
    energy = np.abs(spectrum) ** 2
    # Where a window holds hardly any of a frequency its delay has no meaning and no bounds, hence those beside it.
    delays_s = (spectrum.conj() * weighted).real / (_smooth(energy, 5) + _QUIETEST)
    return 2 * energy / (_WINDOW * (shape**2).sum()), delays_s


def _bands_db(of: Speech) -> Floats:
    edges = np.searchsorted(_HZ, _BANDS)
    sums = np.add.reduceat(of.power, edges, axis=1)[:, :-1]
    return _decibels(sums / np.diff(edges) + 1e-9)


def _band(low_hz: float, high_hz: float) -> Mask:
    hz = _HZ
    return (hz >= low_hz) & (hz < high_hz)


def _smooth(rows: Floats, width: int) -> Floats:
    """The mean over `width` neighbours in each row, fewer at its ends."""
    summed = np.pad(np.cumsum(rows, axis=1), ((0, 0), (1, 0)))
    places = np.arange(rows.shape[1])
    first, last = np.maximum(places - width // 2, 0), np.minimum(places + width // 2 + 1, rows.shape[1])
    return np.asarray((summed[:, last] - summed[:, first]) / (last - first), np.float64)


def _correlation(one: Floats, other: Floats) -> float:
    spread = float(one.std() * other.std())
    return float(((one - one.mean()) * (other - other.mean())).mean() / spread) if spread > 1e-9 else 0.0


def _decibels(power: Floats) -> Floats:
    return np.asarray(10 * np.log10(power + _QUIETEST), np.float64)

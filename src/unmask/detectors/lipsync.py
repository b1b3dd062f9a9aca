"""Whether the mouth moves with the sound: the lag at which the two fit best, and how much it stands out.

Three ways in which a mouth follows speech, tried with eleven signals of the mouth and ten of the sound on clips of
people speaking: it opens when the vowels are loud, it falls with the jaw, and its pixels change when the sound around
2 kHz does. Each gives a correlation for each lag between sound and mouth within half a second; their mean, after
Fisher's transform, has its highest point near no lag where sound and mouth belong together (compare the confidence of
Chung & Zisserman 2016, "Out of time", which a network measures likewise).

A high score says that sound and mouth do not fit. A film that was cut carelessly does that too, and so does a person
who moves the lips while another speaks; a fake that was made from its own sound does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from unmask import mouth
from unmask.burst import Burst
from unmask.modalities.audio import Sound
from unmask.speech import STEP_S, loudness, speech
from unmask.types import Curve

NAME: Final = "lipsync"

Floats = NDArray[np.float64]

FEATURES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "fit": ("strongest correlation of mouth and sound at a lag that natural speech has (Fisher's z)", ""),
        "margin": ("how far that stands above the strongest correlation at all other lags", ""),
        "stands out": ("the strongest correlation against the spread over the other lags", "Chung & Zisserman 2016"),
        "lag": ("distance of the best lag from that of natural speech, in seconds", "Chung & Zisserman 2016"),
    }
)
"""Name to what it measures and the paper it follows."""

LAGS_S: Final = np.arange(-25, 26) * 0.02
"""Above 0: the sound comes after the mouth."""

LEAST_SPEECH_S: Final = 0.8
NO_SOUND: Final = "not judged: there is no sound"
NO_SPEECH: Final = "not judged: nobody speaks in it"
NO_MOVEMENT: Final = "not judged: the mouth hardly moves, so somebody else may be speaking"

_NATURAL_MIDDLE_S: Final = 0.02
_NATURAL_REACH_S: Final = 0.09
_ELSEWHERE_S: Final = 0.16
_AROUND_SPEECH_S: Final = 0.15
_CLEAR, _CERTAIN = 2.0, 4.0
_LEAST_FIT: Final = 0.15
_LEAST_VALUES: Final = 10
_SLOW_S: Final = 1.2
_SMOOTH_STEPS: Final = 5
_RANGE_DB: Final = 45.0
_FLOOR_DB: Final = -70.0
_VOWELS_HZ: Final = (300.0, 1200.0)
_MIDDLE_HZ: Final = (1000.0, 3000.0)


@dataclass(frozen=True, eq=False)
class Sync:
    """How mouth and sound fit.

    Attributes:
        profile: float64 (51,), mean correlation for each of `LAGS_S`, after Fisher's transform.
        best_s: The lag of its highest point; above 0 the sound comes after the mouth.
        features: By their names in `FEATURES`.
    """

    profile: Floats
    best_s: float
    features: Mapping[str, float]


def unfit(burst: Burst, sound: Sound | None) -> str | None:
    """Why there is nothing to compare, as a sentence; None where there is."""
    if sound is None or not len(sound.samples) or not np.abs(sound.samples).max() > 0:
        return NO_SOUND
    heard = speech(sound)
    times = sound.start_s + (np.arange(len(heard)) + 0.5) * STEP_S
    spoken = heard & (times >= burst.start_s) & (times <= burst.end_s)
    if spoken.sum() * STEP_S < LEAST_SPEECH_S:
        return NO_SPEECH
    return NO_MOVEMENT if mouth.opening(burst).std() < mouth.LEAST_MOVEMENT else None


def measure(burst: Burst, sound: Sound) -> Sync:
    """Compare mouth and sound, where somebody speaks.

    Args:
        burst: The person.
        sound: What is heard, from half a second before the burst to half a second after it.
    """
    profile = _profile(burst, sound)
    best = int(profile.argmax())
    natural = np.abs(LAGS_S - _NATURAL_MIDDLE_S) < _NATURAL_REACH_S
    elsewhere = np.abs(LAGS_S - _NATURAL_MIDDLE_S) > _ELSEWHERE_S
    others = profile[np.abs(LAGS_S - LAGS_S[best]) > _ELSEWHERE_S]
    spread = max(float(others.std()), 0.02)
    return Sync(
        profile,
        float(LAGS_S[best]),
        {
            "fit": float(profile[natural].max()),
            "margin": float(profile[natural].max() - profile[elsewhere].max()),
            "stands out": float((profile[best] - others.mean()) / spread),
            "lag": float(abs(LAGS_S[best] - _NATURAL_MIDDLE_S)),
        },
    )


def curves(burst: Burst, sound: Sound, track: int | None = None) -> list[Curve]:
    """Mouth and sound over the same seconds, for a page."""
    times = tuple(round(float(time), 3) for time in burst.times_s)
    moments, level = _level(sound, (100.0, 7000.0))
    heard = np.interp(burst.times_s, moments, level)
    series = (("opening of the mouth", "", track, mouth.opening(burst)), ("loudness of the sound", "dB", None, heard))
    return [
        Curve(
            detector=NAME,
            name=name,
            unit=unit,
            track=whose,
            times_s=times,
            values=tuple(round(float(v), 4) for v in values),
        )
        for name, unit, whose, values in series
    ]


def sentence(sync: Sync) -> str:
    """The finding in words."""
    fit, out = sync.features["fit"], sync.features["stands out"]
    if sync.features["lag"] <= _ELSEWHERE_S / 2 + 0.02 and out > _CLEAR and fit > _LEAST_FIT:
        return (
            f"the mouth moves with the sound: they fit best within a tenth of a second (correlation {np.tanh(fit):.2f})"
        )
    if out > _CERTAIN:
        order = "after" if sync.best_s > 0 else "before"
        return (
            f"the sound fits the mouth best {abs(sync.best_s):.2f} s {order} it, which is more than natural speech has"
        )
    return f"mouth and sound fit no better at their own time than at others (correlation {np.tanh(fit):.2f})"


def _profile(burst: Burst, sound: Sound) -> Floats:
    opening, fall, change = (
        _without_drift(one(burst), burst.rate_hz) for one in (mouth.opening, mouth.drop, mouth.change)
    )
    moments, vowels = _level(sound, _VOWELS_HZ)
    middle = _level(sound, _MIDDLE_HZ)[1]
    turns = _smooth(np.abs(np.gradient(middle)))
    spoken = np.flatnonzero(speech(sound))
    if not len(spoken):
        return np.zeros(len(LAGS_S))
    first, last = moments[spoken[0]] - _AROUND_SPEECH_S, moments[spoken[-1]] + _AROUND_SPEECH_S
    found = np.zeros(len(LAGS_S))
    pairs = ((opening, vowels), (opening, middle), (fall, vowels), (change, turns))
    for place, lag in enumerate(LAGS_S):
        heard = burst.times_s + lag
        inside = (heard >= max(first, moments[0])) & (heard <= min(last, moments[-1]))
        if inside.sum() >= _LEAST_VALUES:
            every = [_correlation(seen[inside], np.interp(heard[inside], moments, level)) for seen, level in pairs]
            found[place] = float(np.mean(np.arctanh(np.clip(every, -0.99, 0.99))))
    return found


def _level(sound: Sound, band_hz: tuple[float, float]) -> tuple[Floats, Floats]:
    """Moments and levels of a band in decibels, smoothed over 50 ms, the quietest cut off."""
    level = np.maximum(loudness(sound, band_hz), _FLOOR_DB)
    level = np.maximum(level, level.max() - _RANGE_DB)
    moments = sound.start_s + (np.arange(len(level)) + 0.5) * STEP_S
    return np.asarray(moments, np.float64), _smooth(level)


def _smooth(values: Floats) -> Floats:
    padded = np.pad(values, _SMOOTH_STEPS // 2, mode="edge")
    return np.convolve(padded, np.full(_SMOOTH_STEPS, 1 / _SMOOTH_STEPS), "valid")


def _without_drift(values: Floats, rate_hz: float) -> Floats:
    """Without what is slower than words are."""
    wide = min(int(_SLOW_S * rate_hz), len(values) - 1) // 2 * 2 + 1
    padded = np.pad(values, wide // 2, mode="reflect")
    return values - np.convolve(padded, np.full(wide, 1 / wide), "valid")


def _correlation(one: Floats, other: Floats) -> float:
    spread = float(one.std() * other.std())
    return float(((one - one.mean()) * (other - other.mean())).mean() / spread) if spread > 1e-9 else 0.0

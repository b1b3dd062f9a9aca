"""The findings of `detectors.spectral` in words: what lies outside of the range of human recordings, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from unmask.pitch import Floats
from unmask.speech import STEP_S
from unmask.timeline import spoken
from unmask.voice_measures import Mask, runs
from unmask.wording import to_the_second

NOTHING: Final = "no single thing stands out: pitch, phase, treble and pauses are each as human recordings have them"

_MOST: Final = 3
_LONG_S: Final = 0.1
_AROUND: Final = 50  # steps


@dataclass(frozen=True)
class Usual:
    """Where nine of ten human recordings of train lie, and how to say that one lies below or above."""

    low: float
    high: float
    below: str
    above: str


USUAL: Final[Mapping[str, Usual]] = MappingProxyType(
    {
        "treble": Usual(-13.627, 2.394, "the treble is weaker", "the treble is stronger"),
        "treble grain": Usual(
            -0.941,
            -0.389,
            "the treble of the voice is more like noise",
            "single frequencies stand out of the treble more",
        ),
        "treble memory": Usual(
            0.236,
            0.447,
            "the fine structure of the treble holds less long",
            "the fine structure of the treble holds longer",
        ),
        "change": Usual(
            2.136, 3.436, "the spectrum changes less from moment to moment", "the spectrum changes more abruptly"
        ),
        "variation": Usual(
            7.983, 12.141, "the speech is flatter, each band varying less", "each band of the speech varies more"
        ),
        "phase ties": Usual(
            0.408, 0.83, "the phases of the harmonics wander more", "the phases of the harmonics are more firmly tied"
        ),
        "group delay": Usual(
            1.051,
            1.938,
            "the wave of the voice repeats itself more exactly",
            "the wave of the voice repeats itself less exactly",
        ),
        "steady tone": Usual(1.974, 7.274, "steady tones stand out less", "a tone that never stops stands out more"),
        "pause spread": Usual(2.557, 14.735, "the pauses are more alike in level", "the pauses vary more in level"),
        "pause flatness": Usual(
            -13.989, -2.573, "the noise in the pauses is less even", "the noise in the pauses is more even"
        ),
        "digital silence": Usual(0.0, 0.518, "", ""),
        "jitter": Usual(
            -5.203, -4.078, "the pitch varies less from period to period", "the pitch varies more from period to period"
        ),
        "shimmer": Usual(
            -1.149,
            0.215,
            "the loudness varies less from period to period",
            "the loudness varies more from period to period",
        ),
        "harmonics": Usual(
            15.244, 28.503, "the voice is noisier", "the voice is purer, with less noise between its harmonics"
        ),
        "high harmonics": Usual(
            0.183, 4.756, "the treble holds less of the pitch", "the treble holds more of the pitch"
        ),
        "pitch roughness": Usual(-3.001, -2.047, "the pitch glides more smoothly", "the pitch is rougher"),
    }
)
"""By the names of its features. Learned with them: `unmask learn-spectral` writes the ranges to usual.csv."""


def told(
    measured: Mapping[str, float],
    said: Mapping[str, float],
    courses: Mapping[str, Floats],
    *,
    start_s: float,
    silent: Mask,
    tone_hz: float,
) -> list[str]:
    """Up to three findings that speak for a fake, the one that weighs most first; `NOTHING` where there is none.

    Args:
        measured: The features, NaN where one was not measured.
        said: What each adds to the logit.
        courses: Features that have a value for each step, over the steps.
        start_s: Of the first step.
        silent: Which steps are digitally silent pauses.
        tone_hz: Of the clearest tone that never stops.
    """
    found = []
    for name in sorted(USUAL, key=lambda one: -said.get(one, 0.0)):
        usual, value = USUAL[name], measured.get(name, np.nan)
        if said.get(name, 0.0) <= 0 or not (value < usual.low or value > usual.high):
            continue
        words = usual.below if value < usual.low else usual.above
        if name == "digital silence":
            found += _silence(silent, start_s)
            continue
        if name == "steady tone":
            words = f"a tone at {tone_hz / 1000:.1f} kHz never stops and stands out more"
        when = _most(courses[name], start_s, lowest=value < usual.low) if name in courses else ""
        found.append(f"{words} than in 95 % of human recordings{when}")
    return found[:_MOST] or [NOTHING]


def _silence(silent: Mask, start_s: float) -> list[str]:
    long = [run for run in runs(silent) if (run[1] - run[0]) * STEP_S >= _LONG_S]
    if not long:
        return []
    first, last = max(long, key=lambda run: run[1] - run[0])
    when = spoken(start_s + first * STEP_S, start_s + last * STEP_S)
    return [
        f"a pause is digitally silent, {when}"
        if len(long) == 1
        else f"{len(long)} pauses are digitally silent, the longest {when}"
    ]


def _most(course: Floats, start_s: float, *, lowest: bool) -> str:
    """Around which second it is most so; empty where the course is no longer than what is averaged over."""
    if len(course) < 2 * _AROUND:
        return ""
    known = ~np.isnan(course)
    window = np.ones(_AROUND)
    count = np.convolve(known, window, "same")
    mean = np.convolve(np.where(known, course, 0.0), window, "same") / np.maximum(count, 1)
    enough = count >= _AROUND / 2
    if not enough.any():
        return ""
    place = int(np.where(enough, mean, np.inf).argmin() if lowest else np.where(enough, mean, -np.inf).argmax())
    return f", most so around {to_the_second(start_s + place * STEP_S)}"

"""How a voice sounds where synthesis slips: treble, phase, pauses, the periods of its pitch, tones that never stop.

Each feature is something that a person can look at in a spectrogram or hear, and is measured against the recording
itself. Three things that tell collections of recordings apart are not measured, though they tell: how long and how loud
a file is, the silence at its ends, and where and how sharply its band ends, for a codec and a change of rate cut there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

import numpy as np

from unmask import voice_findings
from unmask import voice_measures as measures
from unmask.modalities.audio import Sound
from unmask.periods import Periods, periods
from unmask.pitch import Floats, Pitch, track
from unmask.speech import STEP_S
from unmask.types import Curve, Evidence, Region
from unmask.voice_measures import Mask, Speech, speech_of
from unmask.witness import WitnessCard

NAME: Final = "spectral"

LEAST_VOICED_S: Final = 1.0
TOO_LITTLE: Final = "not judged: less than a second of voiced speech"
_DRAWN: Final = 5  # steps to a point of a curve
_HARMONICS: Final = "harmonics against what lies between them"

FEATURES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "treble": ("level from 6 to 7.5 kHz against that from 3 to 6 kHz, in dB, in files that reach 7.4 kHz", ""),
        "treble grain": ("how peaks of single frequencies outweigh holes in the treble of voiced sounds: skewness", ""),
        "treble memory": ("correlation of the fine structure of the treble with itself 10 ms later", ""),
        "change": ("change of the spectrum within 10 ms, in dB", ""),
        "variation": ("spread of each band's level over the speech, in dB", "Toda & Tokuda 2007 (global variance)"),
        "phase ties": (
            "how steady the phases of harmonics stay against the lowest one's, from 0 to 1",
            "Saratxaga et al. 2009; De Leon et al. 2012 (relative phase shift)",
        ),
        "group delay": (
            "spread of the group delay from 0.2 to 1.5 kHz, in ms: 0 for a wave that repeats exactly",
            "Hegde, Murthy & Gadde 2007",
        ),
        "steady tone": (
            "by how much the clearest tone that never stops stands out, in dB",
            "Pons et al. 2021, arXiv:2010.14356",
        ),
        "pause spread": ("spread of the level of the pauses, in dB", ""),
        "pause flatness": ("spectral flatness of the pauses, in dB", ""),
        "digital silence": ("share of the pauses that is 60 dB below the speech", ""),
        "jitter": ("change of length from one period of the voice to the next: log", ""),
        "shimmer": ("change of loudness from one period of the voice to the next: log of dB", ""),
        "harmonics": (f"{_HARMONICS}, below 1.5 kHz, in dB", "Boersma 1993"),
        "high harmonics": (f"{_HARMONICS}, from 2.5 to 6 kHz, in dB", "Boersma 1993"),
        "pitch roughness": ("bend of the pitch from one 10 ms to the next, in semitones: log", ""),
    }
)
"""Name to what it measures and the paper it follows."""


@dataclass(frozen=True, eq=False)
class Look:
    """One recording, measured.

    Attributes:
        speech: As it was measured.
        pitch: Of each step of it.
        periods: Of each voiced step.
        measured: By the names in `FEATURES`; NaN where one cannot be measured.
    """

    speech: Speech
    pitch: Pitch
    periods: Periods
    measured: Mapping[str, float]


@cache
def _shipped() -> WitnessCard:
    return WitnessCard.shipped(NAME)


def look(sound: Sound, spoken: Mask | None = None) -> tuple[Evidence, list[Curve]]:
    """What this witness says of a recording, in a sentence, and its curves over the seconds.

    Args:
        sound: A recording, or the seconds of it that decide; a minute of speech is enough.
        spoken: Whether somebody speaks, for each `unmask.speech.STEP_S`; by the energy of the sound where None.

    Returns:
        A finding, without a logit and with the reason where there is too little to measure; and the pitch, the level
        of the pauses and the harmonics-to-noise ratio.

    Raises:
        BundleError: The card is missing or broken.
    """
    seen = measure(sound, spoken)
    if seen is None:
        whole = Region(start_s=sound.start_s, end_s=sound.start_s + sound.duration_s)
        return Evidence(detector=NAME, region=whole, logit=None, votes=False, sentence=TOO_LITTLE), []
    card = _shipped()
    logit = card.logit(seen.measured)
    start_s = seen.speech.start_s
    return Evidence(
        detector=NAME,
        region=Region(start_s=start_s, end_s=start_s + len(seen.speech.spoken) * STEP_S),
        logit=logit,
        probability=card.probability(logit),
        votes=card.votes,
        sentence=sentence(seen, card),
    ), [curve for curve in curves(seen) if any(value is not None for value in curve.values)]


def measure(sound: Sound, spoken: Mask | None = None) -> Look | None:
    """Measure a recording; None where it holds less than `LEAST_VOICED_S` of voiced speech. Arguments as of `look`."""
    speech = speech_of(sound, spoken)
    if speech is None:
        return None
    pitch = track(speech.samples, speech.spoken)
    if pitch.voiced.sum() * STEP_S < LEAST_VOICED_S:
        return None
    each = periods(speech.samples, pitch)
    return Look(speech, pitch, each, _features(speech, pitch, each))


def _features(speech: Speech, pitch: Pitch, each: Periods) -> dict[str, float]:
    full = measures.has_treble(speech)
    grain, memory = measures.treble_grain(speech, pitch.voiced) if full else (np.nan, np.nan)
    pauses = speech.pauses.sum()
    return {
        "treble": measures.treble_db(speech) if full else np.nan,
        "treble grain": grain,
        "treble memory": memory,
        "change": float(np.nanmean(measures.changes_db(speech))),
        "variation": measures.variation_db(speech),
        "phase ties": _phase_ties(pitch, each),
        "group delay": float(np.nanmedian(measures.delay_spread_ms(speech, pitch.voiced))),
        "steady tone": measures.steady_tone(speech)[0],
        "pause spread": measures.pause_spread_db(speech),
        "pause flatness": measures.pause_flatness_db(speech),
        "digital silence": float(measures.silent(speech).sum() / pauses) if pauses else np.nan,
        "jitter": float(np.log(np.median(each.jitter) + 1e-4)),
        "shimmer": float(np.log(np.median(each.shimmer_db) + 1e-3)),
        "harmonics": float(np.median(each.low_hnr_db)),
        "high harmonics": float(np.median(each.high_hnr_db)),
        "pitch roughness": _roughness(pitch),
    }


def _phase_ties(pitch: Pitch, each: Periods) -> float:
    """Mean over the harmonics of how much their relative phases agree from one step to the next."""
    beside = np.flatnonzero(np.diff(np.flatnonzero(pitch.voiced)) == 1)
    if not len(beside):
        return np.nan
    turned = each.phases[beside + 1] * each.phases[beside].conj()
    return float(np.abs(turned.mean(axis=0)).mean())


def _roughness(pitch: Pitch) -> float:
    bend = np.abs(np.diff(12 * np.log2(pitch.hz), 2))
    known = bend[~np.isnan(bend)]
    return float(np.log(np.median(known) + 1e-3)) if len(known) else np.nan


def sentence(seen: Look, card: WitnessCard) -> str:
    """What speaks most for a fake and lies outside of what human recordings have, and when; or that nothing does."""
    speech = seen.speech
    said = voice_findings.told(
        seen.measured,
        card.said(seen.measured),
        courses(seen),
        start_s=speech.start_s,
        silent=measures.silent(speech),
        tone_hz=measures.steady_tone(speech)[1],
    )
    if not measures.has_treble(speech):
        said.append(
            f"the file holds little above {measures.band_edge_hz(speech) / 1000:.1f} kHz: its treble is not judged"
        )
    return "; ".join(said)


def courses(seen: Look) -> dict[str, Floats]:
    """Those features that have a value for each step, over the steps: float64 (N,) each, NaN where there is none."""
    each = {
        "jitter": seen.periods.jitter,
        "shimmer": seen.periods.shimmer_db,
        "harmonics": seen.periods.low_hnr_db,
        "high harmonics": seen.periods.high_hnr_db,
    }
    return {
        "change": measures.changes_db(seen.speech),
        "group delay": measures.delay_spread_ms(seen.speech, seen.pitch.voiced),
        **{name: _over_steps(seen.pitch, values) for name, values in each.items()},
    }


def curves(seen: Look) -> list[Curve]:
    """What a page draws: the pitch, the level of the pauses, and how far harmonics stand above noise."""
    speech = seen.speech
    quiet = np.where(speech.pauses, np.maximum(speech.level_db, measures.SILENT_DB), np.nan)
    series = (
        ("pitch", "Hz", seen.pitch.hz, 1),
        ("level of the pauses", "dB against the speech", quiet, 1),
        ("harmonics-to-noise ratio", "dB", _over_steps(seen.pitch, seen.periods.low_hnr_db), 1),
    )
    times = np.asarray(speech.start_s + (np.arange(len(speech.spoken)) + 0.5) * STEP_S, np.float64)
    return [
        Curve(
            detector=NAME,
            name=name,
            unit=unit,
            times_s=tuple(round(float(time), 3) for time in _thinned(times)),
            values=tuple(None if np.isnan(one) else round(float(one), digits) for one in _thinned(values)),
        )
        for name, unit, values, digits in series
    ]


def _thinned(values: Floats) -> Floats:
    """The middle value of each `_DRAWN` steps, of those that there are."""
    count = len(values) // _DRAWN
    parts = np.sort(values[: count * _DRAWN].reshape(count, _DRAWN), axis=1)  # NaN sorts to the end
    known = (~np.isnan(parts)).sum(axis=1)
    return np.asarray(parts[np.arange(count), np.maximum(known - 1, 0) // 2], np.float64)


def _over_steps(pitch: Pitch, values: Floats) -> Floats:
    found = np.full(len(pitch.hz), np.nan)
    found[pitch.voiced] = values
    return found

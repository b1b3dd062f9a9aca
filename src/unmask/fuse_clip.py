"""One verdict on a video with sound, from its persons, its voice, and whether lips fit the sound. Policy, as in `fuse`.

Where only one of persons and voice could be judged, that one decides by its own card.
"""

from __future__ import annotations

from collections.abc import Sequence

from unmask.clip_rule import ClipRule
from unmask.detectors import lipsync
from unmask.fuse import calibrated, decide, joined, reason_of
from unmask.types import Evidence, Label, Score, Verdict
from unmask.wording import decimals


def score(rule: ClipRule | None, seen: Verdict, heard: Verdict) -> Score | None:
    """What persons and voice come to together; None where not both could be judged, or nobody said how."""
    if rule is None or seen.probability is None or heard.probability is None:
        return None
    if (seen.detector, heard.detector) != tuple(member.name for member in rule.members):
        return None
    logit = joined([seen.probability, heard.probability], rule.joins)
    return Score(logit=logit, probability=calibrated(logit, rule.calibration))


def verdict(rule: ClipRule | None, seen: Verdict, heard: Verdict, evidence: Sequence[Evidence]) -> Verdict:
    """On the whole video.

    Args:
        rule: How both decide together, if anybody said.
        seen: On its persons.
        heard: On its voice.
        evidence: All that was found; that of lip-sync counts.
    """
    found = score(rule, seen, heard)
    if rule is None or found is None:
        return heard if seen.probability is None and heard.probability is not None else seen
    worse = heard if _above(heard, seen) else seen
    reason = reason_of(found.probability, rule.thresholds, "videos")
    reason += f"; what is seen has {_share(seen, rule)} alone, the voice {_share(heard, rule)}"
    label = decide(found.probability, rule.thresholds)
    if label is Label.REAL and (lips := mismatch(evidence)) is not None and lips >= rule.lips_above:
        label = Label.UNCERTAIN
        reason = f"lips and sound do not fit, so it is not called real; {reason}"
    return Verdict(label=label, probability=found.probability, reason=reason, detector=rule.name, region=worse.region)


def mismatch(evidence: Sequence[Evidence]) -> float | None:
    """The probability that lips and sound do not fit; None where nobody could tell."""
    return next((one.probability for one in evidence if one.detector == lipsync.NAME), None)


def _above(one: Verdict, other: Verdict) -> bool:
    return (one.probability or 0.0) > (other.probability or 0.0)


def _share(one: Verdict, rule: ClipRule) -> str:
    limits = (rule.thresholds.fake_above, rule.thresholds.real_below)
    return "none" if one.probability is None else decimals(one.probability, limits)

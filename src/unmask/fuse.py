"""From what detectors found to one verdict: calibration, pooling, thresholds, abstention. All policy lives here.

Who decides: the ensemble, where one is loaded and all its members could judge, or just those of one of its parts; else
the first loaded detector of faces, where it could judge at least one face; else the first detector of whole pictures
that could judge one. Every other finding is information and says so (`Evidence.votes`). A detector's own findings are
pooled as logits, then calibrated: its card's calibration was fitted on pooled logits, and an ensemble's on the mean of
its members' calibrated logits. Whether a verdict stands is asked of several verdicts (`stability`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from unmask.card import Calibration, Card, Pooling, Thresholds
from unmask.clip_rule import Joins
from unmask.ensemble import Ensemble
from unmask.errors import UsageError
from unmask.types import Evidence, Label, Region, Score, Verdict
from unmask.wording import decimals

HeatMap = tuple[tuple[float, ...], ...]

_LEAST: Final = 1e-6

_THING: Final = {"face": "this face", "patch": "this part of the picture", "whole": "this picture"}


@dataclass(frozen=True)
class Finding:
    """What one detector made of one segment.

    Attributes:
        region: Where it looked.
        logit: Its score, or None where it abstained.
        unfit: Why it abstained, or None.
        heat_map: Rows of logits over the region, where they were asked for.
    """

    region: Region
    logit: float | None
    unfit: str | None = None
    heat_map: HeatMap | None = None


@dataclass(frozen=True)
class Look:
    """Everything one detector made of one file; no findings where there was nothing for it to look at."""

    card: Card
    findings: tuple[Finding, ...] = ()

    @property
    def logits(self) -> tuple[float, ...]:
        """The scores, without the abstentions."""
        return tuple(finding.logit for finding in self.findings if finding.logit is not None)


@dataclass(frozen=True)
class _Decision:
    """Who decides, by which score and which thresholds."""

    name: str
    score: Score
    thresholds: Thresholds
    looks: tuple[Look, ...]


def calibrated_logit(logit: float, calibration: Calibration) -> float:
    """The logit of `calibrated`: on one scale for all detectors that were calibrated on one set."""
    return (logit - calibration.bias) / calibration.temperature


def calibrated(logit: float, calibration: Calibration) -> float:
    """Probability of fake on the calibration set: sigmoid((logit - bias) / temperature)."""
    z = calibrated_logit(logit, calibration)
    # Two forms, because exp overflows for large arguments.
    return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))


def pool(logits: Sequence[float], pooling: Pooling) -> float:
    """One logit for the whole: its most suspicious part ("max"), its average ("mean"), or that of its highest quarter.

    Raises:
        UsageError: There is nothing to pool. An absent score is an abstention, never a number.
    """
    if not logits:
        raise UsageError("there are no logits to pool")
    most = {"max": 1, "mean": len(logits), "top": -(-len(logits) // 4)}[pooling]
    return math.fsum(sorted(logits)[-most:]) / most


def joint_logit(
    logits: Sequence[float],
    calibrations: Sequence[Calibration],
    weights: Sequence[float] = (),
    leasts: Sequence[float | None] = (),
) -> float:
    """What an ensemble's own calibration is fitted on: the mean of its members' calibrated logits.

    Args:
        logits: One for each member.
        calibrations: The members' own.
        weights: Of each in the mean, adding up to 1; empty where all weigh the same.
        leasts: The least that each counts, None where all that it says does; empty where there is none.
    """
    found = [calibrated_logit(logit, own) for logit, own in zip(logits, calibrations, strict=True)]
    if leasts:
        found = [one if least is None else max(one, least) for one, least in zip(found, leasts, strict=True)]
    if not weights:
        return pool(found, "mean")
    return math.fsum(weight * one for weight, one in zip(weights, found, strict=True))


def joined(probabilities: Sequence[float], joins: Joins) -> float:
    """The logit of several parts of one video: what its rule's calibration is fitted on (`unmask.clip_rule`).

    Of "any", if each part by itself were fake with its probability, that of at least one.
    """
    inside = [min(max(one, _LEAST), 1 - _LEAST) for one in probabilities]
    logits = [math.log(one / (1 - one)) for one in inside]
    if joins != "any":
        return pool(logits, "max" if joins == "highest" else "mean")
    none = math.fsum(math.log1p(-one) for one in inside)  # logarithm of the probability that no part is
    return math.log(-math.expm1(none)) - none


def decide(probability: float, thresholds: Thresholds) -> Label:
    """The label of a calibrated probability; both thresholds belong to their label."""
    if probability >= thresholds.fake_above:
        return Label.FAKE
    return Label.REAL if probability <= thresholds.real_below else Label.UNCERTAIN


def together(looks: Sequence[Look], ensemble: Ensemble | None) -> Ensemble | None:
    """Those of an ensemble's members that could judge: itself, a part of it, or None where they do not decide."""
    return ensemble.among({look.card.name for look in looks if look.logits}) if ensemble else None


def scores(looks: Sequence[Look], ensemble: Ensemble | None = None) -> dict[str, Score]:
    """The pooled score of every detector that did not abstain, by its name, and that of the ensemble."""
    found = {look.card.name: _score(look) for look in looks if look.logits}
    decision = _decision(looks, ensemble)
    return found | ({decision.name: decision.score} if decision else {})


def evidence(looks: Sequence[Look], ensemble: Ensemble | None = None) -> tuple[Evidence, ...]:
    """Every finding in words, detector by detector."""
    decision = _decision(looks, ensemble)
    voters = [id(look) for look in decision.looks] if decision else []
    return tuple(_evidence(look, finding, id(look) in voters) for look in looks for finding in look.findings)


def verdict(looks: Sequence[Look], faces: int | None = None, ensemble: Ensemble | None = None) -> Verdict:
    """The final answer.

    Args:
        looks: One look for each detector that was asked, in the order the detectors were loaded.
        faces: How many faces were found; None where none were looked for.
        ensemble: Of detectors among these, where they are to decide together.

    Returns:
        A label with its probability and reason; uncertain without a probability where every detector abstained.
    """
    decision = _decision(looks, ensemble)
    if decision is None:
        return Verdict(label=Label.UNCERTAIN, probability=None, reason=_why_nothing(looks, faces))
    probability = decision.score.probability
    return Verdict(
        label=decide(probability, decision.thresholds),
        probability=probability,
        reason=reason_of(probability, decision.thresholds) + _left_out(decision.looks, faces),
        detector=decision.name,
        region=_region(decision.looks),
    )


def _decision(looks: Sequence[Look], ensemble: Ensemble | None) -> _Decision | None:
    """None where all abstained."""
    joint = together(looks, ensemble)
    if joint:
        by_name = {look.card.name: look for look in looks}
        members = tuple(by_name[one.name] for one in joint.members)
        own = [one.calibration for one in joint.members]
        logit = joint_logit([_score(look).logit for look in members], own, joint.weights, joint.leasts)
        score = Score(logit=logit, probability=calibrated(logit, joint.calibration))
        return _Decision(joint.name, score, joint.thresholds, members)
    able = [look for look in looks if look.logits]
    first = min(able, key=lambda look: look.card.cut.kind != "face", default=None)  # min keeps the first of equals
    return _Decision(first.card.name, _score(first), first.card.thresholds, (first,)) if first else None


def _score(look: Look) -> Score:
    logit = pool(look.logits, look.card.pooling)
    return Score(logit=logit, probability=calibrated(logit, look.card.calibration))


def _evidence(look: Look, finding: Finding, votes: bool) -> Evidence:
    if finding.logit is None:
        probability, sentence = None, f"not judged: {finding.unfit}"
    else:
        probability = calibrated(finding.logit, look.card.calibration)
        sentence = sentence_of(_THING[look.card.cut.kind], probability, look.card.thresholds)
    return Evidence(
        detector=look.card.name,
        region=finding.region,
        logit=finding.logit,
        probability=probability,
        votes=votes and finding.logit is not None,
        sentence=sentence,
        heat_map=finding.heat_map,
    )


def sentence_of(thing: str, probability: float, thresholds: Thresholds) -> str:
    """What a probability says of a thing, by some thresholds."""
    looks = {Label.FAKE: "looks fake", Label.REAL: "looks real", Label.UNCERTAIN: "could be either"}
    label = decide(probability, thresholds)
    return f"{thing} {looks[label]}: its probability of fake is {_number(probability, thresholds)}"


def reason_of(probability: float, thresholds: Thresholds, things: str = "photos") -> str:
    """Which threshold decided, and what it costs; `things` is what it was set on."""
    number = _number(probability, thresholds)
    # As many decimals as the number needed, or the threshold would look as if it had been crossed.
    digits = len(number.rpartition(".")[2]) if "." in number else 2
    fake, real = (_threshold(value, digits) for value in (thresholds.fake_above, thresholds.real_below))
    label = decide(probability, thresholds)
    if label is Label.FAKE:
        price = _price(thresholds.reals_called_fake, f"real {things}")
        return f"{number} is at or above the threshold for fake, {fake}{price}"
    if label is Label.REAL:
        price = _price(thresholds.fakes_called_real, f"fake {things}")
        return f"{number} is at or below the threshold for real, {real}{price}"
    return f"{number} lies between the thresholds for real, {real}, and for fake, {fake}"


def _threshold(value: float, digits: int) -> str:
    whole, _, decimals_shown = f"{value:.{digits}f}".partition(".")
    return f"{whole}.{decimals_shown.rstrip('0'):0<2}"


def _price(share: float | None, kind: str) -> str:
    """What the threshold costs: how often the calibration set shows the other kind beyond it."""
    return "" if share is None else f" ({share:.1%} of the {kind} it was set on lie there too)"


def _number(value: float, thresholds: Thresholds) -> str:
    return decimals(value, (thresholds.fake_above, thresholds.real_below))


def _left_out(voters: Sequence[Look], faces: int | None) -> str:
    """What the verdict does not cover; a fake among faces that were not judged must not hide behind the others."""
    if not faces:
        return ""
    judged = max((len(look.logits) for look in voters if look.card.cut.kind == "face"), default=0)
    if not judged:
        return "; this is about the whole picture, for no face in it could be judged"
    return "" if judged >= faces else f"; {judged} of {faces} faces {'was' if judged == 1 else 'were'} judged"


def _why_nothing(looks: Sequence[Look], faces: int | None) -> str:
    parts = []
    if faces is not None:
        by_face = [look for look in looks if look.card.cut.kind == "face"]
        parts.append("no face in it could be judged" + _first_unfit(by_face) if faces else "no face was found")
    pictures = [look for look in looks if look.card.cut.kind != "face"]
    if not pictures:
        parts.append("no detector of whole pictures is loaded")
    elif any(look.findings for look in pictures):
        parts.append("the whole picture could not be judged" + _first_unfit(pictures))
    else:
        least = min(look.card.cut.size_px for look in pictures)
        parts.append(f"the picture is too small to be judged as a whole (each side needs {least} px)")
    return ", and ".join(parts)


def _first_unfit(looks: Iterable[Look]) -> str:
    unfit = (finding.unfit for look in looks for finding in look.findings)
    return next((f" ({why})" for why in unfit if why), "")


def _region(voters: Sequence[Look]) -> Region | None:
    """The region whose own logit is the pooled one, of the first voter that has one; a mean of several has none."""
    for look in voters:
        judged = [finding for finding in look.findings if finding.logit is not None]
        if look.card.pooling == "max" or len(judged) == 1:
            return max(judged, key=lambda finding: finding.logit or 0.0).region
    return None

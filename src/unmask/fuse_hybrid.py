"""Where the user names a hybrid, it decides on pictures that the networks could judge, and the report says so."""

from __future__ import annotations

from collections.abc import Mapping

from unmask import fuse, hybrid, reported
from unmask.hybrid import Hybrid
from unmask.types import Report, Score
from unmask.wording import decimals


def decided(report: Report, by: Hybrid, numbers: Mapping[str, Mapping[str, float]]) -> Report:
    """The report with the hybrid's verdict; the same one where no network gave a probability to start from.

    Args:
        report: By the networks alone.
        by: The hybrid.
        numbers: The traits of the file, by family.
    """
    alone = report.verdict
    if alone is None or alone.probability is None:
        return report
    card = by.card
    logit = round(float(by.logits([hybrid.facts(report, numbers)])[0]), 4)
    score = Score(logit=logit, probability=fuse.calibrated(logit, card.calibration))
    said = f"the networks alone say {alone.label.value}, {decimals(alone.probability)}"
    verdict = alone.model_copy(
        update={
            "label": fuse.decide(score.probability, card.thresholds),
            "probability": score.probability,
            "reason": f"{fuse.reason_of(score.probability, card.thresholds)}; {said}, and what the file says of itself "
            "was weighed with that",
            "detector": card.name,
        }
    )
    scores, models = {**report.scores, card.name: score}, (*report.models, reported.model_used(card))
    return report.model_copy(update={"verdict": verdict, "scores": scores, "models": models})

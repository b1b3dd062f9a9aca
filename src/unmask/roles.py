"""What part each detector has in a report: whether it decided, joined in, or informs. The same on every page."""

from __future__ import annotations

from dataclasses import dataclass

from unmask.types import Evidence, ModelUsed, Report, Score


@dataclass(frozen=True)
class Role:
    """One detector's part in a report.

    Attributes:
        name: Of the detector.
        model: What it was, where the report names a model.
        score: Its pooled finding; None where it abstained, or has none for the whole file.
        decides: Whether the verdict is by its score alone.
        joins: Whether the verdict is by several, of which it is one.
        informs: Whether it found something that had no say.
    """

    name: str
    model: ModelUsed | None
    score: Score | None
    decides: bool
    joins: bool
    informs: bool


def role(report: Report, name: str) -> Role:
    """The part of one detector, by its name."""
    found = [one for one in report.evidence if one.detector == name]
    votes = any(one.votes for one in found)
    decides = report.verdict is not None and report.verdict.detector == name
    return Role(
        name=name,
        model=next((model for model in report.models if model.name == name), None),
        score=report.scores.get(name),
        decides=decides,
        joins=votes and not decides,
        informs=not votes and any(informs(one) for one in found),
    )


def informs(evidence: Evidence) -> bool:
    """Whether something was found and has no say in the verdict."""
    return evidence.logit is not None and not evidence.votes


def state(evidence: Evidence) -> str:
    """What became of a finding, in a word or two."""
    if evidence.votes:
        return "voted"
    return "information only" if informs(evidence) else "abstained"

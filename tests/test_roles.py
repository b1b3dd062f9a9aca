"""What part a detector has in a report."""

from __future__ import annotations

import pytest

from unmask.roles import informs, role, state
from unmask.types import Evidence, Label, Region, Report, Score, Source, Status, Verdict


def evidence(detector: str, logit: float | None, votes: bool) -> Evidence:
    return Evidence(detector=detector, region=Region(), logit=logit, votes=votes, sentence="")


def report(decider: str | None, *found: Evidence) -> Report:
    return Report(
        source=Source(path="a.jpg"),
        status=Status.OK,
        verdict=Verdict(label=Label.UNCERTAIN, reason="", detector=decider),
        scores={"face": Score(logit=1.0, probability=0.7)},
        evidence=found,
    )


def test_one_alone_decides_and_joins_nobody() -> None:
    found = role(report("face", evidence("face", 1.0, True)), "face")
    assert (found.decides, found.joins, found.informs) == (True, False, False)
    assert found.score == Score(logit=1.0, probability=0.7)
    assert found.model is None


def test_a_member_joins() -> None:
    found = role(report("face+picture", evidence("face", 1.0, True), evidence("face", 2.0, False)), "face")
    assert (found.decides, found.joins, found.informs) == (False, True, False)


def test_a_finding_without_a_vote_informs() -> None:
    found = role(report("face", evidence("face", 1.0, True), evidence("motion", 1.0, False)), "motion")
    assert (found.decides, found.joins, found.informs) == (False, False, True)
    assert found.score is None


def test_who_abstained_or_is_not_there_has_no_part() -> None:
    whole = report(None, evidence("face", None, False))
    for name in ("face", "picture"):
        found = role(whole, name)
        assert not (found.decides or found.joins or found.informs)


@pytest.mark.parametrize(
    ("logit", "votes", "word"), [(1.0, True, "voted"), (1.0, False, "information only"), (None, False, "abstained")]
)
def test_the_state_of_a_finding(logit: float | None, votes: bool, word: str) -> None:
    assert state(evidence("face", logit, votes)) == word
    assert informs(evidence("face", logit, votes)) is (word == "information only")

"""The policy of videos: pooling a person's looks, ordering persons, and saying when."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.make_bundle import make_video_bundle
from unmask import fuse
from unmask.card import Card, Pooling
from unmask.fuse_video import Glance, Person, persons, track, verdict
from unmask.types import Label

BOX = (0, 0, 9, 9)


@pytest.fixture
def card(tmp_path: Path) -> Card:
    return make_video_bundle(tmp_path / "track").card


def person(*logits: float | None, step_s: float = 1.0) -> Person:
    return Person(
        tuple(Glance(i * step_s, BOX, one, None if one is not None else "small") for i, one in enumerate(logits))
    )


@pytest.mark.parametrize(("pooling", "expected"), [("max", 9.0), ("mean", 2.0), ("top", 6.5)])
def test_pooling(pooling: Pooling, expected: float) -> None:
    assert fuse.pool([-2, -1, 0, 1, 9, 3, 2, 4], pooling) == pytest.approx(expected)


def test_the_top_of_few_is_one() -> None:
    assert fuse.pool([1.0, 5.0, 2.0], "top") == 5.0
    assert fuse.pool([1.0, 5.0, 2.0, 4.0, 0.0], "top") == 4.5


def test_who_was_seen_once_does_not_decide_against_who_was_seen_often(card: Card) -> None:
    often, once, unjudged = person(*[-1.0] * 5), person(9.0), person(None)
    assert [one for one, _ in persons([unjudged, once, often], card)] == [often, once, unjudged]
    assert [one for one, _ in persons([unjudged, once], card)] == [once, unjudged]


def test_extra_looks_tell_when_and_do_not_count(card: Card) -> None:
    looks = (*person(0.0, 1.0, 0.0).glances, Glance(1.5, BOX, 8.0, extra=True))
    ordered = sorted(looks, key=lambda one: one.time_s)
    ((one, score),) = persons([Person(tuple(ordered))], card)
    assert score is not None
    assert score.logit == 1.0
    region = track(1, one, score, card).verdict.region
    assert region is not None
    assert (region.start_s, region.end_s) == (1.5, 1.5)


def test_the_stretch_holds_what_is_nearer_to_the_top_than_to_the_middle(card: Card) -> None:
    ((one, score),) = persons([person(0, 0, 0, 0, 5, 6, 4, 0, 0)], card)
    region = track(1, one, score, card).verdict.region
    assert region is not None
    assert (region.start_s, region.end_s, region.track) == (4.0, 6.0, 1)


def test_persons_beyond_the_limit_are_told(card: Card) -> None:
    ((one, score),) = persons([person(-9.0, -9.0)], card)
    said = verdict([track(1, one, score, card)], 3)
    assert said.label is Label.REAL
    assert said.reason.endswith("1 of 3 persons was judged")
    assert "real videos" not in said.reason  # nothing was measured for this card


def test_nobody_judged_is_uncertain_with_the_reason(card: Card) -> None:
    ((one, score),) = persons([person(None, None)], card)
    said = verdict([track(1, one, score, card)], 1)
    assert (said.label, said.probability) == (Label.UNCERTAIN, None)
    assert said.reason == "nobody in it could be judged: small"
    assert "no face" in verdict([], 0).reason

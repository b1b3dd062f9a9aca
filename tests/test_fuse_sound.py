"""The policy of voices: pooling windows, and saying when."""

from __future__ import annotations

import pytest

from tests.make_bundle import make_voice_bundle
from unmask import fuse_sound
from unmask.card import Card
from unmask.fuse_sound import Listened
from unmask.types import Label, Region


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Card:
    return make_voice_bundle(tmp_path_factory.mktemp("bundle") / "voice").card


def windows(*logits: float | None) -> list[Listened]:
    """Of two seconds, a second apart; None is one with too little speech."""
    return [
        Listened(Region(start_s=float(i), end_s=i + 2.0), one, None if one is not None else "only 0.2 s of speech")
        for i, one in enumerate(logits)
    ]


def test_windows_are_pooled_as_the_card_says_and_unfit_ones_have_no_say(card: Card) -> None:
    found = windows(-1.0, None, 3.0, 1.0)
    for pooling, logit in (("mean", 1.0), ("max", 3.0)):
        score = fuse_sound.score(found, card.model_copy(update={"pooling": pooling}))
        assert score is not None
        assert score.logit == pytest.approx(logit)
    assert fuse_sound.score(windows(None), card) is None
    assert fuse_sound.score([], card) is None


def test_the_reason_names_the_seconds_where_there_are_several_windows(card: Card) -> None:
    said = fuse_sound.verdict(windows(0, 0, 0, 7, 8, 6, 0, 0, 0), card)
    assert said.region == Region(start_s=3.0, end_s=7.0)
    assert said.reason.startswith("most at 0:03.0 to 0:07.0: ")
    alone = fuse_sound.verdict(windows(5.0, None), card)
    assert alone.label is Label.FAKE
    assert "most at" not in alone.reason
    assert alone.region == Region(start_s=0.0, end_s=2.0)


def test_prices_are_those_of_recordings(card: Card) -> None:
    thresholds = card.thresholds.model_copy(update={"reals_called_fake": 0.01})
    said = fuse_sound.verdict(windows(5.0), card.model_copy(update={"thresholds": thresholds}))
    assert "1.0% of the real recordings" in said.reason


def test_nothing_judged_is_uncertain_with_the_reason(card: Card) -> None:
    for found, reason in (
        (windows(None, None), "no speech in it could be judged: only 0.2 s of speech"),
        ([], "nobody speaks in it"),
    ):
        said = fuse_sound.verdict(found, card)
        assert (said.label, said.probability, said.reason) == (Label.UNCERTAIN, None, reason)
        assert said.detector is None
        (told,) = fuse_sound.evidence(found, card)
        assert (told.logit, told.votes, told.sentence) == (None, False, f"not judged: {reason}")


def test_stretches_are_calibrated_one_by_one(card: Card) -> None:
    found = fuse_sound.stretches(windows(0.0, None, 50.0), card)
    assert [(one.start_s, one.end_s) for one in found] == [(0, 2), (1, 3), (2, 4)]
    assert [one.probability for one in found] == [0.5, None, pytest.approx(1.0)]


def test_the_whole_votes_and_a_window_with_a_map_informs(card: Card) -> None:
    first, second = windows(1.0, 2.0)
    mapped = Listened(second.region, second.logit, heat_map=((1.0, 3.0),))
    whole, one = fuse_sound.evidence([first, mapped], card)
    assert (whole.votes, one.votes) == (True, False)
    assert whole.region == Region(start_s=0.0, end_s=3.0)
    assert (one.region, one.heat_map, one.logit) == (second.region, ((1.0, 3.0),), 2.0)
    assert "the voice at 0:01.0" in one.sentence
    assert "this voice" in whole.sentence

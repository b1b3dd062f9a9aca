from __future__ import annotations

import math
from pathlib import Path

import pytest

from unmask.card import Calibration
from unmask.detectors import lighting, lipsync, motion
from unmask.errors import BundleError
from unmask.witness import Feature, WitnessCard


def card() -> WitnessCard:
    features = (
        Feature(name="a", meaning="one", mean=1.0, scale=2.0, weight=0.5),
        Feature(name="b", meaning="two", mean=0.0, scale=1.0, weight=-1.0),
    )
    return WitnessCard(
        name="w",
        version="0",
        summary="",
        features=features,
        bias=0.25,
        learned_on="",
        calibration=Calibration(set="s", temperature=2.0, bias=0.5, reals=1, fakes=1),
        why="",
    )


def test_the_logit_adds_up_what_the_features_say() -> None:
    assert card().logit({"a": 3.0, "b": 1.0}) == pytest.approx(0.25 + 0.5 - 1.0)
    assert card().said({"a": 3.0, "b": 1.0}) == pytest.approx({"a": 0.5, "b": -1.0})
    assert card().probability(2.5) == pytest.approx(1 / (1 + math.exp(-1)))


def test_what_could_not_be_measured_counts_as_ordinary_and_nothing_counts_without_end() -> None:
    assert card().logit({}) == card().logit({"a": math.nan, "b": 0.0}) == 0.25
    assert card().logit({"a": 1e9}) == card().logit({"a": 7.0}) == pytest.approx(0.25 + 3 * 0.5)


def test_a_card_reads_back_as_it_was_written(tmp_path: Path) -> None:
    card().write(tmp_path / "w.json")
    assert WitnessCard.read(tmp_path / "w.json") == card()


def test_a_broken_card_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"absent\.json"):
        WitnessCard.read(tmp_path / "absent.json")
    (tmp_path / "bad.json").write_text('{"name": "x"}')
    with pytest.raises(BundleError, match="not valid"):
        WitnessCard.read(tmp_path / "bad.json")


@pytest.mark.parametrize("module", [motion, lighting, lipsync])
def test_the_shipped_cards_fit_their_modules_and_say_why_they_do_not_vote(module: object) -> None:
    name, definitions = getattr(module, "NAME"), getattr(module, "FEATURES")  # noqa: B009
    shipped = WitnessCard.shipped(name)
    assert shipped.name == name
    assert [(one.name, (one.meaning, one.source)) for one in shipped.features] == list(definitions.items())
    assert shipped.metrics
    assert f"{shipped.metrics[0].value:.3f}" in shipped.why
    assert not shipped.votes
    assert shipped.limits

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.test_calibrate import drawn
from unmask.errors import UsageError
from unmask.thresholding import choose, choose_by_risk, choose_for_each


def overlapping(reals: int = 200, fakes: int = 100) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    labels = np.repeat([0.0, 1.0], [reals, fakes])
    return labels, np.concatenate([np.linspace(0.001, 0.9, reals), np.linspace(0.3, 0.999, fakes)])


def test_thresholds_keep_both_promises_and_are_the_tightest() -> None:
    labels, chances = overlapping()
    thresholds = choose(labels, chances)
    reals, fakes = chances[labels == 0], chances[labels == 1]
    assert (reals >= thresholds.fake_above).sum() == 2  # 1 % of 200
    assert (reals >= np.nextafter(thresholds.fake_above, 0)).sum() == 3
    assert (fakes <= thresholds.real_below).sum() == 5  # 5 % of 100
    assert (fakes <= np.nextafter(thresholds.real_below, 1)).sum() == 6
    assert thresholds.chosen == (
        "on the calibration set, 2 of 200 reals reach 0.891 (at most 1% may), as do 16 of 100 fakes; "
        "5 of 100 fakes lie at or under 0.335 (at most 5% may)"
    )


def test_fewer_than_a_hundred_reals_allow_none() -> None:
    labels, chances = overlapping(reals=99)
    assert (chances[labels == 0] >= choose(labels, chances).fake_above).sum() == 0


def test_ties_at_the_threshold_count_against_it() -> None:
    labels = np.repeat([0.0, 1.0], [200, 200])
    chances = np.concatenate([np.full(197, 0.1), np.full(3, 0.8), np.full(11, 0.2), np.full(189, 0.9)])
    thresholds = choose(labels, chances)
    assert 0.8 < thresholds.fake_above < 0.9
    assert 0.1 < thresholds.real_below < 0.2


@pytest.mark.parametrize(("real", "fake"), [(0.1, 0.9), (0.01, 0.03), (0.97, 0.99)])
def test_separated_classes_never_cross_and_never_call_under_one_half_fake(real: float, fake: float) -> None:
    thresholds = choose([0] * 100 + [1] * 100, [real] * 100 + [fake] * 100)
    assert thresholds.real_below <= 0.5 <= thresholds.fake_above
    assert real < thresholds.fake_above
    assert fake > thresholds.real_below
    if real < 0.5 < fake:
        assert thresholds.fake_above == thresholds.real_below == 0.5


def test_a_detector_that_knows_nothing_leaves_almost_all_uncertain() -> None:
    rng = np.random.default_rng(0)
    labels, chances = np.repeat([0.0, 1.0], 1000), rng.random(2000)
    thresholds = choose(labels, chances)
    uncertain = (chances > thresholds.real_below) & (chances < thresholds.fake_above)
    assert uncertain.mean() > 0.9


@pytest.mark.parametrize(
    ("chances", "message"),
    [([0.2, 1.5], "outside"), ([1.0, 1.0], "exactly 1"), ([0.0, 0.0], "exactly 0"), ([0.1, float("nan")], "finite")],
)
def test_refuses_what_no_threshold_can_part(chances: list[float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        choose([0, 1], chances)


class TestSources:
    """900 real photos of a large source that are easy, 40 of a small one that are not, and 15 of a tiny one."""

    LABELS = (0.0,) * 955 + (1.0,) * 100
    CHANCES = (*np.linspace(0.0, 0.5, 900), *np.linspace(0.3, 0.9, 40), *np.linspace(0.1, 0.5, 15), *[0.95] * 100)
    SOURCES = ("large",) * 900 + ("small",) * 40 + ("tiny",) * 15 + ("other",) * 100

    def test_the_promise_holds_for_each_that_has_enough_reals(self) -> None:
        small = np.array(self.CHANCES)[np.array(self.SOURCES) == "small"]
        loose, strict = choose(self.LABELS, self.CHANCES), choose(self.LABELS, self.CHANCES, self.SOURCES)
        assert (small >= loose.fake_above).sum() == 9, "all that the promise about all allows"
        assert (small >= strict.fake_above).sum() == 2, "5 % of 40"
        assert (small >= np.nextafter(strict.fake_above, 0)).sum() == 3
        assert strict.chosen.endswith("; by source 2 of 40 reals of small at most (at most 5% may)")
        assert strict.real_below == loose.real_below

    def test_a_source_of_few_reals_cannot_say(self) -> None:
        labels, chances = (*self.LABELS, 0.0), (*self.CHANCES, 0.94)
        plain = choose(labels, chances, (*self.SOURCES, "tiny")).fake_above
        assert plain == choose(self.LABELS, self.CHANCES, self.SOURCES).fake_above
        assert choose(self.LABELS, self.CHANCES, ("",) * 1055).chosen.endswith(
            "reals of no source at most (at most 5% may)"
        )

    def test_lists_of_different_lengths_are_refused(self) -> None:
        with pytest.raises(UsageError, match="2 sources and 1055 labels do not belong together"):
            choose(self.LABELS, self.CHANCES, ("large", "small"))


class TestByRisk:
    """Ten files, the surest first: right, right, wrong, right, right, right, right, right, wrong, wrong."""

    LABELS = (1, 0, 1, 0, 1, 0, 1, 0, 1, 0)
    CHANCES = (0.99, 0.02, 0.04, 0.05, 0.93, 0.1, 0.85, 0.2, 0.3, 0.6)

    @pytest.mark.parametrize(
        ("most", "band"),
        [
            (0.0, (0.02, 0.98)),  # two are right before the first is wrong
            (0.15, (0.2, 0.8)),  # one of eight
            (0.25, (0.3, 0.7)),  # two of nine
            (0.5, (0.4, 0.6)),  # three of all ten
        ],
    )
    def test_the_band_is_the_narrowest_that_keeps_the_risk(self, most: float, band: tuple[float, float]) -> None:
        found = choose_by_risk(self.LABELS, self.CHANCES, most)
        assert (found.real_below, found.fake_above) == pytest.approx(band)

    def test_it_says_what_it_chose_and_costs(self) -> None:
        found = choose_by_risk(self.LABELS, self.CHANCES, 0.15)
        assert found.chosen == (
            "on the calibration set, 1 of the 8 verdicts outside the band are wrong (at most 15.0% may be), "
            "and 2 of 10 files lie inside it"
        )
        assert (found.reals_called_fake, found.fakes_called_real) == (0.0, 0.2)

    def test_those_who_are_equally_sure_go_together(self) -> None:
        labels = [1, 1, 0, 1, 0, 0]
        with pytest.raises(UsageError, match=r"no band keeps the errors below 10\.0%"):
            choose_by_risk(labels, [0.75] * 6, 0.1)
        assert choose_by_risk(labels, [0.75] * 6, 0.5).fake_above == 0.75

    def test_a_promise_about_all_files_takes_a_wider_band(self) -> None:
        labels, logits = drawn(2000, 1.0, 0.0)
        chances = 1 / (1 + np.exp(-logits))
        plain, safe = choose_by_risk(labels, chances, 0.05), choose_by_risk(labels, chances, 0.05, sure=0.95)
        assert 0.5 < plain.fake_above < safe.fake_above < 1
        assert "with probability 0.95" in safe.chosen

    def test_the_promise_is_kept_on_fresh_files(self) -> None:
        broken = {None: 0, 0.9: 0}
        for seed in range(40):
            labels, logits = drawn(500, 1.0, 0.0, seed)
            fresh, after = drawn(4000, 1.0, 0.0, seed + 1000)
            for sure in broken:
                found = choose_by_risk(labels, 1 / (1 + np.exp(-logits)), 0.1, sure)
                chances = 1 / (1 + np.exp(-after))
                given = (chances >= found.fake_above) | (chances <= found.real_below)
                broken[sure] += bool((((chances >= 0.5) != (fresh == 1))[given]).mean() > 0.1)
        assert broken[0.9] <= 4 < broken[None]

    @pytest.mark.parametrize(
        ("labels", "chances", "message"),
        [([0, 0], [0.1, 0.2], "both are needed"), ([0, 1], [0.1, 1.2], "outside of 0 to 1")],
    )
    def test_refuses_what_cannot_be(self, labels: list[int], chances: list[float], message: str) -> None:
        with pytest.raises(UsageError, match=message):
            choose_by_risk(labels, chances, 0.1)

    def test_too_few_files_can_promise_nothing(self) -> None:
        with pytest.raises(UsageError, match="too few files"):
            choose_by_risk([0, 1] * 5, [0.1, 0.9] * 5, 0.01, sure=0.95)


class TestForEach:
    LABELS = (0,) * 200 + (1,) * 200 + (0,) * 5 + (1,) * 5
    MADE = tuple(np.linspace(0.05, 0.4, 200)) + tuple(np.linspace(0.6, 0.95, 200))
    COLLECTED = (0.1, 0.2, 0.3, 0.4, 0.7, 0.12, 0.6, 0.7, 0.8, 0.9)
    KINDS = ("made",) * 400 + ("collected",) * 10

    def test_the_promise_holds_for_the_few_as_well(self) -> None:
        alone = choose(self.LABELS, self.MADE + self.COLLECTED)
        found = choose_for_each(self.LABELS, self.MADE + self.COLLECTED, self.KINDS)
        assert alone.real_below > 0.12
        assert alone.fake_above < 0.7
        assert found.real_below < 0.12
        assert found.fake_above > 0.7
        assert "5 collected fakes, 200 made fakes" in found.chosen
        assert found.fakes_called_real == 0

    def test_a_source_that_is_divided_among_kinds_is_kept_to_as_a_whole(self) -> None:
        """Twenty-four photos of one source, twelve of each kind: two of the one and three of the other are high."""
        own = np.array([0.1] * 10 + [0.71, 0.72] + [0.1] * 9 + [0.73, 0.74, 0.75])
        labels = np.repeat([0.0, 1.0, 0.0], [600, 600, 24])
        values = np.concatenate([np.linspace(0.01, 0.4, 600), np.linspace(0.6, 0.95, 600), own])
        kinds = ("made", "collected") * 600 + ("made",) * 12 + ("collected",) * 12
        found = choose_for_each(labels, values, kinds, ("large",) * 1200 + ("small",) * 24)
        assert (own >= found.fake_above).sum() == 1, "5 % of 24"

    def test_one_kind_is_as_ever(self) -> None:
        values = self.MADE + self.COLLECTED
        assert choose_for_each(self.LABELS, values, ("made",) * 410) == choose(self.LABELS, values)

    def test_a_kind_without_fakes_is_passed_over(self) -> None:
        labels, values = self.LABELS[:405], (self.MADE + self.COLLECTED)[:405]
        kinds = self.KINDS[:405]
        assert choose_for_each(labels, values, kinds) == choose(labels, values)

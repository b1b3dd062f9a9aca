import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from unmask import calibrate, metrics
from unmask.calibrate import choose, choose_by_risk, fit
from unmask.card import Calibration
from unmask.errors import UsageError


def applied(calibration: Calibration, logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-(logits - calibration.bias) / calibration.temperature)))


def drawn(
    count: int, temperature: float, bias: float, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Equally many of each class, with logits for which sigmoid((logit - bias) / temperature) is the truth."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0.0, 1.0], count)
    # Two normals of variance 2 d at -d and +d have the log-likelihood ratio x itself.
    return labels, rng.normal(np.where(labels == 1, 1.5, -1.5), np.sqrt(3.0)) * temperature + bias


def test_finds_the_temperature_and_bias_that_drew_the_logits() -> None:
    calibration = fit(*drawn(20_000, temperature=3.0, bias=-2.0), "a draw")
    assert calibration.temperature == pytest.approx(3.0, rel=0.03)
    assert calibration.bias == pytest.approx(-2.0, abs=0.1)
    assert (calibration.set, calibration.reals, calibration.fakes) == ("a draw", 20_000, 20_000)


def test_is_calibrated_on_fresh_items() -> None:
    calibration = fit(*drawn(5_000, 0.2, 5.0, seed=1), "a draw")
    labels, logits = drawn(20_000, 0.2, 5.0, seed=2)
    assert metrics.calibration_error(labels, applied(calibration, logits)) < 0.02


def test_class_sizes_do_not_matter() -> None:
    labels, logits = drawn(20_000, 1.0, 0.0)
    fewer = np.concatenate([np.arange(20_000), np.arange(20_000, 22_000)])
    whole, lopsided = fit(labels, logits, "whole"), fit(labels[fewer], logits[fewer], "lopsided")
    assert lopsided.bias == pytest.approx(whole.bias, abs=0.15)
    assert lopsided.temperature == pytest.approx(whole.temperature, rel=0.1)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_perfect_separation_stays_bounded(scale: float) -> None:
    labels = np.repeat([0.0, 1.0], 50)
    logits = np.concatenate([np.linspace(-3, -1, 50), np.linspace(1, 3, 50)]) * scale
    calibration = fit(labels, logits, "separated")
    chances = applied(calibration, logits)
    assert chances[:50].max() < 0.5 < chances[50:].min()
    assert 0.9 < chances.max() < 0.9999
    assert calibration.bias == pytest.approx(0, abs=1e-6 * scale)


def test_backward_ranking_says_one_half() -> None:
    labels, logits = drawn(200, 1.0, 0.0)
    calibration = fit(1 - labels, logits, "backward")
    assert np.abs(applied(calibration, logits) - 0.5).max() < 0.01


@given(st.floats(0.01, 100), st.floats(-50, 50), st.integers(0, 50))
def test_follows_scale_and_shift_of_the_logits(scale: float, shift: float, seed: int) -> None:
    labels, logits = drawn(30, 1.0, 0.0, seed)
    here, there = fit(labels, logits, "here"), fit(labels, logits * scale + shift, "there")
    assert np.allclose(applied(here, logits), applied(there, logits * scale + shift), atol=1e-6)


def test_wild_outliers_do_not_break_the_fit() -> None:
    labels, logits = drawn(100, 1.0, 0.0)
    logits[0], logits[-1] = 1e4, -1e4
    calibration = fit(labels, logits, "wild")
    assert np.isfinite([calibration.temperature, calibration.bias]).all()


@pytest.mark.parametrize(
    ("labels", "logits", "message"),
    [
        ([0, 0], [1.0, 2.0], "2 are 0 and 0 are 1"),
        ([0, 1], [1.0, float("inf")], "1 of 2 scores are not finite"),
        ([0, 1], [1.0], "one length"),
        ([0, 1, 2], [1.0, 2.0, 3.0], "no other"),
        ([0, 1], [1.0, 1.0], "all logits are the same"),
    ],
)
def test_says_what_is_wrong(labels: list[int], logits: list[float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        fit(labels, logits, "bad")


def overlapping(reals: int = 200, fakes: int = 100) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    labels = np.repeat([0.0, 1.0], [reals, fakes])
    return labels, np.concatenate([np.linspace(0.001, 0.9, reals), np.linspace(0.3, 0.999, fakes)])


def test_measured_against_reals_their_mean_is_nothing_and_their_spread_one() -> None:
    labels, logits = drawn(100, temperature=3.0, bias=-2.0)
    found = calibrate.against_reals(labels, logits, "a draw")
    reals = (logits[labels == 0] - found.bias) / found.temperature
    assert (reals.mean(), reals.std()) == pytest.approx((0.0, 1.0))
    assert (found.set, found.reals, found.fakes) == ("a draw", 100, 100)
    moved = np.where(labels == 1, logits + 5.0, logits)
    assert calibrate.against_reals(labels, moved, "a draw") == found, "no fake changes it"
    with pytest.raises(UsageError, match="all real items have the same logit"):
        calibrate.against_reals([0, 0, 1], [1.0, 1.0, 2.0], "a draw")


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
        alone = calibrate.choose(self.LABELS, self.MADE + self.COLLECTED)
        found = calibrate.choose_for_each(self.LABELS, self.MADE + self.COLLECTED, self.KINDS)
        assert alone.real_below > 0.12
        assert alone.fake_above < 0.7
        assert found.real_below < 0.12
        assert found.fake_above > 0.7
        assert "5 collected fakes, 200 made fakes" in found.chosen
        assert found.fakes_called_real == 0

    def test_one_kind_is_as_ever(self) -> None:
        values = self.MADE + self.COLLECTED
        assert calibrate.choose_for_each(self.LABELS, values, ("made",) * 410) == calibrate.choose(self.LABELS, values)

    def test_a_kind_without_fakes_is_passed_over(self) -> None:
        labels, values = self.LABELS[:405], (self.MADE + self.COLLECTED)[:405]
        kinds = self.KINDS[:405]
        assert calibrate.choose_for_each(labels, values, kinds) == calibrate.choose(labels, values)

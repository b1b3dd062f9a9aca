import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from unmask import calibrate, metrics
from unmask.calibrate import fit
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

import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as reference
from sklearn.calibration import calibration_curve

from unmask import metrics
from unmask.errors import UsageError

Arrays = tuple[NDArray[np.float64], NDArray[np.float64]]


@st.composite
def labelled(draw: st.DrawFn) -> Arrays:
    """Both classes, with many ties, on an exact grid so that shifting them cannot merge two scores."""
    count = draw(st.integers(2, 40))
    labels = draw(st.lists(st.integers(0, 1), min_size=count, max_size=count).filter(lambda x: 0 < sum(x) < len(x)))
    scores = draw(st.lists(st.integers(-8, 8), min_size=count, max_size=count))
    return np.array(labels, float), np.array(scores, float) / 16


def noisy(count: int = 600, seed: int = 0) -> Arrays:
    rng = np.random.default_rng(seed)
    labels = (rng.random(count) < 0.4).astype(float)
    return labels, np.round(rng.normal(labels, 1.0), 2)


def test_auc_by_hand() -> None:
    # Pairs (real, fake): (1, 2) right, (1, 3) right, (2, 2) tie, (2, 3) right.
    assert metrics.auc([0, 0, 1, 1], [1, 2, 2, 3]) == 3.5 / 4


def test_eer_by_hand() -> None:
    # At the threshold 3, one of three reals is called fake and one of three fakes real.
    assert metrics.eer([0, 0, 0, 1, 1, 1], [1, 2, 4, 3, 5, 0]) == pytest.approx(1 / 3)
    assert metrics.eer([0, 1], [0, 1]) == 0
    assert metrics.eer([0, 1], [1, 0]) == 1
    assert metrics.eer([0, 1], [1, 1]) == 0.5


def test_tpr_at_fpr_takes_existing_thresholds_only() -> None:
    labels, scores = [0] * 4 + [1] * 4, [1, 2, 3, 8, 2, 4, 8, 9]
    assert metrics.tpr_at_fpr(labels, scores, 0.0) == 0.25
    assert metrics.tpr_at_fpr(labels, scores, 0.24) == 0.25
    assert metrics.tpr_at_fpr(labels, scores, 0.25) == 0.75
    assert metrics.tpr_at_fpr(labels, scores, 1.0) == 1.0


def test_calibration_error_by_hand() -> None:
    # Bin (0, 0.5]: claims 0.35, is 0. Bin (0.5, 1]: claims 0.8, is 0.5.
    assert metrics.calibration_error([0, 0, 0, 1], [0.2, 0.5, 0.7, 0.9], bins=2) == pytest.approx(
        0.5 * 0.35 + 0.5 * 0.3
    )
    assert metrics.calibration_error([0, 1], [0.0, 1.0]) == 0


def test_average_precision_by_hand() -> None:
    # Down the scores: a fake (1 of 1 right), a real, a fake (2 of 3 right).
    assert metrics.average_precision([1, 0, 1, 0], [4, 3, 2, 1]) == pytest.approx((1 + 2 / 3) / 2)


def test_log_loss_by_hand() -> None:
    assert metrics.log_loss([0, 1], [0.2, 0.6]) == pytest.approx(-(np.log(0.8) + np.log(0.6)) / 2)
    assert metrics.log_loss([0, 1], [0.5, 0.5]) == pytest.approx(np.log(2))
    assert np.isfinite(metrics.log_loss([0, 1], [1.0, 0.0])), "a certain error is dear, not infinitely so"


def test_reliability_by_hand() -> None:
    low, high = metrics.reliability([0, 0, 0, 1], [0.2, 0.5, 0.7, 0.9], bins=2)
    assert (low.size, low.fakes) == (2, metrics.share(0, 2))
    assert (high.size, high.fakes) == (2, metrics.share(1, 2))
    assert (low.claimed, high.claimed) == pytest.approx((0.35, 0.8))


def test_reliability_adds_up_to_the_calibration_error() -> None:
    labels, scores = noisy()
    chances = 1 / (1 + np.exp(-scores))
    bins = metrics.reliability(labels, chances)
    assert sum(one.size for one in bins) == len(labels)
    assert [one.claimed for one in bins] == sorted(one.claimed for one in bins)
    error = sum(abs(one.claimed - one.fakes.value) * one.size for one in bins) / len(labels)
    assert error == pytest.approx(metrics.calibration_error(labels, chances))


def test_brier_by_hand() -> None:
    assert metrics.brier([0, 1], [0.2, 0.6]) == pytest.approx((0.04 + 0.16) / 2)


def test_balanced_accuracy_by_hand() -> None:
    assert metrics.balanced_accuracy([0, 0, 0, 0, 1], [0.1, 0.2, 0.3, 0.5, 0.5]) == pytest.approx((0.75 + 1) / 2)


def test_share_by_hand() -> None:
    value, low, high = metrics.share(0, 20)
    assert (value, low) == (0, 0)
    assert high == pytest.approx(0.161, abs=5e-4)  # Wilson 1927, as tabled everywhere
    assert metrics.share(20, 20) == pytest.approx((1, 1 - high, 1))


def test_agrees_with_scikit_learn() -> None:
    labels, scores = noisy()
    fpr, tpr, _ = reference.roc_curve(labels, scores, drop_intermediate=False)
    chances = 1 / (1 + np.exp(-scores))
    assert metrics.auc(labels, scores) == pytest.approx(reference.roc_auc_score(labels, scores))
    assert metrics.average_precision(labels, scores) == pytest.approx(reference.average_precision_score(labels, scores))
    assert metrics.log_loss(labels, chances) == pytest.approx(reference.log_loss(labels, chances))
    assert metrics.tpr_at_fpr(labels, scores, 0.1) == pytest.approx(tpr[fpr <= 0.1].max())
    assert metrics.eer(labels, scores) == pytest.approx(fpr[np.argmin(np.abs(fpr - (1 - tpr)))], abs=0.01)
    assert metrics.brier(labels, chances) == pytest.approx(reference.brier_score_loss(labels, chances))
    assert metrics.balanced_accuracy(labels, chances) == pytest.approx(
        reference.balanced_accuracy_score(labels, chances >= 0.5)
    )


def test_calibration_error_uses_the_bins_of_scikit_learn() -> None:
    labels, scores = noisy()
    chances = np.round(1 / (1 + np.exp(-scores)), 1)  # many on the edges of ten bins
    fakes, claimed = calibration_curve(labels, chances, n_bins=10)
    which = np.searchsorted(np.linspace(0, 1, 11)[1:-1], chances)
    weights = np.unique(which, return_counts=True)[1] / len(labels)
    assert metrics.calibration_error(labels, chances, bins=10) == pytest.approx(weights @ np.abs(fakes - claimed))


@given(labelled())
def test_ranking_ignores_monotone_transforms(arrays: Arrays) -> None:
    labels, scores = arrays
    for metric in (metrics.auc, metrics.average_precision, metrics.eer, metrics.tpr_at_fpr):
        assert metric(labels, scores) == metric(labels, np.exp(scores) * 3 - 7)


@given(labelled())
def test_turning_labels_and_scores_around_changes_nothing(arrays: Arrays) -> None:
    labels, scores = arrays
    assert metrics.auc(1 - labels, -scores) == pytest.approx(metrics.auc(labels, scores))
    assert metrics.eer(1 - labels, -scores) == pytest.approx(metrics.eer(labels, scores))
    assert metrics.auc(labels, -scores) == pytest.approx(1 - metrics.auc(labels, scores))


@given(labelled())
def test_order_does_not_matter(arrays: Arrays) -> None:
    labels, scores = arrays
    order = np.argsort(scores)
    chances = scores + 0.5
    for metric in (metrics.auc, metrics.eer, metrics.balanced_accuracy):
        assert metric(labels[order], scores[order]) == metric(labels, scores)
    claims: list[metrics.Metric] = [metrics.calibration_error, metrics.brier]
    for claim in claims:
        assert claim(labels[order], chances[order]) == pytest.approx(claim(labels, chances))
        assert 0 <= claim(labels, chances) <= 1


@pytest.mark.parametrize(
    "metric", [metrics.auc, metrics.eer, metrics.tpr_at_fpr, metrics.balanced_accuracy, metrics.brier]
)
@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([0, 0], [0.1, 0.2], "2 reals and 0 fakes"),
        ([1], [0.1], "0 reals and 1 fakes"),
        ([], [], "0 reals and 0 fakes"),
        ([0, 1], [0.1, float("nan")], "1 of 2 scores are not a number"),
        ([0, 2], [0.1, 0.2], "neither 0"),
        ([0, 1], [0.1], "one length"),
    ],
)
def test_says_what_is_wrong(metric: metrics.Metric, labels: list[int], scores: list[float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        metric(labels, scores)


@pytest.mark.parametrize(
    "call",
    [
        lambda: metrics.brier([0, 1], [-3.0, 3.0]),
        lambda: metrics.calibration_error([0, 1], [0.1, 0.2], bins=0),
        lambda: metrics.reliability([0, 1], [0.1, 0.2], bins=0),
        lambda: metrics.log_loss([0, 1], [-0.1, 0.2]),
        lambda: metrics.tpr_at_fpr([0, 1], [0, 1], 1.5),
        lambda: metrics.share(3, 2),
        lambda: metrics.bootstrap_mean(metrics.auc, []),
    ],
)
def test_refuses_impossible_arguments(call: Callable[[], object]) -> None:
    with pytest.raises(UsageError):
        call()


def test_bootstrap_holds_the_value_and_narrows_with_more_items() -> None:
    few, many = (metrics.bootstrap(metrics.auc, *noisy(count), resamples=300) for count in (100, 3000))
    for interval in (few, many):
        assert interval.low < interval.value < interval.high
    assert many.high - many.low < (few.high - few.low) / 3


def test_bootstrap_covers_the_truth() -> None:
    truth = 0.7602  # two normals, one standard deviation apart: Phi(1 / sqrt(2))
    hits = [metrics.bootstrap(metrics.auc, *noisy(200, seed), resamples=200, seed=seed) for seed in range(40)]
    assert sum(low <= truth <= high for _, low, high in hits) >= 34


def test_bootstrap_draws_the_classes_separately() -> None:
    labels = np.array([0.0] * 3 + [1.0] * 50)
    counts = metrics.bootstrap(lambda drawn, _: float(drawn.sum()), labels, np.arange(53.0))
    assert counts == (50, 50, 50)


def test_bootstrap_repeats_itself() -> None:
    assert metrics.bootstrap(metrics.eer, *noisy(), resamples=20) == metrics.bootstrap(
        metrics.eer, *noisy(), resamples=20
    )


def test_bootstrap_mean_is_narrower_than_its_parts() -> None:
    sets = [noisy(200, seed) for seed in range(5)]
    mean = metrics.bootstrap_mean(metrics.auc, sets, resamples=200)
    parts = [metrics.bootstrap(metrics.auc, *one, resamples=200) for one in sets]
    assert mean.value == pytest.approx(np.mean([part.value for part in parts]))
    assert mean.high - mean.low < min(part.high - part.low for part in parts)


def test_bootstrap_of_auc_is_fast() -> None:
    start = time.process_time()
    metrics.bootstrap(metrics.auc, *noisy(2000), resamples=1000)
    assert time.process_time() - start < 5  # takes 0.4 s on one idle core

"""How good scores are: pure functions on arrays, 1 is fake.

Everywhere, `labels` holds 0 (real) and 1 (fake), shape (N,); `scores` holds any finite or infinite numbers, shape (N,),
higher leans fake; `probabilities` are scores in [0, 1] that claim to be P(fake). NaN, other labels, unequal lengths
and a missing class raise `UsageError`: a figure over nothing would be a lie that looks like a number.

These are a few lines of numpy each, so that a bootstrap of them is fast; the tests compare them with scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unmask.errors import UsageError

Floats = NDArray[np.float64]
Metric = Callable[[Any, Any], float]

RESAMPLES: Final = 1000
SEED: Final = 0
LEVEL: Final = 0.95
"""Of every bootstrap interval, where nothing else is asked for."""

BINS: Final = 15
"""Of a calibration error, and of the reliability diagram that shows where it comes from."""


class Interval(NamedTuple):
    """A value and the ends of its interval."""

    value: float
    low: float
    high: float


def auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve: how often a fake scores above a real, ties counting half (Mann-Whitney U)."""
    reals, fakes = _by_class(labels, scores)
    reals, fakes = np.sort(reals), np.sort(fakes)
    below, up_to = np.searchsorted(reals, fakes, "left"), np.searchsorted(reals, fakes, "right")
    return float((below.sum() + up_to.sum()) / (2 * len(reals) * len(fakes)))


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float:
    """Mean precision over the fakes found, step by step down the scores: the area under the precision-recall curve.

    Nothing is interpolated (as scikit-learn's). Chance is the share of fakes, so it tells sets apart as well as models.
    """
    reals, fakes = _by_class(labels, scores)
    fpr, tpr = _roc(labels, scores)
    called = fpr * len(reals) + tpr * len(fakes)
    return float(np.sum(np.diff(tpr) * (tpr * len(fakes))[1:] / called[1:]))


def eer(labels: ArrayLike, scores: ArrayLike) -> float:
    """Equal error rate: where as many reals are called fake as fakes real, on the straight-line ROC curve."""
    fpr, tpr = _roc(labels, scores)
    return float(np.interp(0.0, fpr + tpr - 1, fpr))  # each step of the curve raises the sum, so it can be inverted


def tpr_at_fpr(labels: ArrayLike, scores: ArrayLike, fpr: float = 0.01) -> float:
    """Most fakes found by a threshold that at most a share `fpr` of reals reach.

    Only thresholds that exist count; nothing is interpolated. With fewer than 1 / fpr reals, none may reach it.
    """
    if not 0 <= fpr <= 1:
        raise UsageError(f"fpr is a share between 0 and 1, not {fpr}")
    reached, found = _roc(labels, scores)
    return float(found[reached <= fpr][-1])


def balanced_accuracy(labels: ArrayLike, scores: ArrayLike, threshold: float = 0.5) -> float:
    """Mean of the share of reals below the threshold and the share of fakes at or above it; chance is 0.5."""
    reals, fakes = _by_class(labels, scores)
    return float(((reals < threshold).mean() + (fakes >= threshold).mean()) / 2)


def calibration_error(labels: ArrayLike, probabilities: ArrayLike, bins: int = BINS) -> float:
    """Expected calibration error of P(fake), over bins of equal width.

    The items of a bin (k / bins, (k + 1) / bins] claim their mean probability and hold some share of fakes; the
    error is the mean distance of the two, weighted by items (Naeini et al. 2015, for one class as here; Guo et al.
    2017, arXiv:1706.04599, for the most likely of several). It depends on the share of fakes in the set: a
    calibration for equal classes is judged fairly on a set of roughly equal classes only.
    """
    truth, claimed = checked_probabilities(labels, probabilities)
    return float(np.abs(np.bincount(which_bin(claimed, bins), claimed - truth)).sum() / len(truth))


def which_bin(probabilities: Floats, bins: int = BINS) -> NDArray[np.int64]:
    """The number of each probability's bin, (k / bins, (k + 1) / bins] of equal width: int64 (N,)."""
    if bins < 1:
        raise UsageError(f"calibration is measured over at least one bin, not {bins}")
    return np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], probabilities, "left").astype(np.int64)


class Bin(NamedTuple):
    """One bin of a reliability diagram: the mean probability claimed, the share of fakes there, and how many items."""

    claimed: float
    fakes: Interval
    size: int


def reliability(labels: ArrayLike, probabilities: ArrayLike, bins: int = BINS) -> list[Bin]:
    """A reliability diagram: what is claimed against what is true, bin by bin (Niculescu-Mizil & Caruana 2005).

    Returns:
        The bins that hold anything, by rising probability, each with the Wilson interval of its share of fakes. The
        distances of `claimed` and `fakes.value`, weighted by `size`, are `calibration_error`.
    """
    truth, claimed = checked_probabilities(labels, probabilities)
    which = which_bin(claimed, bins)
    found = []
    for number in np.unique(which):
        inside = which == number
        size = int(inside.sum())
        found.append(Bin(float(claimed[inside].mean()), share(int(truth[inside].sum()), size), size))
    return found


def brier(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean squared distance of P(fake) from the truth (Brier 1950); 0.25 for always one half."""
    truth, claimed = checked_probabilities(labels, probabilities)
    return float(np.mean((claimed - truth) ** 2))


def log_loss(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean surprise in nats at the truth, given P(fake); ln 2 for always one half.

    A certain error would cost infinitely much; probabilities are kept a rounding error away from 0 and 1.
    """
    truth, claimed = checked_probabilities(labels, probabilities)
    return float(np.mean(surprise(truth, claimed)))


def surprise(truth: Floats, claimed: Floats) -> Floats:
    """What each item adds to the log loss: float64 (N,)."""
    least = np.finfo(np.float64).eps
    kept = np.clip(claimed, least, 1 - least)
    return -np.where(truth == 1, np.log(kept), np.log1p(-kept))


def bootstrap(
    metric: Metric,
    labels: ArrayLike,
    scores: ArrayLike,
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    level: float = LEVEL,
) -> Interval:
    """A metric with its percentile bootstrap interval (Efron & Tibshirani 1993).

    Reals and fakes are drawn separately, so every resample has the classes in the given numbers.
    """
    return bootstrap_mean(metric, [(labels, scores)], resamples=resamples, seed=seed, level=level)


def bootstrap_mean(
    metric: Metric,
    sets: Sequence[tuple[ArrayLike, ArrayLike]],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    level: float = LEVEL,
) -> Interval:
    """The mean of a metric over several sets, with the interval of that mean; each class of each set is redrawn."""
    if not sets or resamples < 1 or not 0 < level < 1:
        raise UsageError("a bootstrap needs at least one set, one resample and a level between 0 and 1")
    arrays = [checked(labels, scores) for labels, scores in sets]
    rng = np.random.default_rng(seed)
    draws = np.empty((len(arrays), resamples))
    for row, (labels, scores) in zip(draws, arrays, strict=True):
        reals, fakes = np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)
        for i in range(resamples):
            drawn = np.concatenate([of[rng.integers(0, len(of), len(of))] for of in (reals, fakes)])
            row[i] = metric(labels[drawn], scores[drawn])
    value = float(np.mean([metric(labels, scores) for labels, scores in arrays]))
    low, high = np.quantile(draws.mean(axis=0), [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high))


def share(count: int, of: int, z: float = 1.96) -> Interval:
    """A share with its Wilson score interval (Wilson 1927), 95 % for z = 1.96.

    Not a bootstrap: that would call 0 of 20 a certain zero.
    """
    if not 0 <= count <= of or of == 0:
        raise UsageError(f"{count} of {of} is no share")
    value, room = count / of, z * z / of
    centre = (value + room / 2) / (1 + room)
    half = z * float(np.sqrt(value * (1 - value) / of + room / of / 4)) / (1 + room)
    return Interval(value, max(0.0, min(centre - half, value)), min(1.0, max(centre + half, value)))


def _roc(labels: ArrayLike, scores: ArrayLike) -> tuple[Floats, Floats]:
    """Shares of reals and of fakes at or above each threshold, from none to all; equal scores make one step."""
    reals, fakes = _by_class(labels, scores)
    thresholds = np.unique(np.concatenate([reals, fakes]))[::-1]
    counts = [len(group) - np.searchsorted(np.sort(group), thresholds, "left") for group in (reals, fakes)]
    fpr, tpr = (np.concatenate([[0.0], n / len(group)]) for n, group in zip(counts, (reals, fakes), strict=True))
    return fpr, tpr


def _by_class(labels: ArrayLike, scores: ArrayLike) -> tuple[Floats, Floats]:
    truth, values = checked(labels, scores)
    return values[truth == 0], values[truth == 1]


def checked_probabilities(labels: ArrayLike, probabilities: ArrayLike) -> tuple[Floats, Floats]:
    """Labels and probabilities as float64 (N,) each; refused where they cannot be measured."""
    truth, values = checked(labels, probabilities)
    if values.min() < 0 or values.max() > 1:
        raise UsageError("a probability lies outside of 0 to 1; logits must be calibrated first")
    return truth, values


def checked(labels: ArrayLike, scores: ArrayLike) -> tuple[Floats, Floats]:
    """Labels and scores as float64 (N,) each; refused where they cannot be measured."""
    truth, values = np.asarray(labels, np.float64), np.asarray(scores, np.float64)
    if truth.ndim != 1 or truth.shape != values.shape:
        raise UsageError(f"labels and scores must be two lists of one length, not {truth.shape} and {values.shape}")
    if np.isnan(values).any():
        raise UsageError(f"{int(np.isnan(values).sum())} of {len(values)} scores are not a number")
    reals, fakes = int((truth == 0).sum()), int((truth == 1).sum())
    if reals + fakes != len(truth):
        raise UsageError("a label is neither 0 (real) nor 1 (fake)")
    if not reals or not fakes:
        raise UsageError(f"there are {reals} reals and {fakes} fakes; a metric needs both")
    return truth, values

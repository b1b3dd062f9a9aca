"""Every measure of a set of scores with its bootstrap interval, from one set of redraws.

Redrawing items is counting how often each was drawn. With the items sorted once, a thousand redraws are a thousand
rows of counts, and each measure a few sums along them: this takes a fraction of a second where a loop over
`metrics.bootstrap` takes minutes. The redraws are the same as there, item for item, and so are the intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unmask import metrics
from unmask.confusion import HALF, Confusion, weighed
from unmask.errors import UsageError
from unmask.metrics import LEVEL, RESAMPLES, SEED, Floats, Interval

Counts = NDArray[np.float64]
"""How often each item was drawn: shape (R, N)."""

FPRS: Final = (0.001, 0.01, 0.05)
"""Shares of reals called fake at which the fakes found are counted."""

_CELLS: Final = 2**21
"""Counts worked on at a time: 16 MB, whatever the size of the set."""


@dataclass(frozen=True)
class Set:
    """What is measured: labels, scores to rank by, and calibrated probabilities, float64 (N,) each."""

    truth: Floats
    scores: Floats
    claimed: Floats

    @classmethod
    def of(cls, labels: ArrayLike, scores: ArrayLike, probabilities: ArrayLike) -> Set:
        """The same, checked.

        Raises:
            UsageError: As for the functions of `metrics`.
        """
        truth, ranked = metrics.checked(labels, scores)
        return cls(truth, ranked, metrics.checked_probabilities(labels, probabilities)[1])


def every(
    items: Set, *, threshold: float = HALF, resamples: int = RESAMPLES, seed: int = SEED, level: float = LEVEL
) -> dict[str, Interval]:
    """All measures by name, each with its percentile interval; reals and fakes are redrawn separately.

    Args:
        items: What to measure.
        threshold: Probabilities at or above it are called fake.
        resamples: Redraws.
        seed: Of the redraws.
        level: Share of the redraws inside an interval.
    """
    return intervals(
        items.truth, lambda counts: measures(items, counts, threshold), resamples=resamples, seed=seed, level=level
    )


def measures(items: Set, counts: Counts, threshold: float = HALF) -> dict[str, Floats]:
    """All measures by name, of items that count several times: shape (R,) each for counts (R, N)."""
    calls = weighed(items.truth, items.claimed >= threshold, counts)
    thresholded = {name: of(calls) for name, of in _THRESHOLDED.items()}
    return {**_ranking(items, counts), **thresholded, **_claims(items, counts), **_matrix(calls)}


def intervals(
    truth: Floats,
    measure: Callable[[Counts], Mapping[str, Floats]],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    level: float = LEVEL,
) -> dict[str, Interval]:
    """Any measures of weighed items, with their percentile intervals.

    Args:
        truth: Labels, shape (N,).
        measure: From counts (R, N) to values (R,) by name.
        resamples: Redraws.
        seed: Of the redraws.
        level: Share of the redraws inside an interval.

    Raises:
        UsageError: No resample, or a level outside 0 to 1.
    """
    if resamples < 1 or not 0 < level < 1:
        raise UsageError("a bootstrap needs at least one resample and a level between 0 and 1")
    values = measure(np.ones((1, len(truth))))
    drawn = [measure(counts) for counts in redraws(truth, resamples, seed)]
    ends = [(1 - level) / 2, (1 + level) / 2]
    found = {}
    for name, value in values.items():
        low, high = np.quantile(np.concatenate([part[name] for part in drawn]), ends)
        found[name] = Interval(float(value[0]), float(low), float(high))
    return found


def redraws(truth: Floats, resamples: int = RESAMPLES, seed: int = SEED) -> Iterator[Counts]:
    """How often each item is drawn, many redraws at a time: shape (up to R, N); the draws of `metrics.bootstrap`."""
    rng = np.random.default_rng(seed)
    classes = [np.flatnonzero(truth == label) for label in (0, 1)]
    step = max(1, _CELLS // len(truth))
    for start in range(0, resamples, step):
        counts = np.empty((min(step, resamples - start), len(truth)))
        for row in counts:
            drawn = np.concatenate([members[rng.integers(0, len(members), len(members))] for members in classes])
            row[:] = np.bincount(drawn, minlength=len(truth))
        yield counts


def auc(truth: Floats, scores: Floats, counts: Counts) -> Floats:
    """`metrics.auc` of each redraw: shape (R,)."""
    fpr, tpr = curve(truth, scores, counts)
    return _area(fpr, tpr)


def _ranking(items: Set, counts: Counts) -> dict[str, Floats]:
    fpr, tpr = curve(items.truth, items.scores, counts)
    fakes = counts[:, items.truth == 1].sum(axis=1)
    reals = counts[:, items.truth == 0].sum(axis=1)
    found, called = tpr * fakes[:, None], fpr * reals[:, None] + tpr * fakes[:, None]
    # Before the first drawn item nothing is called and nothing gained, so any divisor will do.
    precision = found[:, 1:] / np.maximum(called[:, 1:], 1)
    measures = {
        "AUC": _area(fpr, tpr),
        "average precision": (np.diff(tpr) * precision).sum(axis=1),
        "equal error rate": _equal_error(fpr, tpr),
    }
    for most in FPRS:
        last = (fpr <= most).sum(axis=1) - 1  # the curve only climbs
        measures[f"TPR at {most * 100:g} % FPR"] = tpr[np.arange(len(tpr)), last]
    return measures


def curve(truth: Floats, scores: Floats, counts: Counts) -> tuple[Floats, Floats]:
    """Shares of reals and fakes at or above each threshold, from none to all: shape (R, T + 1)."""
    order = np.argsort(-scores, kind="stable")
    ranked, labels, drawn = scores[order], truth[order], counts[:, order]
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # equal scores make one step
    shares = []
    for label in (0, 1):
        reached = np.cumsum(drawn * (labels == label), axis=1)[:, ends]
        shares.append(np.hstack([np.zeros((len(counts), 1)), reached / reached[:, -1:]]))
    return shares[0], shares[1]


def _area(fpr: Floats, tpr: Floats) -> Floats:
    return np.asarray((np.diff(fpr) * (tpr[:, 1:] + tpr[:, :-1]) / 2).sum(axis=1))


def _equal_error(fpr: Floats, tpr: Floats) -> Floats:
    """Where fpr + tpr reaches 1, on the straight line between two thresholds."""
    height = fpr + tpr - 1
    rows, after = np.arange(len(height)), np.maximum((height < 0).sum(axis=1), 1)
    low, high = height[rows, after - 1], height[rows, after]
    way = np.where(high > low, -low / np.where(high > low, high - low, 1), 0)
    return np.asarray(fpr[rows, after - 1] + way * (fpr[rows, after] - fpr[rows, after - 1]))


def _claims(items: Set, counts: Counts) -> dict[str, Floats]:
    """Measures of the probabilities themselves."""
    of, gap = counts.sum(axis=1), items.claimed - items.truth
    which = metrics.which_bin(items.claimed)
    errors = [np.abs(counts[:, which == number] @ gap[which == number]) for number in np.unique(which)]
    return {
        "log loss": counts @ metrics.surprise(items.truth, items.claimed) / of,
        f"expected calibration error, {metrics.BINS} bins": np.sum(errors, axis=0) / of,
        "Brier score": counts @ gap**2 / of,
    }


def _matrix(calls: Confusion) -> dict[str, Floats]:
    return {name: of(calls) for name, of in _COUNTED.items()}


_THRESHOLDED: Final[Mapping[str, Callable[[Confusion], Floats]]] = MappingProxyType(
    {
        "accuracy": lambda calls: calls.accuracy,
        "balanced accuracy": lambda calls: calls.balanced_accuracy,
        "precision of fake": lambda calls: calls.precision_of_fake,
        "recall of fake": lambda calls: calls.recall_of_fake,
        "F1 of fake": lambda calls: calls.f1_of_fake,
        "precision of real": lambda calls: calls.precision_of_real,
        "recall of real": lambda calls: calls.recall_of_real,
        "F1 of real": lambda calls: calls.f1_of_real,
        "macro precision": lambda calls: calls.macro_precision,
        "macro recall": lambda calls: calls.balanced_accuracy,
        "macro F1": lambda calls: calls.macro_f1,
    }
)

_COUNTED: Final[Mapping[str, Callable[[Confusion], Floats]]] = MappingProxyType(
    {
        "reals called real": lambda calls: calls.reals_called_real,
        "reals called fake": lambda calls: calls.reals_called_fake,
        "fakes called real": lambda calls: calls.fakes_called_real,
        "fakes called fake": lambda calls: calls.fakes_called_fake,
    }
)

COUNTS: Final = tuple(_COUNTED)
"""The names of the measures that are counts, the cells of the confusion matrix; all others are between 0 and 1, but
for the log loss."""

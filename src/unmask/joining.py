"""How detectors are joined: calibrations, weights and thresholds, each fitted on files the step before had not seen.

A joint calibration that is fitted on the very files its members were calibrated on believes them too much. So the
members are calibrated without a fold of the files, and applied to that fold; what they say there, out of fold, is what
weights, joint calibration and thresholds are fitted on (stacking, Wolpert 1992). In the end the members are calibrated
on all files.

Where members have a least that they count, another scale is needed: how far a score lies from those of real photos,
in their standard deviation. The other one depends on how well a member tells the fakes of the set, and a specialist for
what the set hardly holds would never be heard.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Final

import numpy as np
from numpy.typing import NDArray

from unmask import calibrate, metrics, resampling, thresholding
from unmask.card import Calibration, Thresholds
from unmask.errors import UsageError
from unmask.metrics import Floats, Interval
from unmask.resampling import Counts

FOLDS: Final = 5

WEIGHT_SPREAD: Final = 0.25
"""How far a member's coefficient is expected to lie from the mean of all, before anything is measured."""

Weigh = Callable[[Floats, Floats], Floats]
"""From labels (N,) and calibrated logits (N, M) to the members' weights (M,), which add up to 1."""


@dataclass(frozen=True, eq=False)
class Said:
    """What detectors made of labelled files.

    Attributes:
        labels: 0 or 1, float64 (N,).
        logits: Pooled logits, float64 (N, M); NaN where a detector could not judge.
        groups: For each file what it shares with others that show the same person; its own name where nothing.
        sources: Of each file, for promises about each; empty where they are not known.
    """

    labels: Floats
    logits: Floats
    groups: tuple[str, ...]
    sources: tuple[str, ...] = ()

    @property
    def by_all(self) -> NDArray[np.bool_]:
        """Which files every detector could judge: (N,)."""
        return np.asarray(~np.isnan(self.logits).any(axis=1))

    def only(self, rows: NDArray[np.bool_], columns: Sequence[int] | None = None) -> Said:
        """Some of the files, and of the detectors."""
        kept = self.logits[rows] if columns is None else self.logits[rows][:, list(columns)]
        return Said(self.labels[rows], kept, tuple(compress(self.groups, rows)), tuple(compress(self.sources, rows)))


@dataclass(frozen=True, eq=False)
class Joint:
    """How some detectors decide together.

    Attributes:
        calibrations: Of each, fitted on all files that it could judge.
        leasts: The least that each counts, (M,), -inf where there is none.
        weights: Of each in the mean of the calibrated logits, (M,), adding up to 1.
        calibration: Of that mean, fitted out of fold.
        thresholds: Chosen out of fold.
        folds: Into how many parts the files were dealt; 0 where they were too few, and all was fitted on all.
    """

    calibrations: tuple[Calibration, ...]
    leasts: Floats
    weights: Floats
    calibration: Calibration
    thresholds: Thresholds
    folds: int

    def probabilities(self, logits: Floats) -> Floats:
        """Of fake, for the logits (N, M) of files: (N,)."""
        return _sigmoid(applied(self.calibration, _calibrated(self.calibrations, logits, self.leasts) @ self.weights))


@dataclass(frozen=True)
class Contest:
    """Learned weights against equal ones, on files that neither had seen; the log loss counts both classes the same.

    Attributes:
        measures: By name, for equal and learned weights.
        saved: Log loss of equal weights less that of learned ones.
    """

    measures: dict[str, tuple[Interval, Interval]]
    saved: Interval

    @property
    def learned_win(self) -> bool:
        """Whether learned weights are clearly better: the whole interval says so, and they rank no worse."""
        equal, learned = (one.value for one in self.measures["AUC"])
        return self.saved.low > 0 and learned >= equal


def fit(said: Said, set_name: str, weigh: Weigh, leasts: Sequence[float | None] = ()) -> Joint:
    """Fit everything that lets detectors decide together.

    Args:
        said: What they made of the calibration set.
        set_name: What that is called.
        weigh: `equal`, `learned` or `fixed`.
        leasts: The least that each counts, None where all that it says does; empty where there is none, and the
            members are calibrated as probabilities.

    Raises:
        UsageError: A class is missing among the files that all could judge, or no threshold can keep its promise.
    """
    by_reals = bool(leasts)
    least = np.array([-np.inf if one is None else one for one in leasts or [None] * said.logits.shape[1]])
    members = _each(said, set_name, by_reals)
    dealt = folds(said)
    if dealt is None:
        unseen = _calibrated(members, said.logits, least)
    else:
        unseen = np.full_like(said.logits, np.nan)
        for number in np.unique(dealt):
            inside = dealt == number
            unseen[inside] = _calibrated(_each(said.only(~inside), set_name, by_reals), said.logits[inside], least)
    labels, logits = said.labels[said.by_all], unseen[said.by_all]
    weights = weigh(labels, logits)
    mean = logits @ weights
    calibration = calibrate.fit(labels, mean, set_name)
    sources = tuple(compress(said.sources, said.by_all))
    thresholds = thresholding.choose(labels, _sigmoid(applied(calibration, mean)), sources)
    return Joint(members, least, weights, calibration, thresholds, 0 if dealt is None else int(dealt.max()) + 1)


def contest(said: Said, set_name: str, leasts: Sequence[float | None] = ()) -> Contest | None:
    """Fit with equal and with learned weights on all folds but one, apply to that one, and compare.

    Returns:
        Measures with 95 % intervals, for which groups of files are redrawn together; None where the files are too few.

    Raises:
        UsageError: As for `fit`.
    """
    dealt = folds(said)
    if dealt is None:
        return None
    judged = said.by_all
    claimed = np.full((2, len(said.labels)), np.nan)
    for number in np.unique(dealt):
        outside, asked = dealt != number, (dealt == number) & judged
        for row, weigh in zip(claimed, (equal, learned), strict=True):
            row[asked] = fit(said.only(outside), set_name, weigh, leasts).probabilities(said.logits[asked])
    labels, by_equal, by_learned = said.labels[judged], *claimed[:, judged]
    counts = np.concatenate([np.ones((1, len(labels))), redraws(said.only(judged))])
    losses = [log_loss(labels, values, counts) for values in (by_equal, by_learned)]
    ranks = [resampling.auc(labels, values, counts) for values in (by_equal, by_learned)]
    measures = {"AUC": ranks, "log loss": losses}
    return Contest(
        {name: (interval(one), interval(other)) for name, (one, other) in measures.items()},
        interval(losses[0] - losses[1]),
    )


def equal(labels: Floats, logits: Floats) -> Floats:
    """All members weigh the same."""
    return np.full(logits.shape[1], 1 / logits.shape[1])


def fixed(weights: Sequence[float]) -> Weigh:
    """Weights that were chosen before."""
    return lambda labels, logits: np.asarray(weights, np.float64)


def learned(labels: Floats, logits: Floats) -> Floats:
    """Weights of a logistic regression on the members' calibrated logits, none negative, drawn towards each other.

    The ridge is on their distances from their mean and not on their size, so few files, or members that say the same,
    give equal weights.
    """
    members = logits.shape[1]
    target, weight = calibrate.soft_targets(labels)
    ridge = np.zeros((members + 1, members + 1))
    ridge[:members, :members] = (np.eye(members) - 1 / members) / (len(labels) * WEIGHT_SPREAD**2)
    design = np.column_stack([logits, np.ones(len(logits))])
    found = calibrate.logistic(design, target, weight, ridge, range(members))[:members]
    return found / found.sum() if found.sum() > 0 else equal(labels, logits)


def folds(said: Said) -> NDArray[np.int64] | None:
    """In which part each file is, from 0: (N,). Groups stay whole, classes are spread evenly, and no order matters.

    Returns:
        Up to five parts; None where a class has too few groups to set one aside and learn from the others.
    """
    of = np.array(said.groups, dtype=object)
    judged = said.by_all
    sizes = [len(set(of[judged & (said.labels == label)])) for label in (0, 1)]
    count = min(FOLDS, *sizes)
    if count < 2:
        return None
    taken = np.zeros((count, 2))
    fold_of: dict[str, int] = {}
    holds = Counter(zip(of, said.labels, strict=True))
    for name in sorted(set(of), key=lambda name: hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()):
        brings = np.array([holds[name, label] for label in (0.0, 1.0)])
        fold_of[name] = int(np.argmin(taken @ brings))
        taken[fold_of[name]] += brings
    dealt = np.array([fold_of[name] for name in of], np.int64)
    learnable = all(len(set(said.labels[judged & (dealt != number)])) == 2 for number in range(count))
    return dealt if learnable else None


def applied(calibration: Calibration, logits: Floats) -> Floats:
    """`fuse.calibrated_logit` of many."""
    return np.asarray((logits - calibration.bias) / calibration.temperature)


def _each(said: Said, set_name: str, by_reals: bool) -> tuple[Calibration, ...]:
    """The calibration of each detector, on the files that it could judge."""
    fit_one = calibrate.against_reals if by_reals else calibrate.fit
    return tuple(
        fit_one(said.labels[there], column[there], set_name)
        for column in said.logits.T
        for there in [~np.isnan(column)]
    )


def _calibrated(calibrations: Sequence[Calibration], logits: Floats, leasts: Floats) -> Floats:
    columns = [applied(one, column) for one, column in zip(calibrations, logits.T, strict=True)]
    return np.asarray(np.maximum(np.stack(columns, axis=1), leasts))  # NaN, who could not judge, stays


def _sigmoid(logits: Floats) -> Floats:
    return np.asarray(np.exp(-np.logaddexp(0, -logits)))


def redraws(said: Said) -> Counts:
    """How often each file is drawn where whole groups are, those with a fake apart from those without: (R, N)."""
    of = np.array(said.groups, dtype=object)
    names, index = np.unique(of.astype(str), return_inverse=True)
    with_fakes = np.bincount(index, said.labels, len(names)) > 0
    rng = np.random.default_rng(metrics.SEED)
    drawn = np.zeros((metrics.RESAMPLES, len(names)))
    for members in (np.flatnonzero(~with_fakes), np.flatnonzero(with_fakes)):
        if len(members):
            share = np.full(len(members), 1 / len(members))
            drawn[:, members] = rng.multinomial(len(members), share, metrics.RESAMPLES)
    return drawn[:, index]


def log_loss(labels: Floats, claimed: Floats, counts: Counts) -> Floats:
    """Mean surprise of probabilities (N,), both classes counting the same, for each redraw of counts (R, N): (R,)."""
    surprise = metrics.surprise(labels, claimed)
    of_class = [counts * (labels == label) for label in (0, 1)]
    return np.asarray(np.mean([one @ surprise / np.maximum(one.sum(axis=1), 1) for one in of_class], axis=0))


def interval(values: Floats) -> Interval:
    """The first is the value itself, the others are of redraws."""
    low, high = np.quantile(values[1:], [(1 - metrics.LEVEL) / 2, (1 + metrics.LEVEL) / 2])
    return Interval(float(values[0]), float(low), float(high))


def checked(
    labels: Sequence[int],
    logits: Sequence[Sequence[float | None]],
    groups: Sequence[str],
    sources: Sequence[str] = (),
) -> Said:
    """The same from plain lists, None where a detector could not judge.

    Raises:
        UsageError: The lists differ in length.
    """
    if not len(labels) == len(logits) == len(groups):
        raise UsageError(
            f"{len(labels)} labels, {len(logits)} rows of logits and {len(groups)} groups do not belong together"
        )
    cells = [[np.nan if cell is None else cell for cell in row] for row in logits]
    return Said(np.array(labels, np.float64), np.array(cells, np.float64), tuple(groups), tuple(sources))

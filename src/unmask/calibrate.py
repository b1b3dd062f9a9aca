"""From logits to probabilities and labels: fitted on a calibration set, and on nothing else.

Probability here means: P(fake) where real and fake are equally likely (prior one half). Whoever expects one fake in a
thousand must correct for that; we cannot know it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unmask.card import Calibration, Thresholds
from unmask.errors import UsageError

REALS_CALLED_FAKE: Final = 0.01
"""Largest share of real items of the calibration set that may reach `fake_above`."""

FAKES_CALLED_REAL: Final = 0.05
"""Largest share of fake items of the calibration set that may lie at or under `real_below`."""

_LEAST_SLOPE: Final = 1e-3  # per standard deviation of the logits: as good as "this detector knows nothing"
_LEAST_SPREAD: Final = 1e-9
_STEPS: Final = 100

Floats = NDArray[np.float64]


def fit(labels: ArrayLike, logits: ArrayLike, set_name: str) -> Calibration:
    """Fit temperature and bias by maximum likelihood (Platt 1999), both classes weighing the same.

    The targets are Platt's (n + 1) / (n + 2) rather than 1, so classes that separate perfectly still get a finite
    temperature: n items of a class cannot support a claim stronger than that. A detector that ranks backwards on
    the set gets so high a temperature that it always says one half.

    Args:
        labels: 0 or 1, shape (N,).
        logits: Raw pooled scores, shape (N,), finite.
        set_name: What the set is called in the card ("val of faces").

    Raises:
        UsageError: A class is missing, a logit is not finite, or all logits are the same.
    """
    truth, values = np.asarray(labels, np.float64), np.asarray(logits, np.float64)
    reals, fakes = _split(truth, values)
    spread = float(values.std())
    if spread < _LEAST_SPREAD:
        raise UsageError("all logits are the same; there is nothing to calibrate")
    centre = float(reals.mean() + fakes.mean()) / 2
    target, weight = soft_targets(truth)
    design = np.stack([(values - centre) / spread, np.ones_like(values)], axis=1)
    slope, intercept = logistic(design, target, weight)
    if slope < _LEAST_SLOPE:
        slope, intercept = _LEAST_SLOPE, 0.0
    temperature = spread / slope
    return Calibration(
        set=set_name,
        temperature=temperature,
        bias=centre - intercept * temperature,
        reals=len(reals),
        fakes=len(fakes),
    )


def against_reals(labels: ArrayLike, logits: ArrayLike, set_name: str) -> Calibration:
    """Put logits on the scale of the real items: their mean becomes 0 and their standard deviation 1.

    What it gives are no logits of a probability. It asks how unusual a score is for something real, which needs no fake
    to be known, so detectors of what the set does not hold are not made small for that.

    Args:
        labels: 0 or 1, shape (N,).
        logits: Raw pooled scores, shape (N,), finite.
        set_name: As for `fit`.

    Raises:
        UsageError: A class is missing, a logit is not finite, or all real items have the same.
    """
    reals, fakes = _split(np.asarray(labels, np.float64), np.asarray(logits, np.float64))
    spread = float(reals.std())
    if spread < _LEAST_SPREAD:
        raise UsageError("all real items have the same logit; there is nothing to measure others by")
    return Calibration(set=set_name, temperature=spread, bias=float(reals.mean()), reals=len(reals), fakes=len(fakes))


def choose(labels: ArrayLike, probabilities: ArrayLike) -> Thresholds:
    """Choose the thresholds between which a verdict is uncertain.

    `fake_above` is the smallest number that at most 1 % of reals reach, but not under one half; `real_below` the
    largest at or under which at most 5 % of fakes lie, but not over one half. So nobody reads "fake, probability
    0.3", the two never cross, and where the classes separate both are one half: the set leaves nothing uncertain.
    One in a hundred of fewer than 100 reals is none.

    Raises:
        UsageError: A class is missing, a value is no probability, or no threshold can keep the promise because too
            many reals score exactly 1 or too many fakes exactly 0.
    """
    truth, values = np.asarray(labels, np.float64), np.asarray(probabilities, np.float64)
    reals, fakes = (np.sort(group) for group in _split(truth, values))
    if min(reals[0], fakes[0]) < 0 or max(reals[-1], fakes[-1]) > 1:
        raise UsageError("a probability lies outside of 0 to 1; calibrate first")
    highest_below = reals[len(reals) - 1 - math.floor(REALS_CALLED_FAKE * len(reals))]
    lowest_above = fakes[math.floor(FAKES_CALLED_REAL * len(fakes))]
    if highest_below >= 1 or lowest_above <= 0:
        raise UsageError("too many reals score exactly 1, or fakes exactly 0, for any threshold to keep them apart")
    fake_above = max(0.5, float(np.nextafter(highest_below, 2)))
    real_below = min(0.5, float(np.nextafter(lowest_above, -1)))
    return Thresholds(
        fake_above=fake_above,
        real_below=real_below,
        chosen=_sentence(reals, fakes, fake_above, real_below),
        reals_called_fake=float((reals >= fake_above).mean()),
        fakes_called_real=float((fakes <= real_below).mean()),
    )


def choose_for_each(labels: ArrayLike, probabilities: ArrayLike, kinds: Sequence[str]) -> Thresholds:
    """Choose as `choose` does, so that its promise holds for each kind of items by itself.

    Where most of a set was made, what was collected would count for nothing in a promise about all.

    Args:
        labels: 0 or 1, shape (N,).
        probabilities: Calibrated, shape (N,).
        kinds: Of each item; a kind that lacks a class is passed over.

    Raises:
        UsageError: As for `choose`.
    """
    truth, values, kind_of = np.asarray(labels, np.float64), np.asarray(probabilities, np.float64), np.asarray(kinds)
    whole = choose(truth, values)
    parts = {
        kind: choose(truth[mine], values[mine])
        for kind in sorted(set(kinds))
        if len(set(truth[mine := kind_of == kind])) == 2
    }
    if len(parts) < 2:
        return whole
    fake_above = max(one.fake_above for one in parts.values())
    real_below = min(one.real_below for one in parts.values())
    reals, fakes = (np.sort(group) for group in _split(truth, values))
    chosen = _sentence(reals, fakes, fake_above, real_below)
    counts = ", ".join(f"{(truth[kind_of == kind] == 1).sum():.0f} {kind} fakes" for kind in parts)
    return Thresholds(
        fake_above=fake_above,
        real_below=real_below,
        chosen=f"{chosen}; both hold for each kind by itself ({counts})",
        reals_called_fake=float((reals >= fake_above).mean()),
        fakes_called_real=float((fakes <= real_below).mean()),
    )


def choose_by_risk(labels: ArrayLike, probabilities: ArrayLike, most: float, sure: float | None = None) -> Thresholds:
    """Choose the narrowest band of uncertainty that leaves few errors among the verdicts outside it.

    The verdict on a file is on the side of one half that its probability lies on, and the least sure are withheld: the
    band is as wide on one side of one half as on the other. Unlike `choose`, this promises something about those who
    get a verdict, of either kind, and depends on how many of the set are fake.

    Args:
        labels: 0 or 1, shape (N,).
        probabilities: Calibrated, shape (N,).
        most: Largest share of errors among the verdicts.
        sure: None takes that share as it is on the set. A probability, such as 0.95, makes it hold that probably for
            all files that come from where the set does (Geifman & El-Yaniv 2017, arXiv:1705.08500, algorithm 1).

    Raises:
        UsageError: A class is missing, a value is no probability, or even the surest verdicts err more often.
    """
    truth, values = np.asarray(labels, np.float64), np.asarray(probabilities, np.float64)
    reals, fakes = _split(truth, values)
    if values.min() < 0 or values.max() > 1:
        raise UsageError("a probability lies outside of 0 to 1; calibrate first")
    distance = np.abs(values - 0.5)
    order = np.argsort(-distance, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(distance[order]) != 0, True))  # files that are equally sure go together
    counts = ends + 1
    errors = np.cumsum(((values >= 0.5) != (truth == 1))[order])[ends]
    last = _largest_within(errors, counts, most) if sure is None else _guaranteed(errors, counts, most, sure)
    if last is None:
        raise UsageError(f"no band keeps the errors below {most:.1%}: too few files are judged surely and rightly")
    half = float(distance[order][ends[last]])
    return Thresholds(
        fake_above=0.5 + half,
        real_below=0.5 - half,
        chosen=f"on the calibration set, {errors[last]} of the {counts[last]} verdicts outside the band are wrong "
        f"({_promise(most, sure)}), and {len(truth) - counts[last]} of {len(truth)} files lie inside it",
        reals_called_fake=float((reals >= 0.5 + half).mean()),
        fakes_called_real=float((fakes <= 0.5 - half).mean()),
    )


def _promise(most: float, sure: float | None) -> str:
    return f"at most {most:.1%} may be" + ("" if sure is None else f", for all such files with probability {sure:g}")


def _largest_within(errors: NDArray[np.int64], counts: NDArray[np.int64], most: float) -> int | None:
    within = np.flatnonzero(errors <= most * counts)
    return int(within[-1]) if len(within) else None


def _guaranteed(errors: NDArray[np.int64], counts: NDArray[np.int64], most: float, sure: float) -> int | None:
    """A binary search, because each place that is looked at costs some of the doubt that is allowed."""
    steps = math.ceil(math.log2(len(counts))) + 1
    low, high, found = 0, len(counts) - 1, None
    while low <= high:
        middle = (low + high) // 2
        if _surely_below(int(errors[middle]), int(counts[middle]), most, (1 - sure) / steps):
            found, low = middle, middle + 1
        else:
            high = middle - 1
    return found


def _surely_below(errors: int, count: int, share: float, doubt: float) -> bool:
    """Whether so few errors would be seen with a probability below `doubt` if the true share were `share`."""
    if not 0 < share < 1:
        return share >= 1
    seen = np.arange(errors + 1)
    choose_log = [math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1) for k in seen]
    return float(np.exp(choose_log + seen * math.log(share) + (count - seen) * math.log1p(-share)).sum()) <= doubt


def _sentence(reals: Floats, fakes: Floats, fake_above: float, real_below: float) -> str:
    called_fake, called_real = int((reals >= fake_above).sum()), int((fakes <= real_below).sum())
    found = int((fakes >= fake_above).sum())
    return (
        f"on the calibration set, {called_fake} of {len(reals)} reals reach {fake_above:.3f} "
        f"(at most {REALS_CALLED_FAKE:.0%} may), as do {found} of {len(fakes)} fakes; "
        f"{called_real} of {len(fakes)} fakes lie at or under {real_below:.3f} (at most {FAKES_CALLED_REAL:.0%} may)"
    )


def _split(truth: Floats, values: Floats) -> tuple[Floats, Floats]:
    if truth.ndim != 1 or truth.shape != values.shape:
        raise UsageError(f"labels and scores must be two lists of one length, not {truth.shape} and {values.shape}")
    if not np.isfinite(values).all():
        raise UsageError(f"{int((~np.isfinite(values)).sum())} of {len(values)} scores are not finite")
    reals, fakes = values[truth == 0], values[truth == 1]
    if not len(reals) or not len(fakes) or len(reals) + len(fakes) != len(truth):
        raise UsageError(f"of {len(truth)} labels {len(reals)} are 0 and {len(fakes)} are 1; both are needed, no other")
    return reals, fakes


def soft_targets(truth: Floats) -> tuple[Floats, Floats]:
    """Platt's targets, (n + 1) / (n + 2) and 1 / (n + 2), and weights that make both classes count the same: (N,) each.

    Args:
        truth: 0 or 1, shape (N,), both there.
    """
    fake = truth == 1
    fakes, reals = int(fake.sum()), int((~fake).sum())
    target = np.where(fake, (fakes + 1) / (fakes + 2), 1 / (reals + 2))
    return target, np.where(fake, 0.5 / fakes, 0.5 / reals)


def logistic(
    design: Floats, target: Floats, weight: Floats, ridge: Floats | None = None, nonnegative: Sequence[int] = ()
) -> Floats:
    """The coefficients of a logistic curve through soft targets, shape (P,), by Newton's method.

    The loss is convex and, with targets inside 0 to 1, its minimum finite; halving keeps each step downhill.
    Coefficients that must not be negative and want to be stay at 0 for the step (Bertsekas 1982).

    Args:
        design: One row for each item, shape (N, P).
        target: Between 0 and 1, shape (N,).
        weight: Of each item, shape (N,).
        ridge: Half its quadratic form is added to the loss, shape (P, P); nothing when None.
        nonnegative: Which coefficients must not be negative.
    """
    width = design.shape[1]
    penalty = np.zeros((width, width)) if ridge is None else ridge
    bounded = np.isin(np.arange(width), nonnegative)

    def loss(line: Floats) -> float:
        z = design @ line
        return float(weight @ (np.logaddexp(0, z) - target * z) + line @ penalty @ line / 2)

    line = np.zeros(width)
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(design @ line, -500, 500)))
        gradient = design.T @ (weight * (p - target)) + penalty @ line
        curvature = (design * (weight * p * (1 - p))[:, None]).T @ design + penalty + 1e-12 * np.eye(width)
        free = ~(bounded & (line <= 0) & (gradient > 0))
        step = np.zeros(width)
        step[free] = np.linalg.solve(curvature[np.ix_(free, free)], gradient[free])
        moved = _moved(line, step, bounded)
        while loss(moved) > loss(line) and np.abs(step).max() > 1e-12:
            step = step / 2
            moved = _moved(line, step, bounded)
        done = np.abs(moved - line).max() < 1e-10
        line = moved
        if done:
            break
    return line


def _moved(line: Floats, step: Floats, bounded: NDArray[np.bool_]) -> Floats:
    return np.where(bounded, np.maximum(line - step, 0), line - step)

"""From logits to probabilities: fitted on a calibration set, and on nothing else.

Probability here means: P(fake) where real and fake are equally likely (prior one half). Whoever expects one fake in a
thousand must correct for that; we cannot know it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unmask.card import Calibration
from unmask.errors import UsageError

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
    reals, fakes = by_class(truth, values)
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
    reals, fakes = by_class(np.asarray(labels, np.float64), np.asarray(logits, np.float64))
    spread = float(reals.std())
    if spread < _LEAST_SPREAD:
        raise UsageError("all real items have the same logit; there is nothing to measure others by")
    return Calibration(set=set_name, temperature=spread, bias=float(reals.mean()), reals=len(reals), fakes=len(fakes))


def by_class(truth: Floats, values: Floats) -> tuple[Floats, Floats]:
    """The values (N,) of the real and of the fake items, which labels (N,) tell.

    Raises:
        UsageError: A class is missing, the two differ in length, or a value is not finite.
    """
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

"""From logits to probabilities and labels: fitted on a calibration set, and on nothing else.

Probability here means: P(fake) where real and fake are equally likely (prior one half). Whoever expects one fake in a
thousand must correct for that; we cannot know it.
"""

from __future__ import annotations

import math
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
    if spread < 1e-9:
        raise UsageError("all logits are the same; there is nothing to calibrate")
    centre = float(reals.mean() + fakes.mean()) / 2
    fake = truth == 1
    target = np.where(fake, (len(fakes) + 1) / (len(fakes) + 2), 1 / (len(reals) + 2))
    weight = np.where(fake, 0.5 / len(fakes), 0.5 / len(reals))
    slope, intercept = _newton((values - centre) / spread, target, weight)
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


def _newton(x: Floats, target: Floats, weight: Floats) -> tuple[float, float]:
    """Slope and intercept of the logistic curve through soft targets.

    The loss is convex and, with targets inside 0 to 1, its minimum finite; halving keeps each step downhill.
    """
    design = np.stack([x, np.ones_like(x)], axis=1)

    def loss(line: Floats) -> float:
        z = design @ line
        return float(weight @ (np.logaddexp(0, z) - target * z))

    line = np.zeros(2)
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(design @ line, -500, 500)))
        gradient = design.T @ (weight * (p - target))
        curvature = (design * (weight * p * (1 - p))[:, None]).T @ design
        step = np.linalg.solve(curvature + 1e-12 * np.eye(2), gradient)
        while loss(line - step) > loss(line) and np.abs(step).max() > 1e-12:
            step = step / 2
        line = line - step
        if np.abs(step).max() < 1e-10:
            break
    return float(line[0]), float(line[1])

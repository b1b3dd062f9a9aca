"""How a witness learns: a logistic regression, and figures from weights that have not seen what they judge."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unmask import metrics
from unmask.errors import MissingExtraError, UsageError
from unmask.metrics import LEVEL, RESAMPLES, SEED, Floats, Interval
from unmask.witness import Feature

_STRENGTH = 0.1
"""Of scikit-learn's C: a few dozen clips teach ten weights little, so they are held near 0."""


@dataclass(frozen=True, eq=False)
class Examples:
    """What there is to learn from.

    Attributes:
        values: float64 (N, F), NaN where a feature could not be measured.
        labels: float64 (N,), 0 or 1.
        groups: Whose face it is, or which original: N words.
        touched: Every group that has a part in each example; the sound may come from another clip than the mouth.
    """

    values: Floats
    labels: Floats
    groups: Sequence[str]
    touched: Sequence[frozenset[str]]

    @classmethod
    def of(cls, rows: Sequence[Sequence[float]], labels: Sequence[int], groups: Sequence[str]) -> Examples:
        """Examples that have a part of their own group alone."""
        return cls(np.array(rows, float), np.array(labels, float), groups, [frozenset([group]) for group in groups])

    def part(self, kept: NDArray[np.bool_]) -> Examples:
        """Some of them."""
        places = np.flatnonzero(kept).tolist()
        groups = [self.groups[i] for i in places]
        return Examples(self.values[kept], self.labels[kept], groups, [self.touched[i] for i in places])


def fit(examples: Examples, definitions: Mapping[str, tuple[str, str]]) -> tuple[tuple[Feature, ...], float]:
    """Weights of the features, and the bias: L2-regularised, both classes weighing the same.

    Args:
        examples: With as many features as there are definitions, in their order.
        definitions: Name to meaning and source.

    Raises:
        UsageError: A class is missing.
        MissingExtraError: scikit-learn is not installed.
    """
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise MissingExtraError("learning what a witness says", "train") from error
    if len(set(examples.labels.tolist())) < 2:
        raise UsageError("a witness learns from reals and fakes; one of the two is missing")
    known = ~np.isnan(examples.values)
    count = np.maximum(known.sum(axis=0), 1)
    filled = np.where(known, examples.values, 0.0)
    mean = filled.sum(axis=0) / count
    away = np.where(known, examples.values - mean, 0.0)
    spread = np.sqrt((away**2).sum(axis=0) / count)
    spread = np.where(spread > 1e-9, spread, 1.0)
    learned = LogisticRegression(C=_STRENGTH, class_weight="balanced", max_iter=1000)
    learned.fit(np.clip(away / spread, -3, 3), examples.labels)
    weights = learned.coef_[0]
    features = tuple(
        Feature(name=name, meaning=meaning, source=source, mean=mean[i], scale=spread[i], weight=weights[i])
        for i, (name, (meaning, source)) in enumerate(definitions.items())
    )
    return features, float(learned.intercept_[0])


def logits(values: Floats, features: Sequence[Feature], bias: float) -> Floats:
    """The scores of many at once, (N, F) to (N,), as `WitnessCard.logit` computes them."""
    mean, scale, weight = (np.array([getattr(one, name) for one in features]) for name in ("mean", "scale", "weight"))
    return np.asarray(bias + np.clip(np.nan_to_num((values - mean) / scale), -3, 3) @ weight)


def left_out(examples: Examples, definitions: Mapping[str, tuple[str, str]]) -> Floats:
    """Scores of all examples, each by weights that were learned without whatever its group has a part in: (N,)."""
    groups = np.array(examples.groups)
    scores = np.full(len(groups), np.nan)
    for group in dict.fromkeys(examples.groups):
        others = np.array([group not in touched for touched in examples.touched])
        scores[groups == group] = logits(examples.values[groups == group], *fit(examples.part(others), definitions))
    return scores


def grouped_auc(
    labels: Floats, scores: Floats, groups: Sequence[str], *, resamples: int = RESAMPLES, seed: int = SEED
) -> Interval:
    """The AUC with its percentile bootstrap interval; whole groups are redrawn, for their items are no separate proof.

    Groups that hold the same classes are redrawn among each other, so that no redraw lacks a class.

    Raises:
        UsageError: A class is missing.
    """
    value = metrics.auc(labels, scores)
    members: dict[str, list[int]] = {}
    for place, group in enumerate(groups):
        members.setdefault(group, []).append(place)
    alike: dict[frozenset[float], list[list[int]]] = {}
    for places in members.values():
        alike.setdefault(frozenset(labels[places].tolist()), []).append(places)
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(resamples):
        chosen = [
            place
            for kind in alike.values()
            for number in rng.integers(0, len(kind), len(kind))
            for place in kind[number]
        ]
        drawn.append(metrics.auc(labels[chosen], scores[chosen]))
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, float(low), float(high))


def write_usual(path: Path, names: Sequence[str], values: Floats) -> None:
    """Write between which values 90 of 100 real examples lie, feature by feature, as CSV.

    Args:
        path: The file.
        names: Of F features.
        values: Of the reals, (N, F), NaN where one could not be measured; a feature without any is left out.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("feature", "5 %", "95 %"))
        for name, column in zip(names, values.T, strict=True):
            known = column[~np.isnan(column)]
            if len(known):
                writer.writerow((name, *np.percentile(known, [5, 95]).round(3).tolist()))

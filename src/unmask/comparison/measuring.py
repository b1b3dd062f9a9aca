"""What is measured of each line: the mean over its seeds, with an interval over the files, and each seed beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from unmask import resampling
from unmask.comparison.clusters import Map
from unmask.comparison.lines import Line
from unmask.metrics import BINS, RESAMPLES, Floats, Interval
from unmask.resampling import Counts, Set

POOLED: Final = "all sources"
ECE: Final = f"expected calibration error, {BINS} bins"
PURITY: Final = "purity of k-means"
RAND: Final = "adjusted Rand index of k-means"

SHOWN: Final[Mapping[str, str]] = {
    "accuracy": "accuracy",
    "balanced accuracy": "balanced accuracy",
    "precision of fake": "precision, fake",
    "recall of fake": "recall, fake",
    "F1 of fake": "F1, fake",
    "precision of real": "precision, real",
    "recall of real": "recall, real",
    "F1 of real": "F1, real",
    "macro precision": "precision, macro",
    "macro F1": "F1, macro",
    "AUC": "AUC",
    "average precision": "average precision",
    "equal error rate": "EER",
    "TPR at 1 % FPR": "TPR at FPR 1 %",
    "log loss": "log loss",
    ECE: "ECE",
    "Brier score": "Brier",
}
"""Measures of the tables, by their names in `unmask.resampling`, with what the tables call them."""

CLUSTERED: Final = {PURITY: "k-means purity", RAND: "k-means ARI"}
"""Measures of embeddings, where there is one: k-means with two clusters against real and fake."""

LOWER_IS_BETTER: Final = frozenset({"equal error rate", "log loss", ECE, "Brier score"})


@dataclass(frozen=True)
class Measured:
    """One line, measured on all sources or on one.

    Attributes:
        line: The line.
        on: The source, or "all sources".
        reals: Real photos judged by every seed.
        fakes: Fakes judged by every seed.
        unjudged: Files that at least one seed could not judge.
        values: By measure: the mean over seeds with its 95 % interval; empty where a class is missing.
        seeds: By measure: the value of each seed, in the order of the line's runs.
    """

    line: Line
    on: str
    reals: int
    fakes: int
    unjudged: int
    values: Mapping[str, Interval] = field(default_factory=dict)
    seeds: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


def measure(line: Line, source: str | None = None, resamples: int = RESAMPLES) -> Measured:
    """Measure a line on all sources, or on one alone.

    Files are redrawn, for all seeds at once: the interval says what other files would change, not what another
    training would. That is what the values of single seeds are listed for.
    """
    judged = line.judged(source)
    counted = (line, source or POOLED, judged.reals, judged.fakes, judged.unjudged)
    if not judged.measurable:
        return Measured(*counted)
    sets = judged.sets
    values = resampling.intervals(sets[0].truth, lambda counts: _mean(sets, counts), resamples=resamples)
    once = np.ones((1, len(sets[0].truth)))
    single = [resampling.measures(items, once) for items in sets]
    return Measured(*counted, values, {name: tuple(float(one[name][0]) for one in single) for name in values})


def with_clusters(measured: Measured, maps: Sequence[Map]) -> Measured:
    """The same with how its embedding clusters, over all sources: means over seeds, of the intervals' ends too."""
    if not maps or measured.on != POOLED:
        return measured
    values, seeds = dict(measured.values), dict(measured.seeds)
    first = [one.clusterings[0] for one in maps]
    for name, found in ((PURITY, [one.purity for one in first]), (RAND, [one.adjusted_rand for one in first])):
        of_class = [one["class"] for one in found]
        values[name] = Interval(*(float(end) for end in np.mean(of_class, axis=0)))
        seeds[name] = tuple(one.value for one in of_class)
    return replace(measured, values=values, seeds=seeds)


def named(name: str) -> str | None:
    """The measure that a recipe means by a name such as "roc_auc" or "f1_real"; None where we have no such measure.

    Without a class, precision, recall and F1 are those of fakes.
    """
    words = re.sub(r"[^a-z0-9]+", " ", name.lower()).strip()
    return _ALIASES.get(words)


def _mean(sets: Sequence[Set], counts: Counts) -> dict[str, Floats]:
    found = [resampling.measures(items, counts) for items in sets]
    return {name: np.mean([one[name] for one in found], axis=0) for name in found[0]}


def _aliases() -> dict[str, str]:
    found = {name.lower(): name for name in (*SHOWN, PURITY, RAND)}
    found |= {"auc": "AUC", "roc auc": "AUC", "ap": "average precision", "pr auc": "average precision"}
    found |= {"eer": "equal error rate", "ece": ECE, "brier": "Brier score", "logloss": "log loss"}
    found |= {
        "tpr at fpr 1": "TPR at 1 % FPR",
        "macro recall": "balanced accuracy",
        "recall macro": "balanced accuracy",
    }
    found |= {"purity": PURITY, "clustering": PURITY, "clustering accuracy": PURITY}  # two clusters, called by majority
    found |= {"ari": RAND, "adjusted rand": RAND, "adjusted rand index": RAND}
    for figure in ("precision", "recall", "F1"):
        plain = figure.lower()
        found[plain] = f"{figure} of fake"
        for kind in ("real", "fake"):
            found |= {form: f"{figure} of {kind}" for form in (f"{plain} {kind}", f"{kind} {plain}")}
        if figure != "recall":
            found[f"{plain} macro"] = f"macro {figure}"
    return found


_ALIASES: Final = _aliases()

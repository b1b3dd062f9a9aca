"""How much a file's traits tell about its label, by growing a small tree on them and on nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from unmask.errors import MissingExtraError
from unmask.metrics import Interval, balanced_accuracy, bootstrap
from unmask.traits import Traits

LEAST_PER_CLASS: Final = 10
"""With fewer families of files in a class, a probe can only guess."""

_FOLDS: Final = 5
_LEAVES: Final = 64


def probe(traits: Sequence[Traits], labels: Sequence[int], related: Sequence[int]) -> dict[str, Interval]:
    """Balanced accuracy of guessing labels from each family of traits, and from all together.

    A decision tree, both classes weighing the same, judges every file without having seen it or its relatives
    (5-fold cross-validation); intervals by bootstrap over files. One tree, because a forest finds hardly more in a
    handful of numbers and takes a hundred times as long.

    Args:
        traits: Of files that could be read, all of one kind, N.
        labels: 0 or 1, N.
        related: A number for each file, N; files of equal number never sit in two folds.

    Returns:
        Family name to balanced accuracy, with "all" for all together. Empty where a class has too few files.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    truth, groups = np.asarray(labels), np.asarray(related)
    distinct = [len(set(groups[truth == label].tolist())) for label in (0, 1)]
    if min(distinct) < LEAST_PER_CLASS:
        return {}
    families = dict.fromkeys(name for one in traits for name in one.numbers)
    tables = {name: _table([one.numbers.get(name, {}) for one in traits]) for name in families}
    tables["all"] = np.hstack(list(tables.values()))
    folds = dealt(truth, groups)
    return {
        name: bootstrap(balanced_accuracy, truth, _guesses(table, truth, folds), resamples=200)
        for name, table in tables.items()
    }


def told_by(values: Sequence[str], labels: Sequence[int]) -> float:
    """Balanced accuracy of the best guess from one word a file (its source): no training, so no luck to correct for."""
    truth = np.asarray(labels)
    words = np.unique(np.asarray(values), return_inverse=True)[1]
    counts = [np.bincount(words[truth == label], minlength=words.max() + 1) for label in (0, 1)]
    shares = [count / count.sum() for count in counts]
    return float(np.maximum(*shares).sum() / 2)


def _table(rows: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
    """One column for each name that any file has; missing where a file lacks it, which the trees can use."""
    names = sorted({name for row in rows for name in row})
    return np.array([[row.get(name, np.nan) for name in names] for row in rows], np.float64).reshape(len(rows), -1)


def _guesses(table: NDArray[np.float64], truth: NDArray[Any], folds: NDArray[Any]) -> NDArray[np.float64]:
    """0 or 1 for each file, by a tree that was grown without its fold."""
    try:
        from sklearn.tree import DecisionTreeClassifier
    except ImportError as error:
        raise MissingExtraError("auditing a manifest", "train") from error
    guesses = np.zeros(len(truth))
    if not table.shape[1]:
        return guesses  # nothing to tell files apart: the same guess for all
    for fold in range(_FOLDS):
        rest = folds != fold
        tree = DecisionTreeClassifier(max_leaf_nodes=_LEAVES, class_weight="balanced", random_state=0)
        guesses[~rest] = tree.fit(table[rest], truth[rest]).predict(table[~rest])
    return guesses


def dealt(truth: NDArray[Any], groups: NDArray[Any], folds: int = _FOLDS, seed: int = 0) -> NDArray[np.int64]:
    """A fold for each file, from 0: relatives share one, and every fold gets its part of both classes.

    scikit-learn's StratifiedGroupKFold does the same, but takes half a minute for 8,000 groups.
    """
    names, first, which = np.unique(groups, return_index=True, return_inverse=True)
    shuffled = np.random.default_rng(seed).permutation(len(names))
    order = shuffled[np.argsort(truth[first][shuffled], kind="stable")]
    fold_of = np.empty(len(names), np.int64)
    fold_of[order] = np.arange(len(names)) % folds
    return fold_of[which]

"""Which train items are most likely mislabelled: confident learning (Northcutt et al. 2021, arXiv:1911.00068).

A linear model on what frozen backbones say of each picture is fitted without a part of the groups and asked about it.
Where it is as sure of the other label as it usually is of items that carry it, the label is in doubt: an item to look
at, not one to drop unseen, since what a model finds hard may be right all the same. Only the train split is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from unmask import manifest
from unmask.errors import MissingExtraError, RecipeError, UsageError
from unmask.manifest import FAKE, REAL, Item
from unmask.prepare import read_cut
from unmask.probes import dealt
from unmask.train.data import read_split
from unmask.train.models import build
from unmask.train.recipes import Recipe
from unmask.train.run import find_weights
from unmask.train.views import Described

FOLDS: Final = 5
FAKENESS: Final = "fake_probability"
DOUBT: Final = "doubt"
"""Columns of what `write` writes."""

_STEPS: Final = 1000
_STRENGTH: Final = 0.01  # C of the regression: there are hundreds of numbers a picture, and they say much the same
_LEAST_SPREAD: Final = 1e-6

Progress = Callable[[str, int, int], None]
"""Called with what is going on, steps done and steps in all."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Suspect:
    """An item whose label is in doubt.

    Attributes:
        item: The item, with the label it carries.
        fake: Out-of-fold probability that it is fake, where real and fake are equally likely.
        doubt: How much likelier the other label is: the difference of the two probabilities.
    """

    item: Item
    fake: float
    doubt: float


def mislabelled(
    recipe: Recipe,
    prepared: Path,
    *,
    weights: Path | None = None,
    folds: int = FOLDS,
    progress: Progress | None = None,
) -> list[Suspect]:
    """Train items of a prepared folder whose label is in doubt, the worst first.

    Args:
        recipe: Whose frozen backbones describe the pictures; its head plays no part.
        prepared: A folder made by `unmask prepare` with the recipe's cut.
        weights: Folder of the recipe's weights files; the current folder when None.
        folds: Parts that the groups are shared among.
        progress: Called as pictures are described and folds fitted.

    Raises:
        RecipeError: The recipe's backbones learn, or it does not fit the data or the weights.
        ManifestError: The prepared folder lacks train or val items.
        UsageError: There are fewer groups of a class than folds.
        MissingExtraError: scikit-learn is not installed.
    """
    if not recipe.model.frozen:
        raise RecipeError(f'the backbones of {recipe.name} learn: take a recipe with freeze = "all", such as picture')
    if recipe.cut.frames:
        raise RecipeError(f"{recipe.name} looks at videos: take a recipe of pictures, such as picture")
    if read_cut(prepared) != recipe.cut:
        raise RecipeError(f"{prepared} was prepared with another cut than the recipe's: prepare it again")
    items = read_split(prepared, "train", recipe.data.leave_out)
    tell = progress or (lambda what, done, of: None)
    torch.manual_seed(recipe.seed)
    files = find_weights(recipe, weights)
    described = Described(
        build(recipe.model, files),
        recipe,
        prepared,
        weights=files,
        progress=lambda done, of: tell("describing pictures", done, of),
    )
    labels = np.array([item.label for item in items])
    shares = parts(items, folds, recipe.seed)
    found = out_of_fold(
        described.means(items), labels, shares, lambda done, of: tell("fitting without each part", done, of)
    )
    return suspects(items, found)


def parts(items: Sequence[Item], folds: int, seed: int) -> NDArray[np.int64]:
    """The part of each item, 0 to folds - 1: (len(items),). A group stays together, and each part gets both classes.

    Raises:
        UsageError: There are fewer groups of a class than folds, or fewer than two folds.
    """
    names = np.array([item.group or str(item.path) for item in items])
    labels = np.array([item.label for item in items])
    first = np.unique(names, return_index=True)[1]
    counts = np.bincount(labels[first], minlength=2)
    if not 2 <= folds <= counts.min():
        least = f"the smaller class has {counts.min()} groups"
        raise UsageError(f"{folds} parts cannot be: take at least two, and at most one a group of each class ({least})")
    return dealt(labels, names, folds, seed)


def out_of_fold(
    described: NDArray[np.float32],
    labels: NDArray[np.int64],
    parts: NDArray[np.int64],
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> Floats:
    """The probability of fake for each item, by a logistic regression on the other parts: (N,).

    Args:
        described: (N, D).
        labels: (N,), 1 is fake.
        parts: (N,).
        tell: Called with parts done and parts in all.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise MissingExtraError("looking for mislabelled items", "train") from error
    probabilities = np.empty(len(labels))
    names = np.unique(parts)
    for number, part in enumerate(names, start=1):
        rest = parts != part
        middle, spread = described[rest].mean(axis=0), np.maximum(described[rest].std(axis=0), _LEAST_SPREAD)
        model = LogisticRegression(C=_STRENGTH, class_weight="balanced", max_iter=_STEPS)
        model.fit((described[rest] - middle) / spread, labels[rest])
        probabilities[~rest] = model.predict_proba((described[~rest] - middle) / spread)[:, FAKE]
        tell(number, len(names))
    return probabilities


def suspects(items: Sequence[Item], probabilities: Floats) -> list[Suspect]:
    """The items to prune by the noise rate, the least likely label first (Northcutt et al. 2021, 3.1 and 3.2).

    An item holds a label if its probability is at least the mean over the items that carry that label. How many of
    those that carry one label hold the other, of all that hold any, is the rate at which that label is wrong; so many
    of its items are in doubt, those for which the other label is likelier by most.

    Args:
        items: With both labels among them.
        probabilities: Of fake, made without the item: (len(items),).
    """
    labels = np.array([item.label for item in items])
    likely = np.stack([1 - probabilities, probabilities], axis=1)
    usual = np.array([likely[labels == label, label].mean() for label in (REAL, FAKE)])
    rows = np.arange(len(items))
    own, other = likely[rows, labels], likely[rows, 1 - labels]
    doubts = other - own
    other_held = (other >= usual[1 - labels]) & ((own < usual[labels]) | (doubts > 0))
    own_held = (own >= usual[labels]) & ~other_held
    found: list[Suspect] = []
    for label in (REAL, FAKE):
        mine = labels == label
        wrong, right = int(other_held[mine].sum()), int(own_held[mine].sum())
        count = round(mine.sum() * wrong / max(wrong + right, 1))
        worst = rows[mine][np.argsort(-doubts[mine], kind="stable")][:count]
        found += [
            Suspect(items[row], float(probabilities[row]), float(doubts[row])) for row in worst if doubts[row] > 0
        ]
    return sorted(found, key=lambda one: -one.doubt)


def write(path: Path, found: Sequence[Suspect]) -> None:
    """Write suspects as a manifest, the worst first, with the columns fake_probability and doubt."""
    rows = []
    for one in found:
        more = {FAKENESS: f"{one.fake:.6f}", DOUBT: f"{one.doubt:.6f}"}
        rows.append(replace(one.item, attributes={**one.item.attributes, **more}))
    manifest.write(path, rows)

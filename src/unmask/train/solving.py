"""Training without steps: all descriptions at once, and the discriminant that they call for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from unmask import metrics
from unmask.manifest import FAKE, REAL, Item
from unmask.train import run as runs
from unmask.train.discriminant import Discriminant, solve_apart
from unmask.train.models import Detector
from unmask.train.recipes import Recipe
from unmask.train.run import Line, Run
from unmask.train.views import Described
from unmask.train.voices import DescribedVoices


def solved(
    recipe: Recipe,
    folder: Path,
    model: Detector,
    feed: Described | DescribedVoices,
    learn: Sequence[Item],
    check: Sequence[Item],
) -> Run:
    """Solve the head of a recipe's network, and keep it as a run of one epoch.

    Args:
        recipe: What to do; its head is a discriminant.
        folder: The run.
        model: Takes the weights.
        feed: What its backbones say of the pictures.
        learn: The train items to learn from.
        check: The val items to score.

    Raises:
        RecipeError: The descriptions allow no solution.
    """
    began = time.monotonic()
    assert isinstance(model.head, Discriminant)  # the recipe sees to it
    table = feed.table(learn)
    model.head.take(*solve_apart(table, recipe.model.shrinkage, model.head.parts))
    seconds = time.monotonic() - began
    with torch.inference_mode():
        logits = model.head.judge(torch.from_numpy(np.asarray(table.rows))).double().numpy()
    line: Line = {
        "epoch": 1,
        "loss": _cross_entropy(table.labels, logits, table.weights),
        "seconds": round(seconds, 2),
        "pictures_per_s": round(len(table.labels) / seconds, 2),
        **figures(check, feed.scores(model, check)),
    }
    runs.keep(folder, None, model, line)
    return Run(folder, line)


def figures(items: Sequence[Item], scores: NDArray[np.float64]) -> dict[str, float]:
    """AUC on val, pooled and for each source that has both classes."""
    labels = np.array([item.label for item in items])
    sources = np.array([item.source for item in items])
    found = {"auc": metrics.auc(labels, scores)}
    for source in sorted(set(sources)):
        mine = sources == source
        if set(labels[mine]) == {REAL, FAKE}:
            found[f"auc/{source}"] = metrics.auc(labels[mine], scores[mine])
    return found


def _cross_entropy(labels: NDArray[np.int64], logits: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Each picture counting by its weight."""
    return float(weights @ np.logaddexp(0, np.where(labels == FAKE, -logits, logits)) / weights.sum())

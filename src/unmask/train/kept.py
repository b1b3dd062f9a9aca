"""What feeds of frozen networks have in common: descriptions that are written once, and whose each of them is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from unmask.manifest import Item
from unmask.runtime import usable_cores
from unmask.train.lessons import Rows
from unmask.train.models import Detector
from unmask.train.recipes import Recipe
from unmask.train.views import FOLDER, Forms, Progress, describer, fill, key, load


def kept(
    model: Detector,
    recipe: Recipe,
    prepared: Path,
    train: Callable[[int], Forms],
    val: Forms,
    *,
    weights: Sequence[Path | None],
    code: Sequence[Path],
    jobs: int | None,
    progress: Progress | None,
) -> tuple[list[Rows], Rows]:
    """The descriptions of a prepared folder, made where they are not there yet.

    Args:
        model: Its backbones describe.
        recipe: Says how many forms of the train split there are.
        prepared: The folder.
        train: From the number of a form to all of the train split in it.
        val: All of the val split, as it is.
        weights: Files that the backbones' weights came from.
        code: Files that change what is described, besides those that always do.
        jobs: Items worked on at a time; all usable cores when None.
        progress: Called with items described and items in all.

    Returns:
        One table for each form, and that of val.

    Raises:
        RecipeError: A description overflows half precision.
    """
    folder = prepared / FOLDER / key(recipe, prepared, weights, *code)
    folder.mkdir(parents=True, exist_ok=True)
    views = [folder / f"view-{number:03}.npy" for number in range(recipe.train.views)]
    forms = {path: train(number) for number, path in enumerate(views)}
    forms[folder / "val.npy"] = val
    if not all(path.is_file() for path in forms):
        fill(forms, describer(model, recipe.cut, folder), jobs or usable_cores(), progress)
    return [load(path) for path in views], load(folder / "val.npy")


def numbered(items: Sequence[Item], counts: Sequence[int]) -> dict[Path, range]:
    """The numbers of each item's windows among those of all; `counts` says how many each has."""
    ends = np.cumsum(counts).tolist()
    return {item.path: range(end - count, end) for item, count, end in zip(items, counts, ends, strict=True)}

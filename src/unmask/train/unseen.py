"""The figure that counts: train without a source, test on its fakes, average over sources.

Each held-out source loses its real photos too, in training and in val. The recipe is otherwise the one that ships.
Tested are the original files, through the scanner, on the test split, which nothing here learns from.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

from unmask import evaluate
from unmask import manifest as table
from unmask.card import Figure
from unmask.figures import unseen as unseen_figures
from unmask.scan import Scanner
from unmask.scores import Row, write_scores
from unmask.train import export, loop
from unmask.train.recipes import Recipe

Progress = Callable[[str, int, int], None]
"""Called with what is going on, steps done and steps in all."""


def without(recipe: Recipe, source: str, epochs: int | None = None) -> Recipe:
    """The same recipe, with one more source left out, and maybe fewer epochs."""
    data = recipe.data.model_copy(update={"leave_out": (*recipe.data.leave_out, source)})
    train = recipe.train.model_copy(update={"epochs": epochs or recipe.train.epochs})
    return recipe.model_copy(update={"data": data, "train": train})


def unseen(
    recipe: Recipe,
    prepared: Path,
    manifest: Path,
    runs: Path,
    sources: Sequence[str],
    *,
    split: str = "test",
    epochs: int | None = None,
    weights: Path | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> list[Figure]:
    """Train once without each source and rank its fakes against the real photos of all.

    Args:
        recipe: What to train.
        prepared: A folder made by `unmask prepare` with the recipe's cut.
        manifest: The manifest of the original files.
        runs: Folder for one run a source; runs that are finished or begun there are gone on with.
        sources: What to leave out, one after another.
        split: "test" for a claim; "val" while choosing a recipe.
        epochs: Instead of the recipe's, where time is short; the figures say so.
        weights: Folder of the recipe's weights file.
        workers: As for `loop.train`.
        progress: Called as training and scanning go on.

    Returns:
        AUC of each source, their mean and the worst, with bootstrap intervals.

    Raises:
        ManifestError: A source is not in the manifest, or has no fakes in the split.
        RecipeError: The recipe does not fit the data or the weights.
    """
    items = {source: evaluate.select(table.read(manifest), [split], source) for source in sources}  # a typo fails here
    rows: dict[str, list[Row]] = {}
    for source in sources:
        name = f"without {source}"
        folder = runs / f"{recipe.name}-without-{source}"

        def trained(done: int, steps: int, loss: float, name: str = name) -> None:
            if progress:
                progress(f"{name}: training", done, steps)

        loop.train(
            without(recipe, source, epochs), prepared, folder, weights=weights, workers=workers, progress=trained
        )
        bundle = export.export(folder, folder / "bundle")
        rows[source] = []
        with Scanner([bundle.folder]) as scanner:
            for row in evaluate.collect(items[source], scanner.scan_many):
                rows[source].append(row)
                if progress:
                    progress(f"{name}: scanning {split}", len(rows[source]), len(items[source]))
        write_scores(folder / f"scores-{split}.csv", rows[source])
    command = ["unmask", "unseen", recipe.name, prepared.name, manifest.name, "--split", split]
    command += [word for source in sources for word in ("--leave-out", source)]
    command += ["--epochs", str(epochs)] if epochs else []
    return unseen_figures(rows, shlex.join(command))

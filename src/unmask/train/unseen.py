"""The figure that counts: train without a source, test on its fakes, average over sources.

Each held-out source loses its real photos too, in training and in val. The recipes are otherwise those that ship.
Tested are the original files, through the scanner, on the test split, which nothing here learns from.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

from unmask import copies, evaluate, release, weighing
from unmask import manifest as table
from unmask.card import Figure
from unmask.errors import UsageError
from unmask.figures import unseen as unseen_figures
from unmask.left_out import Trial, claim
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
    learn: Sequence[tuple[Recipe, Path]],
    manifest: Path,
    runs: Path,
    sources: Sequence[str],
    *,
    split: str = "test",
    perturbation: str | None = None,
    epochs: Mapping[str, int] | None = None,
    seeds: int = 1,
    own: bool = False,
    weigh: Mapping[str, float] | None = None,
    least: Mapping[str, float] | None = None,
    weights: Path | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> list[Figure]:
    """Train once without each source and rank its fakes against the real photos of all.

    Args:
        learn: What to train, each on a folder made by `unmask prepare` with the recipe's cut. Several decide together,
            calibrated on val without the source, as `release.join` does it.
        manifest: The manifest of the original files.
        runs: Folder for one run a source and recipe; those that are finished or begun there are gone on with.
        sources: What to leave out, one after another: a source with its real photos, or "method:NAME", the fakes of
            one generator, where one source holds several.
        split: "test" for a claim; "val" while choosing a recipe.
        perturbation: A name of `perturb.PERTURBATIONS` or `perturb_sound.NAMES`: rank such copies as well.
        epochs: By a recipe's name, epochs instead of its own, where time is short; the figures' command says so.
        seeds: How many times all of it is done, with the recipes' seeds and those that follow; three for a claim.
        own: Rank each source's fakes against its own real items, from all of its splits, for nothing learned
            from any of them: for sources that are few, or unlike the others in more than their fakes.
        weigh: By a recipe's name, what it counts among several, as for `release.join`.
        least: By a recipe's name, the least that it counts, likewise.
        weights: Folder of the recipes' weights files.
        workers: As for `loop.train`.
        progress: Called as training and scanning go on.

    Returns:
        AUC of each source, their mean and the worst, with bootstrap intervals; of several seeds the means.

    Raises:
        ManifestError: A source is not in the manifest, or has no fakes in the split.
        RecipeError: A recipe does not fit the data or the weights.
        UsageError: No such perturbation, or no seed.
    """
    copies.check([perturbation] if perturbation else [])
    if seeds < 1:
        raise UsageError("the unseen-generator figure needs at least one seed")
    everything = table.read(manifest)
    items = {  # a typo fails here
        source: evaluate.whole(everything, source) if own else evaluate.select(everything, [split], source)
        for source in sources
    }
    names, fewer = [recipe.name for recipe, _ in learn], epochs or {}
    forms = ["", perturbation] if perturbation else [""]
    trials: dict[str, list[Trial]] = {form: [] for form in forms}
    for again, source in product(range(seeds), sources):
        where = f"without-{_as_name(source)}" + (f"-seed-{again + 1}" if again else "")

        def tell(what: str, done: int, steps: int, source: str = source, again: int = again) -> None:
            if progress:
                progress(f"without {source}{f', seed {again + 1}' if seeds > 1 else ''}: {what}", done, steps)

        folders = []
        beside = runs / where
        for recipe, prepared in learn:
            run = runs / f"{recipe.name}-{where}"
            reseeded = recipe.model_copy(update={"seed": recipe.seed + again})
            loop.train(
                without(reseeded, source, fewer.get(recipe.name)),
                prepared,
                run,
                weights=weights,
                workers=workers,
                progress=tell,
            )
            folders.append(export.export(run, beside / recipe.name).folder)
        if len(folders) > 1:
            scanning = partial(tell, "scanning val")
            release.join(folders, manifest, weigh=weigh, least=least, leave_out=[source], progress=scanning)
        rows: dict[str, list[Row]] = {form: [] for form in forms}
        with Scanner(folders, provenance=False) as scanner:
            scan = partial(scanner.scan_many, alone=True)
            for number, row in enumerate(evaluate.collect(items[source], scan, forms[1:]), start=1):
                tell("scanning", number, len(items[source]) * len(forms))
                rows[row.perturbation].append(replace(row, perturbation=""))
        for form in forms:
            what = "-".join(filter(None, ["scores", "+".join(names), "own" if own else split, form]))
            write_scores(beside / f"{what}.csv", rows[form])
            trials[form].append(Trial("+".join(names), source, again, rows[form]))
    command = ["unmask", "unseen", manifest.name, *(f"{recipe.name}={prepared.name}" for recipe, prepared in learn)]
    command += ["--own"] if own else ["--split", split]
    command += [*(word for source in sources for word in ("--leave-out", source))]
    command += [word for name, count in fewer.items() for word in ("--epochs", f"{name}={count}")]
    command += weighing.typed(weigh, least)
    command += ["--seeds", str(seeds)] if seeds > 1 else []
    command += ["--perturb", perturbation] if perturbation else []
    typed = shlex.join(command)
    found: list[Figure] = []
    for form, mine in trials.items():
        figures = claim(mine, typed) if seeds > 1 else unseen_figures({one.left_out: one.rows for one in mine}, typed)
        on = f", all {form}" if form else ""
        found += [figure.model_copy(update={"on": figure.on + on}) for figure in figures]
    return found


def _as_name(source: str) -> str:
    return source.replace(":", "-")  # which no file may have in its name on Windows

"""Train on one source, test on every other: what carries over from one collection to the next, and what does not.

Each network learns from one source alone, its real photos and its fakes, and is calibrated on val of that source. Then
it scans the original test files of every source, its own among them, as a user would. AUC says whether it still ranks
there; accuracy, at one half of its calibrated probability, whether its numbers still mean what they meant at home.

A source without real photos cannot be learned from alone, but can be tested on: its fakes then meet the real photos of
all sources, as in `unseen`. A source without fakes can be neither.
"""

from __future__ import annotations

import csv
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from unmask import evaluate, release, resampling
from unmask import manifest as table
from unmask.confusion import HALF, weighed
from unmask.errors import ManifestError, UsageError
from unmask.manifest import FAKE, REAL, Item
from unmask.metrics import Floats, Interval
from unmask.prepare import MANIFEST
from unmask.resampling import Counts
from unmask.scan import Scanner
from unmask.scored import both_classes, measurable, scored
from unmask.scores import Row, write_scores
from unmask.train import export, loop
from unmask.train.recipes import Recipe

FILE: Final = "cross.csv"
PAGE: Final = "cross.md"

Progress = Callable[[str, int, int], None]
"""Called with what is going on, steps done and steps in all."""


@dataclass(frozen=True)
class Cell:
    """One network on one source.

    Attributes:
        trained_on: The source it learned from.
        tested_on: The source it was tested on.
        against: Whose real photos its fakes met: the source's own, or "all sources".
        auc: By its logit.
        accuracy: At one half of the probability that was calibrated on val of `trained_on`.
        reals: Real photos with a score.
        fakes: Fakes with a score.
        unscored: Files without one.
    """

    trained_on: str
    tested_on: str
    against: str
    auc: Interval
    accuracy: Interval
    reals: int
    fakes: int
    unscored: int


@dataclass(frozen=True)
class Matrix:
    """All cells, row by row; the split they were measured on; and the command that measures them again."""

    cells: tuple[Cell, ...]
    split: str
    command: str


def alone(recipe: Recipe, source: str, everything: Iterable[str], epochs: int | None = None) -> Recipe:
    """The same recipe on one source alone, all others left out, and maybe for fewer epochs."""
    others = tuple(sorted(set(everything) - {source}))
    data = recipe.data.model_copy(update={"leave_out": others})
    train = recipe.train.model_copy(update={"epochs": epochs or recipe.train.epochs})
    return recipe.model_copy(update={"data": data, "train": train})


def cross(
    learn: tuple[Recipe, Path],
    manifest: Path,
    runs: Path,
    sources: Sequence[str],
    *,
    split: str = "test",
    epochs: int | None = None,
    weights: Path | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Matrix:
    """Train once on each source alone, and test each network on all of them.

    Args:
        learn: What to train, on a folder made by `unmask prepare` with the recipe's cut.
        manifest: The manifest of the original files.
        runs: Folder for one run a source, cross.csv and cross.md; finished runs there are used, begun ones resumed.
        sources: The rows of the matrix, and its columns. Those without real photos are columns only.
        split: "test" for a claim.
        epochs: Instead of the recipe's own, where time is short; the command says so.
        weights: Folder of the recipe's weights files.
        workers: As for `loop.train`.
        progress: Called as training and scanning go on.

    Raises:
        ManifestError: A source is not there, or has no fakes; or none of them can be learned from alone.
        UsageError: Fewer than two sources.
        RecipeError: The recipe does not fit the data or the weights.
    """
    recipe, prepared = learn
    items, cuts = table.read(manifest), table.read(prepared / MANIFEST)
    wanted = list(dict.fromkeys(sources))
    if len(wanted) < 2:
        raise UsageError("a matrix needs at least two sources: name each with --source")
    tested = _tested(items, wanted, split)
    rows = _learned_from(cuts, wanted)
    scores: dict[str, list[Row]] = {}
    for source in rows:

        def tell(what: str, done: int, steps: int, source: str = source) -> None:
            if progress:
                progress(f"{source} alone: {what}", done, steps)

        run, folder = runs / f"{recipe.name}-on-{source}", runs / f"on-{source}"
        chosen = alone(recipe, source, {item.source for item in cuts}, epochs)
        loop.train(chosen, prepared, run, weights=weights, workers=workers, progress=tell)
        bundle = export.export(run, folder / recipe.name)
        others = sorted({item.source for item in items} - {source})
        release.calibrate_bundle(bundle.folder, manifest, leave_out=others, progress=partial(tell, "scanning val"))
        scores[source] = []
        with Scanner([bundle.folder], provenance=False) as scanner:
            scan = partial(scanner.scan_many, alone=True)
            for number, row in enumerate(evaluate.collect(tested, scan), start=1):
                scores[source].append(row)
                tell(f"scanning {split}", number, len(tested))
        write_scores(folder / f"scores-{recipe.name}-{split}.csv", scores[source])
    command = ["unmask", "cross", f"{recipe.name}={prepared.name}", manifest.name, "--split", split]
    command += [word for source in wanted for word in ("--source", source)]
    command += ["--epochs", str(epochs)] if epochs else []
    matrix = Matrix(tuple(cells(scores, wanted)), split, shlex.join(command))
    write(runs / FILE, matrix)
    (runs / PAGE).write_text(to_markdown(matrix), encoding="utf-8")
    return matrix


def cells(scores: Mapping[str, Sequence[Row]], sources: Sequence[str]) -> list[Cell]:
    """Measure each network on each source.

    Args:
        scores: The source that a network learned from, to its scores of the tested files of all.
        sources: What to measure on.

    Raises:
        UsageError: A network could score nothing of a class.
    """
    found = []
    for trained_on, rows in scores.items():
        for source in sources:
            own = [one for one in rows if one.source == source]
            lonely = all(one.label == FAKE for one in own)
            chosen = [*own, *(one for one in rows if one.label == REAL)] if lonely else own
            if not both_classes(chosen):
                raise UsageError(f"the network trained on {trained_on} scored no reals or no fakes of {source}")
            found.append(_cell(chosen, trained_on, source, "all sources" if lonely else source))
    return found


def write(path: Path, matrix: Matrix) -> None:
    """Write the cells as CSV, a line each, numbers in full."""
    measures = [name + end for name in ("auc", "accuracy") for end in ("", "_low", "_high")]
    names = ("trained_on", "tested_on", "against", *measures, "reals", "fakes", "unscored")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for one in matrix.cells:
            numbers = (repr(end) for interval in (one.auc, one.accuracy) for end in interval)
            counted = (one.reals, one.fakes, one.unscored)
            writer.writerow((one.trained_on, one.tested_on, one.against, *numbers, *counted))


def to_markdown(matrix: Matrix) -> str:
    """Two tables, AUC and accuracy: a row for each source learned from, a column for each tested on."""
    rows = list(dict.fromkeys(one.trained_on for one in matrix.cells))
    columns = list(dict.fromkeys(one.tested_on for one in matrix.cells))
    by_place = {(one.trained_on, one.tested_on): one for one in matrix.cells}
    pages = [f"Trained on the source on the left, tested on {matrix.split} of the source above: `{matrix.command}`\n"]
    for title, measure in (("AUC", "auc"), ("Accuracy at 0.5, calibrated where it was trained", "accuracy")):
        lines = [f"## {title}", "", f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
        for row in rows:
            shown = (_shown(getattr(by_place[row, column], measure)) for column in columns)
            lines.append(f"| {row} | {' | '.join(shown)} |")
        pages.append("\n".join(lines) + "\n")
    lonely = [column for column in columns if by_place[rows[0], column].against != column]
    if lonely:
        pages.append(f"Without real photos of their own, against those of all sources: {', '.join(lonely)}.\n")
    unscored = [f"{one.unscored} of {one.tested_on} ({one.trained_on})" for one in matrix.cells if one.unscored]
    if unscored:
        pages.append(f"Files without a score, which no figure counts: {', '.join(unscored)}.\n")
    return "\n".join(pages)


def _tested(items: Sequence[Item], sources: Sequence[str], split: str) -> list[Item]:
    """The files of the split that any column needs."""
    inside = evaluate.select(items, [split])
    for source in sources:
        evaluate.select(inside, [split], source)  # says which source is not there, or has no fakes
    lonely = [source for source in sources if not _has(inside, source, REAL)]
    if lonely and not any(item.label == REAL for item in inside):
        raise ManifestError(f"no real photo is in {split}: there is nothing to tell the fakes from")
    return [item for item in inside if item.source in sources or (lonely and item.label == REAL)]


def _learned_from(cuts: Sequence[Item], sources: Sequence[str]) -> list[str]:
    """The sources with both classes in train and val of the prepared folder."""
    splits = [table.in_split(cuts, split) for split in ("train", "val")]
    rows = [name for name in sources if all(_has(part, name, label) for part in splits for label in (REAL, FAKE))]
    if not rows:
        raise ManifestError(
            f"none of {', '.join(sources)} has real and fake items in both train and val of the prepared folder: "
            "a network can learn from one source alone only where it has both"
        )
    return rows


def _has(items: Iterable[Item], source: str, label: int) -> bool:
    return any(item.source == source and item.label == label for item in items)


def _cell(rows: Sequence[Row], trained_on: str, tested_on: str, against: str) -> Cell:
    items = measurable(rows)
    called = items.claimed >= HALF

    def measure(counts: Counts) -> dict[str, Floats]:
        found = resampling.auc(items.truth, items.scores, counts)
        return {"auc": found, "accuracy": weighed(items.truth, called, counts).accuracy}

    fakes = int(np.sum(items.truth))
    return Cell(
        trained_on=trained_on,
        tested_on=tested_on,
        against=against,
        reals=len(items.truth) - fakes,
        fakes=fakes,
        unscored=len(rows) - len(scored(rows)),
        **resampling.intervals(items.truth, measure),
    )


def _shown(interval: Interval) -> str:
    return f"{interval.value:.3f} ({interval.low:.3f} to {interval.high:.3f})"

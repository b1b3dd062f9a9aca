"""One experiment from a recipe to its figures: prepare, train, export, time, evaluate.

Every stage is one that has a verb of its own; here they follow each other in one folder. A stage that was finished is
not done again, so the same command goes on where it was stopped.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from unmask import evaluate, manifest, originals, release
from unmask import prepare as preparing
from unmask.card import Card
from unmask.errors import ManifestError, UsageError
from unmask.evaluation import FILE, EvaluationManifest, machine, sha256
from unmask.runtime import Session
from unmask.train import export, loop
from unmask.train import run as runs
from unmask.train.recipes import Recipe

PREPARED: Final = "prepared"
BUNDLE: Final = "bundle"
EVALUATION: Final = "evaluation"
COST: Final = "cost.json"
TABLE: Final = "manifest.csv"
DATA: Final = "experiment.json"

Progress = Callable[[str, int, int], None]
"""Called with what is going on, steps done and steps in all."""

_TIMED: Final = 30
"""Pictures, one at a time, whose median counts."""


def experiment(
    recipe: Recipe,
    table: Path,
    folder: Path,
    *,
    prepared: Path | None = None,
    sources: Sequence[str] = (),
    split: str = "test",
    weights: Path | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Path:
    """Make or finish one run.

    Args:
        recipe: What to do.
        table: The manifest of the original files. Items without a split get one, relatives together, and so does
            val or test where it is missing.
        folder: The run (see `unmask.train.run`), with the prepared data, the bundle and the evaluation in it.
        prepared: Where the prepared data lie or shall lie; recipes with the same cut may share them. In the run when
            None.
        sources: Only files of these are learned from and measured on; all when empty.
        split: What to measure on.
        weights: As for `loop.train`.
        workers: As for `loop.train`.
        progress: Called as all of it goes on.

    Returns:
        The folder of the evaluation.

    Raises:
        ManifestError: The table cannot be used, or no item has one of the sources.
        RecipeError: The recipe does not fit the data or the weights.
        UsageError: `folder` holds a run of another recipe, or on other data.
    """

    def tell(what: str) -> Callable[[int, int], None]:
        return partial(progress, what) if progress else lambda done, of: None

    manifest.read(table)  # a name that is wrong must leave nothing behind
    _claim(folder, table, sources)
    chosen = listed(table, folder, sources, progress=tell("looking for relatives"))
    cuts = prepared or folder / PREPARED
    preparing.prepare(chosen, cuts, recipe.cut, reencode=recipe.data.reencode, progress=tell("cutting"))
    loop.train(recipe, cuts, folder, weights=weights, workers=workers, progress=progress)
    bundle = folder / BUNDLE
    if not _calibrated(bundle) or _made(bundle / "card.json") < _made(folder / runs.STATE):
        export.export(folder, bundle)
        release.calibrate_bundle(bundle, chosen, leave_out=recipe.data.leave_out, progress=tell("scanning val"))
        (folder / COST).unlink(missing_ok=True)
    if not (folder / COST).is_file():
        runs.write(folder / COST, json.dumps(cost(folder), indent=2) + "\n")
    done = folder / EVALUATION
    if not _evaluated(done, bundle, split):
        evaluate.evaluate(chosen, models=[bundle], splits=[split], out=done, progress=tell(f"scanning {split}"))
    return done


def cost(folder: Path) -> dict[str, Any]:
    """What a run costs: to learn, to hold, to run.

    Returns:
        "parameters" in all and "trained" of them; "pictures_per_s" of training, the mean over all epochs, or None for
        frozen backbones, which described their pictures before it began; and
        "ms_per_picture", the median time of one picture through the exported graph on all usable cores of "machine",
        decoding and cutting not counted.
    """
    recipe, model = runs.load(folder)
    session = Session(folder / BUNDLE / "model.onnx")
    one = export.golden_inputs(recipe)[:1]
    session.run(one)
    times = []
    for _ in range(_TIMED):
        began = time.perf_counter()
        session.run(one)
        times.append(time.perf_counter() - began)
    speeds = [line["pictures_per_s"] for line in runs.lines(folder)]
    here = machine()
    return {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "trained": export.learned(recipe, model, runs.epochs_done(folder)),
        "pictures_per_s": None if recipe.model.frozen else round(statistics.harmonic_mean(speeds), 1),
        "ms_per_picture": round(statistics.median(times) * 1000, 2),
        "machine": f"{here.cpu}, {here.threads} threads",
    }


def _claim(folder: Path, table: Path, sources: Sequence[str]) -> None:
    """Stages that are done are not done again, so what they were done on must not change under them."""
    data = {"manifest_sha256": sha256(table), "sources": sorted(sources)}
    path = folder / DATA
    there = path.is_file() and (folder / runs.STATE).is_file()  # what has learned nothing may begin on other data
    if there and json.loads(path.read_text(encoding="utf-8")) != data:
        raise UsageError(f"{folder} holds an experiment on other data: choose another folder, or remove this one")
    folder.mkdir(parents=True, exist_ok=True)
    runs.write(path, json.dumps(data, indent=2) + "\n")


def listed(table: Path, folder: Path, sources: Sequence[str], *, progress: Callable[[int, int], None]) -> Path:
    """The table of an experiment: the one that was given, where it is whole and all of it is wanted.

    Else one in `folder`, of the named sources alone, its splits completed where some are missing.

    Raises:
        ManifestError: The table cannot be used, or no item has one of the sources.
    """
    everything = manifest.read(table)
    unknown = set(sources) - {item.source for item in everything}
    if unknown:
        raise ManifestError(f"no item has the source {', '.join(sorted(unknown))}")
    items = [item for item in everything if not sources or item.source in sources]
    if not {"train", "val", "test"} <= {item.split for item in items} or not all(item.split for item in items):
        return originals.write(items, folder, progress=progress)
    if not sources:
        return table
    folder.mkdir(parents=True, exist_ok=True)
    manifest.write(folder / TABLE, items)
    return folder / TABLE


def _calibrated(bundle: Path) -> bool:
    card = bundle / "card.json"
    return card.is_file() and Card.read(card).calibration.set != export.UNCALIBRATED


def _evaluated(done: Path, bundle: Path, split: str) -> bool:
    """Whether this very network was measured on that split."""
    if not (done / FILE).is_file():
        return False
    pinned, card = EvaluationManifest.read(done / FILE), Card.read(bundle / "card.json")
    return pinned.data.splits == (split,) and [one.sha256 for one in pinned.models] == [card.sha256]


def _made(path: Path) -> float:
    return path.stat().st_mtime if path.is_file() else 0.0

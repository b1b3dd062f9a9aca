"""From a manifest to a hybrid in a folder, and from a hybrid to its figures on files that it has not seen."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from unmask import __version__, ensemble, joining, manifest, thresholding
from unmask.card import Figure
from unmask.hybrid import FILE, Hybrid, HybridCard
from unmask.hybrid_data import Collected, collected, listened, networks_of
from unmask.hybrid_fit import Examples, Gain, Kind, calibrated, demand_extras, gain, where_it_helps, write
from unmask.manifest import FAKE, REAL
from unmask.metrics import Floats, Interval, share
from unmask.scan import Scanner

Progress = Callable[[int, int], None]

NETWORKS: Final = "networks.jsonl"
_LIMITS: Final = (
    "metadata are worth what they were worth in the files it was learned on: where more are forged, it errs more",
    "anybody can write or remove metadata; a forger who knows this model turns it around",
    "it read JPEG files of one kind of coding, unless the files it was learned on were of several",
)


def learn(
    table: Path,
    out: Path,
    *,
    kind: Kind = "logistic",
    models: Sequence[str | Path] = (),
    progress: Progress | None = None,
) -> HybridCard:
    """Learn a hybrid on the val split of a manifest, whose files the networks have not learned from.

    Args:
        table: Pictures with their metadata as they are met.
        out: Folder for model.onnx, hybrid.json and golden.npz, and for what the networks said; made if missing.
        kind: Logistic regression, or gradient-boosted trees.
        models: Detectors, as for `Scanner`.
        progress: Called with files asked and files in all.

    Raises:
        ManifestError: The manifest cannot be used, or val lacks a class.
        UsageError: The files are too few, metadata did not help, or `out` holds what other networks said.
        MissingExtraError: scikit-learn or skl2onnx is not installed.
    """
    demand_extras()
    manifest.read(table)  # what is wrong with it is said before a folder is made
    out.mkdir(parents=True, exist_ok=True)
    with Scanner(models, provenance=False) as scanner:
        found = _collected(table, "val", scanner, out, progress)
        networks, rule = networks_of(scanner.bundles), ensemble.rule(scanner.bundles)
    examples, set_name = found.split("val"), f"val of {table.name}"
    fitted, scores = where_it_helps(examples, kind)
    calibration, probabilities = calibrated(examples, scores, set_name)
    thresholds = thresholding.choose(examples.labels, probabilities)
    typed = shlex.join(
        ["unmask", "hybrid", "learn", table.name, out.name, *(["--kind", kind] if kind != "logistic" else [])]
    )
    card = HybridCard(
        version=__version__,
        kind=kind,
        summary="what networks say of a picture, and what its file says of its compression and its origin",
        networks=networks,
        rule=rule,
        terms=fitted.terms,
        learned_on=f"{len(examples.labels):,} files of {set_name}, by folds; {found.left_out:,} left out",
        calibration=calibration,
        thresholds=thresholds,
        metrics=_figures(examples, gain(examples, examples.networks, scores), f"{set_name}, out of fold", typed),
        limits=_LIMITS,
        sha256="",
    )
    return write(out, card, fitted, examples.facts)


def evaluate(
    folder: Path,
    table: Path,
    *,
    split: str = "test",
    models: Sequence[str | Path] = (),
    record: bool = False,
    progress: Progress | None = None,
) -> tuple[Figure, ...]:
    """Measure a hybrid against the networks alone, on the same files.

    Args:
        folder: The hybrid.
        table: Pictures with their metadata.
        split: Which of them.
        models: Detectors, those it was learned on.
        record: Whether to write the figures into its card.
        progress: Called with files asked and files in all.

    Raises:
        ManifestError: The manifest cannot be used, or the split lacks a class.
        UsageError: There is no hybrid, or it was learned on other networks.
        BundleError: It is damaged.
    """
    loaded = Hybrid(folder)
    with Scanner(models, provenance=False) as scanner:
        loaded.demand({one.name: one.sha256 for one in networks_of(scanner.bundles)}, ensemble.rule(scanner.bundles))
        found = _collected(table, split, scanner, folder, progress)
    examples = found.split(split)
    scores = np.asarray(loaded.logits(examples.facts), np.float64)
    on = f"{split} of {table.name}"
    typed = shlex.join(["unmask", "hybrid", "evaluate", folder.name, table.name, "--split", split])
    probabilities = 1 / (1 + np.exp(-joining.applied(loaded.card.calibration, scores)))
    figures = (
        *_figures(examples, gain(examples, examples.networks, scores), on, typed),
        *_calls(examples, probabilities, loaded.card, on, typed),
    )
    if record:
        card = loaded.card.model_copy(update={"metrics": (*loaded.card.metrics, *figures)})
        (folder / FILE).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return figures


def _collected(table: Path, split: str, scanner: Scanner, out: Path, progress: Progress | None) -> Collected:
    items = manifest.in_split(manifest.read(table), split)
    names = [_known_by(item.path) for item in items]
    return collected(items, names, listened(scanner, items, names, out / NETWORKS, progress))


def _known_by(path: Path) -> str:
    """The hash of a file's bytes, so that what networks said of another one that lay there is not taken for its own."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return str(path)


def _figures(examples: Examples, found: Gain, on: str, command: str) -> tuple[Figure, ...]:
    names = ("AUC of the networks alone", "AUC of the hybrid", "AUC gained by metadata")
    return tuple(_figure(name, on, one, examples, command) for name, one in zip(names, found, strict=True))


def _calls(examples: Examples, probabilities: Floats, card: HybridCard, on: str, command: str) -> tuple[Figure, ...]:
    called = probabilities >= card.thresholds.fake_above
    parts = [
        (name, examples.labels == label) for name, label in (("real photos called fake", REAL), ("fakes found", FAKE))
    ]
    return tuple(
        _figure(name, on, share(int(called[mine].sum()), int(mine.sum())), examples, command) for name, mine in parts
    )


def _figure(name: str, on: str, one: Interval, examples: Examples, command: str) -> Figure:
    fakes = int(examples.labels.sum())
    counts = {"reals": len(examples.labels) - fakes, "fakes": fakes}
    return Figure(name=name, on=on, value=one.value, low=one.low, high=one.high, command=command, **counts)

"""How much is left of a detector after what happens to pictures: a curve for each family of perturbations.

Everything about a perturbation is measured on the files that were scored both before and after it. Original and copy
are redrawn together, so the interval of a loss is about the loss and not about the set.
"""

from __future__ import annotations

import csv
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from unmask import evaluate, perturb, resampling
from unmask.confusion import HALF, weighed
from unmask.evaluate import Progress
from unmask.metrics import Floats, Interval
from unmask.resampling import Counts
from unmask.scored import both_classes, counts, ranked, ranked_by, scored
from unmask.scores import Row

FILE: Final = "robustness.csv"
PAGE: Final = "robustness.md"
ORIGINAL: Final = "original"

_MEASURES: Final = ("auc", "accuracy", "auc_lost")


@dataclass(frozen=True)
class Point:
    """One perturbation's point on the curve of its family.

    Attributes:
        family: "jpeg", "h264", ...; "original" for the files as they are.
        strength: What the family varies, as in `perturb.Perturbation`; None for the originals.
        perturbation: Its name; "" for the originals.
        auc: Of the copies.
        accuracy: Of the copies, at one half of the calibrated probability.
        auc_lost: AUC of the same files as they were, minus that of the copies.
        reals: Real photos that were scored both times.
        fakes: Likewise.
        unscored: Files that were scored before and no longer.
        by: What the AUC ranks, in words.
    """

    family: str
    strength: float | None
    perturbation: str
    auc: Interval
    accuracy: Interval
    auc_lost: Interval
    reals: int
    fakes: int
    unscored: int
    by: str


def robustness(
    manifest: Path,
    *,
    models: Sequence[str | Path] = (),
    splits: Sequence[str] = ("test",),
    out: Path,
    families: Sequence[str] = (),
    limit: int | None = None,
    progress: Progress | None = None,
) -> list[Point]:
    """Scan files and perturbed copies of them, and measure what is left.

    Args:
        manifest: The table of the original files.
        models: As for `evaluate`.
        splits: Which splits to scan.
        out: Folder for robustness.csv, robustness.md and all that `evaluate` writes; made if missing.
        families: Which families; all when empty.
        limit: At most so many files, balanced and chosen by hash, as `evaluate.sample` does.
        progress: Called with files scanned and files in all, copies included.

    Raises:
        ManifestError: As for `evaluate`.
        UsageError: No such family or model, or a limit that leaves nothing.
    """
    names = [name for members in perturb.families(families).values() for name in members]
    words = ["unmask", "robustness", manifest.name]
    words += [word for model in models for word in ("--model", Path(model).name)]
    words += [word for split in splits for word in ("--split", split)]
    words += [word for family in families for word in ("--family", family)]
    words += ["--limit", str(limit)] if limit else []
    found = evaluate.evaluate(
        manifest,
        models=models,
        splits=splits,
        out=out,
        perturbations=names,
        limit=limit,
        command=shlex.join(words),
        progress=progress,
    )
    curves = points(found.rows)
    write(out / FILE, curves)
    (out / PAGE).write_text(to_markdown(curves), encoding="utf-8")
    return curves


def points(rows: Iterable[Row]) -> list[Point]:
    """The originals' point, then one for each perturbation, family by family and the least change first.

    Perturbations after which a class has no scores left have no point.
    """
    table = list(rows)
    originals = {(one.split, one.path): one for one in scored(table) if not one.perturbation}
    if not both_classes(originals.values()):
        return []
    everything = list(originals.values())
    found = [_point(everything, everything, ORIGINAL, None, "", 0)]
    for family, names in perturb.families(one.family for one in perturb.PERTURBATIONS.values()).items():
        for name in names:
            copies = [one for one in scored(table) if one.perturbation == name]
            twice = [one for one in copies if (one.split, one.path) in originals]
            if both_classes(twice):
                before = [originals[one.split, one.path] for one in twice]
                strength = perturb.PERTURBATIONS[name].strength
                found.append(_point(before, twice, family, strength, name, len(originals) - len(twice)))
    return found


def write(path: Path, curves: Iterable[Point]) -> None:
    """Write the points as CSV, numbers in full: a line each, with the ends of every interval."""
    intervals = (name + end for name in _MEASURES for end in ("", "_low", "_high"))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("family", "strength", "perturbation", *intervals, "reals", "fakes", "unscored", "by"))
        for one in curves:
            numbers = (repr(end) for interval in (one.auc, one.accuracy, one.auc_lost) for end in interval)
            strength = "" if one.strength is None else f"{one.strength:g}"
            counted = (one.reals, one.fakes, one.unscored)
            writer.writerow((one.family, strength, one.perturbation, *numbers, *counted, one.by))


def to_markdown(curves: Iterable[Point]) -> str:
    """The points as a Markdown table."""
    lines = ["| family | strength | AUC | accuracy at 0.5 | AUC lost | real | fake | unscored |", "|---" * 8 + "|"]
    for one in curves:
        strength = "" if one.strength is None else f"{one.strength:g}"
        lost = "" if one.family == ORIGINAL else _shown(one.auc_lost)
        cells = (one.family, strength, _shown(one.auc), _shown(one.accuracy), lost)
        lines.append("| " + " | ".join([*cells, *map(str, (one.reals, one.fakes, one.unscored))]) + " |")
    return "\n".join(lines) + "\n"


def _point(
    before: Sequence[Row], after: Sequence[Row], family: str, strength: float | None, name: str, unscored: int
) -> Point:
    truth, now = ranked(after)
    was = ranked(before)[1]
    called = np.array([(one.probability or 0.0) >= HALF for one in after])

    def measure(drawn: Counts) -> dict[str, Floats]:
        left = resampling.auc(truth, now, drawn)
        accuracy = weighed(truth, called, drawn).accuracy
        return {"auc": left, "accuracy": accuracy, "auc_lost": resampling.auc(truth, was, drawn) - left}

    reals, fakes = counts(after)
    found = resampling.intervals(truth, measure)
    return Point(
        family=family,
        strength=strength,
        perturbation=name,
        reals=reals,
        fakes=fakes,
        unscored=unscored,
        by=ranked_by(after),
        **found,
    )


def _shown(interval: Interval) -> str:
    return f"{interval.value:.3f} ({interval.low:.3f} to {interval.high:.3f})"

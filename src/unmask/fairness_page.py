"""Scan the people of a manifest, and write what `fairness` finds: a table for programs and a page for people."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from unmask import evaluate
from unmask import manifest as table
from unmask.evaluate import Evaluation, Progress
from unmask.fairness import LEAST, Fairness, check, fairness
from unmask.metrics import Interval

FILE: Final = "fairness.csv"
PAGE: Final = "fairness.md"


def evaluate_fairness(
    manifest: Path,
    by: Sequence[str],
    *,
    models: Sequence[str | Path] = (),
    splits: Sequence[str] = ("fairness",),
    out: Path,
    least: int = LEAST,
    limit: int | None = None,
    progress: Progress | None = None,
) -> tuple[Fairness, Evaluation]:
    """Scan the files of a manifest and rate groups of people.

    Args:
        manifest: The table of the original files, with columns that say who is in them.
        by: As for `fairness`.
        models: As for `evaluate`.
        splits: Which splits to scan.
        out: Folder for fairness.csv, fairness.md and all that `evaluate` writes; made if missing.
        least: As for `fairness`.
        limit: As for `evaluate`.
        progress: Called with files scanned and files in all.

    Raises:
        ManifestError: As for `evaluate`.
        UsageError: As for `fairness`, before anything is scanned; or no such model.
    """
    check([item.attributes for item in evaluate.select(table.read(manifest), splits)], by, least)
    words = ["unmask", "fairness", manifest.name]
    words += [word for columns in by for word in ("--by", columns)]
    words += [word for model in models for word in ("--model", Path(model).name)]
    words += [word for split in splits for word in ("--split", split)]
    words += ["--limit", str(limit)] if limit else []
    words += ["--least", str(least)] if least != LEAST else []
    command = shlex.join(words)
    scanned = evaluate.evaluate(
        manifest, models=models, splits=splits, out=out, limit=limit, command=command, progress=progress
    )
    found = fairness(scanned.rows, by, least=least)
    write(out / FILE, found)
    (out / PAGE).write_text(to_markdown(found), encoding="utf-8")
    return found, scanned


def write(path: Path, found: Fairness) -> None:
    """Write the rates as CSV, numbers in full; groups that are not rated have none."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("error", "at", "by", "group", "errors", "of", "rate", "low", "high"))
        for one in found.rates:
            ends = map(repr, one.rate) if one.rate else ("", "", "")
            writer.writerow((one.error, one.at, one.by, one.group, one.errors, one.of, *ends))


def to_markdown(found: Fairness) -> str:
    """The largest gaps, the rates and the notes, as Markdown."""
    lines = ["| largest gap in | at | by | highest | lowest | gap | by chance up to |", "|---" * 7 + "|"]
    for one in found.gaps:
        cells = (one.error, one.at, one.by, one.highest, one.lowest, _shown(one.gap), f"{one.by_chance:.1%}")
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "| error | at | by | group | rate | of |", "|---" * 6 + "|"]
    for each in found.rates:
        shown = _shown(each.rate) if each.rate else "too few"
        lines.append(f"| {each.error} | {each.at} | {each.by} | {each.group} | {shown} | {each.of} |")
    return "\n".join([*lines, "", *found.notes]).rstrip() + "\n"


def _shown(interval: Interval) -> str:
    return f"{interval.value:.1%} ({interval.low:.1%} to {interval.high:.1%})"

"""Risk against coverage as files: a table for people, one for programs, and the two plots."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

from unmask import metrics, risk
from unmask.comparison import pictures, plots
from unmask.errors import UsageError
from unmask.metrics import Interval
from unmask.risk import Risk, Rule
from unmask.scores import read_scores

TABLE: Final = "risk.md"
CURVE: Final = "risk.csv"
RISK_PLOT, RELIABILITY_PLOT = "risk-coverage", "reliability"


def write(scores: Path, out: Path, *, split: str = "test", most: float | None = None) -> str:
    """Write risk.md, risk.csv, risk-coverage.svg and .png, reliability.svg and .png into a folder, made if missing.

    Args:
        scores: A table that `scores.write_scores` wrote.
        out: The folder.
        split: Whose files.
        most: As for `risk.measure`.

    Returns:
        What risk.md says.

    Raises:
        ManifestError: The table cannot be read, or the split holds no scored files of one of the classes.
        UsageError: No thresholds keep the errors so few, or the folder cannot be made.
        MissingExtraError: matplotlib is not installed.
    """
    rows = read_scores(scores)
    found = risk.measure(rows, split, most)
    error = metrics.calibration_error(found.items.truth, found.items.claimed)
    panels = {
        RISK_PLOT: plots.risk_coverage(f"Risk and coverage, {split}", found),
        RELIABILITY_PLOT: plots.claims(f"Reliability, {split}", [found.items], error),
    }
    text = to_markdown(found, error)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, panel in panels.items():
            pictures.save(panel, out / name)
        (out / TABLE).write_text(text, encoding="utf-8")
        _write_curve(out / CURVE, found)
    except OSError as problem:
        raise UsageError(f"{out}: nothing can be written there: {problem.strerror}") from problem
    return text


def to_markdown(found: Risk, calibration_error: float) -> str:
    """The table, with what it is about and what the thresholds in use come to."""
    truth = found.items.truth
    reals, fakes = int((truth == 0).sum()), int((truth == 1).sum())
    lost = f" {found.unscored} more have no score." if found.unscored else ""
    lines = [
        f"# Risk and coverage, {found.on}",
        "",
        f"{reals:,} real photos and {fakes:,} fakes, called fake from a probability of one half on.{lost}",
        "",
        f"- AURC {_decimals(found.area)}; with the same errors and perfect knowledge of them: {found.best:.4f}",
        f"- Errors where none is withheld: {found.error:.1%}",
        f"- Expected calibration error, {metrics.BINS} bins: {calibration_error:.3f}",
        "",
        "| withheld, the least sure | kept | wrong among them | reals called fake | fakes called real | least sure |",
        "|---|---|---|---|---|---|",
    ]
    for one in found.rests:
        wrong = f"{_count(one.reals_called_fake)} | {_count(one.fakes_called_real)}"
        kept = f"{one.withheld:.0%} | {_count(one.kept)}"
        lines.append(f"| {kept} | {_percent(one.risk)} | {wrong} | {one.least_sure:.3f} |")
    lines += ["", "| thresholds | get a verdict | wrong among them | reals called fake | fakes called real |"]
    lines += ["|---|---|---|---|---|", *(_rule(rule) for rule in found.rules)]
    return "\n".join(lines) + "\n"


def _rule(rule: Rule) -> str:
    risk_here = _percent(rule.risk) if rule.risk else "none given"
    wrong = f"{rule.reals_called_fake} | {rule.fakes_called_real}"
    return f"| {rule.name} | {_percent(rule.coverage)} | {risk_here} | {wrong} |"


def _write_curve(path: Path, found: Risk) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("coverage", "risk", "low", "high"))
        writer.writerows(
            (f"{x:.4f}", *(f"{y:.6f}" for y in ys)) for x, ys in zip(risk.GRID, found.curve.T, strict=True)
        )


def _percent(one: Interval) -> str:
    return f"{one.value:.1%} ({one.low:.1%} to {one.high:.1%})"


def _decimals(one: Interval) -> str:
    return f"{one.value:.4f} ({one.low:.4f} to {one.high:.4f})"


def _count(value: float) -> str:
    """Whole where it is; an expected count where files are equally sure."""
    return f"{value:,.1f}".removesuffix(".0")

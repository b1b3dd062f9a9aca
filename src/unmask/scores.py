"""The table between scanning and figures: one row for each file that was scanned, whatever became of it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL, Item
from unmask.types import Report, Status

_TEXT: Final = ("method", "source", "split", "perturbation", "status", "message", "detector", "verdict")
_COLUMNS: Final = ("path", "label", "logit", "probability", *_TEXT)
_NAMES: Final = {REAL: "real", FAKE: "fake"}


@dataclass(frozen=True)
class Row:
    """One scanned file.

    Attributes:
        path: As the manifest names it.
        label: 1 is fake.
        method: The generator, or "real".
        source: The collection it came from.
        split: The split it is in.
        perturbation: What was done to the file before scanning; "" for the original.
        status: Whether it could be judged at all (`unmask.types.Status`).
        message: Why it could not be judged, or why its verdict abstains.
        detector: The detector that decided; "" where none could.
        logit: Its pooled score; None where none could.
        probability: Its calibrated probability; None where none could.
        verdict: real, fake or uncertain; "" where the status is not ok.
        attributes: Further columns of the manifest.
    """

    path: str
    label: int
    method: str = ""
    source: str = ""
    split: str = ""
    perturbation: str = ""
    status: str = Status.OK.value
    message: str = ""
    detector: str = ""
    logit: float | None = None
    probability: float | None = None
    verdict: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


def row(item: Item, report: Report, perturbation: str = "") -> Row:
    """What a report says about a labelled item: what was seen or heard, whatever the file declares about itself."""
    verdict = (report.provenance.raw if report.provenance else None) or report.verdict
    score = report.scores.get(verdict.detector) if verdict and verdict.detector else None
    abstained = verdict.reason if verdict and score is None else ""
    return Row(
        path=str(item.path),
        label=item.label,
        method=item.method,
        source=item.source,
        split=item.split,
        perturbation=perturbation,
        status=report.status.value,
        message=report.message or abstained,
        detector=(verdict.detector or "") if verdict else "",
        logit=score.logit if score else None,
        probability=score.probability if score else None,
        verdict=verdict.label.value if verdict else "",
        attributes=item.attributes,
    )


def write_scores(path: Path, rows: Iterable[Row]) -> None:
    """Write the table as CSV; numbers in full, so that it reads back the same."""
    listed = list(rows)
    extra = sorted({name for one in listed for name in one.attributes} - set(_COLUMNS))
    with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*_COLUMNS, *extra))
        for one in listed:
            cells = (_cell(name, getattr(one, name)) for name in _COLUMNS)
            writer.writerow((*cells, *(one.attributes.get(name, "") for name in extra)))


def read_scores(path: Path) -> list[Row]:
    """Read a table that `write_scores` wrote.

    Raises:
        ManifestError: It cannot be read, lacks a column, or holds something that is no number or label.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            missing = set(_COLUMNS) - set(reader.fieldnames or ())
            if missing:
                raise ManifestError(f"{path} is no table of scores: it has no column {', '.join(sorted(missing))}")
            return [_row(path, line, cells) for line, cells in enumerate(reader, start=2)]
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"the scores {path} cannot be read: {error}") from error


def _row(path: Path, line: int, cells: dict[str, str]) -> Row:
    labels = {name: label for label, name in _NAMES.items()}
    try:
        return Row(
            path=cells["path"],
            label=labels[cells["label"]],
            logit=float(cells["logit"]) if cells["logit"] else None,
            probability=float(cells["probability"]) if cells["probability"] else None,
            attributes={name: value for name, value in cells.items() if name not in _COLUMNS},
            **{name: cells[name] for name in _TEXT},
        )
    except (KeyError, ValueError) as error:
        raise ManifestError(f"{path}, line {line}: {error} is neither a number nor a label") from error


def _cell(name: str, value: str | float | int | None) -> str:
    if name == "label":
        return _NAMES[int(value or 0)]
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)

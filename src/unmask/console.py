"""What a scan looks like on a terminal: lines for people, JSON for programs, a bar while it lasts."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, Literal

from unmask.types import Evidence, Report
from unmask.wording import visible

Form = Literal["people", "json", "jsonl"]

_COLOURS: Final = {"fake": 31, "real": 32, "uncertain": 33, "not judged": 35}  # ANSI: red, green, yellow, magenta
_DIM: Final = 2


def coloured() -> bool:
    """Whether stdout may be coloured: a terminal, and the user did not object (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def label(report: Report) -> str:
    """The verdict's label, or that there is none."""
    return report.verdict.label.value if report.verdict else "not judged"


def line(report: Report, *, colour: bool = False) -> str:
    """One report in one line: verdict, probability of fake, faces, path, reason. Safe for any terminal."""
    probability = report.verdict.probability if report.verdict else None
    reason = report.verdict.reason if report.verdict else f"{_words(report.status)}: {report.message}"
    word = label(report)
    return "  ".join(
        (
            _paint(f"{word:<10}", _COLOURS[word], colour),
            f"{_short(probability):>5}",
            f"{_faces(report.faces):>8}",
            visible(report.source.path),
            _paint(f"({visible(reason)})", _DIM, colour),
        )
    )


def evidence_line(evidence: Evidence) -> str:
    """One finding in one line, indented under its file."""
    box = evidence.region.box_px
    where = f"x {box[0]} to {box[2]}, y {box[1]} to {box[3]}: " if box else ""
    rank = "" if evidence.votes or evidence.logit is None else " (information only)"
    return visible(f"    {evidence.detector}: {where}{evidence.sentence}{rank}")


def tally(counts: Counter[str]) -> str:
    """How many files got which answer, as one sentence."""
    parts = ", ".join(f"{counts[word]} {word}" for word in _COLOURS if counts[word])
    return f"{counts.total()} {'file' if counts.total() == 1 else 'files'}: {parts or 'nothing to scan'}"


@contextmanager
def writer(form: Form, *, evidence: bool = False) -> Iterator[Callable[[Report], None]]:
    """Give a function that writes one report to stdout, at once.

    With "json" the reports become the elements of one array, which is closed however the scan ends.
    """
    colour = coloured()
    count = 0

    def put(report: Report) -> None:
        nonlocal count
        if form == "people":
            lines = [line(report, colour=colour), *(evidence_line(e) for e in report.evidence if evidence)]
            text = "\n".join(lines) + "\n"
        else:
            # ASCII, so that neither an encoding nor a control character in a name can harm the terminal.
            text = json.dumps(report.to_dict(), ensure_ascii=True, allow_nan=False)
            text = text + "\n" if form == "jsonl" else (",\n" if count else "\n") + text
        count += 1
        _write(text)

    if form != "json":
        yield put
        return
    with uninterrupted():
        _write("[")
    try:
        yield put
    finally:
        with uninterrupted():
            _write("\n]\n")


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold an interrupt back until the block is done, so that no record is cut in two; a second one is not held."""
    held: list[int] = []

    def hold(number: int, frame: FrameType | None) -> None:
        if held:
            raise KeyboardInterrupt
        held.append(number)

    before = signal.signal(signal.SIGINT, hold)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if held:
        raise KeyboardInterrupt


@contextmanager
def progress(count: Callable[[], int | None], *, shown: bool) -> Iterator[Callable[[], None]]:
    """Give a function to call after each file; it moves a bar on stderr, where that is a terminal.

    Args:
        count: Says how many files there are, or None where nobody knows yet; asked only if the bar is drawn.
        shown: Whether a bar is wanted at all.
    """
    if not shown or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("scanning"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # Lines for a terminal must pass through the bar, which would be torn otherwise; lines for a pipe must not.
    bar = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty())
    with bar:
        task = bar.add_task("scanning", total=count())
        yield lambda: bar.advance(task)


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _words(status: str) -> str:
    return status.replace("_", " ")


def _faces(count: int | None) -> str:
    return "-" if count is None else f"{count} {'face' if count == 1 else 'faces'}"


def _short(probability: float | None) -> str:
    """Two decimals; never 1.00 or 0.00, for no detector is that sure."""
    if probability is None:
        return "-"
    return ">0.99" if probability > 0.99 else "<0.01" if probability < 0.01 else f"{probability:.2f}"


def _paint(text: str, code: int, colour: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colour else text

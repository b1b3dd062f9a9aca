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

from unmask import timeline
from unmask.detectors import provenance
from unmask.sparkline import BLOCKS, marks_for, sparkline
from unmask.types import Evidence, Report, Track, Voice
from unmask.wording import to_the_second, visible

Form = Literal["people", "json", "jsonl"]

_COLOURS: Final = {"fake": 31, "real": 32, "uncertain": 33, "not judged": 35}  # ANSI: red, green, yellow, magenta
_DIM: Final = 2
SPARKLINE_MOST: Final = 32
"""Characters of a curve at most, so that a person's line fits the usual 80."""


def coloured() -> bool:
    """Whether stdout may be coloured: a terminal, and the user did not object (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def label(report: Report) -> str:
    """The verdict's label, or that there is none."""
    return report.verdict.label.value if report.verdict else "not judged"


def line(report: Report, *, colour: bool = False) -> str:
    """One report in one line: verdict, probability of fake, faces, path, reason. Safe for any terminal.

    Of a video persons and duration take the place of the faces, of a recording that there is a voice, and its duration.
    """
    probability = report.verdict.probability if report.verdict else None
    reason = report.verdict.reason if report.verdict else f"{_words(report.status)}: {report.message}"
    if suspicious := provenance.suspicions(report.provenance.findings if report.provenance else ()):
        reason += f"; suspicious in the file itself: {', '.join(suspicious)}"
    word = label(report)
    return "  ".join(
        (
            _paint(f"{word:<10}", _COLOURS[word], colour),
            f"{_short(probability):>5}",
            f"{_seen(report):>8}",
            visible(report.source.path),
            _paint(f"({visible(reason)})", _DIM, colour),
        )
    )


def track_lines(report: Report, *, everyone: bool = False, colour: bool = False, marks: str = BLOCKS) -> list[str]:
    """A line for each person and for the voice, indented under the file: seconds, a curve, what is said of them.

    Args:
        report: Of a photo, there is no line.
        everyone: Whether to show all that a video has, not only the person or the voice that decided.
        colour: Whether to colour the label.
        marks: What the curve is drawn with (`unmask.sparkline`).
    """
    if report.verdict is None:
        return []
    video, voice = report.video, report.voice if _voice_is_shown(report, everyone) else None
    number = report.verdict.region.track if report.verdict.region else None
    tracks = [track for track in video.tracks if everyone or track.number == number] if video else []
    curves = [sparkline(timeline.columns(video, track, SPARKLINE_MOST), marks) for track in tracks if video]
    heard = sparkline(timeline.heard(voice, SPARKLINE_MOST), marks) if voice else ""
    widest = max(map(len, [*curves, heard]))
    lines = [_track_line(track, f"{curve:<{widest}}", colour) for track, curve in zip(tracks, curves, strict=True)]
    return [*lines, _voice_line(voice, f"{heard:<{widest}}", colour)] if voice else lines


def evidence_line(evidence: Evidence) -> str:
    """One finding in one line, indented under its file."""
    box = evidence.region.box_px
    places = [timeline.when(evidence.region), f"x {box[0]} to {box[2]}, y {box[1]} to {box[3]}" if box else None]
    where = "".join(f"{place}: " for place in [", ".join(filter(None, places))] if place)
    rank = "" if evidence.votes or evidence.logit is None else " (information only)"
    return visible(f"    {evidence.detector}: {where}{evidence.sentence}{rank}")


def statement_lines(report: Report) -> list[str]:
    """What the file says about itself, a line for each finding, and what was not done with it, indented under it."""
    findings = report.provenance.findings if report.provenance else ()
    lines = [f"    the file ({one.kind}): {one.where}: {one.sentence}{_quote(one.quote)}" for one in findings]
    return [visible(one) for one in [*lines, *([f"    {report.skipped.sentence}"] if report.skipped else [])]]


def tally(counts: Counter[str]) -> str:
    """How many files got which answer, as one sentence."""
    parts = ", ".join(f"{counts[word]} {word}" for word in _COLOURS if counts[word])
    return f"{counts.total()} {'file' if counts.total() == 1 else 'files'}: {parts or 'nothing to scan'}"


@contextmanager
def writer(form: Form, *, evidence: bool = False, everyone: bool = False) -> Iterator[Callable[[Report], None]]:
    """Give a function that writes one report to stdout, at once.

    With "json" the reports become the elements of one array, which is closed however the scan ends.

    Args:
        form: How a report is written.
        evidence: For people, whether to write what each detector found. Single looks at a person, and single windows
            of sound, are left to the line of that person or of the voice.
        everyone: For people, whether to write a line for every person of a video and for its voice, not only for who
            decided.
    """
    colour, marks = coloured(), marks_for(sys.stdout.encoding)
    count = 0

    def put(report: Report) -> None:
        nonlocal count
        if form == "people":
            lines = [line(report, colour=colour)]
            lines += track_lines(report, everyone=everyone, colour=colour, marks=marks)
            if evidence:
                lines += [evidence_line(e) for e in report.evidence if not timeline.is_one_look(e)]
                lines += statement_lines(report)
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


def _track_line(track: Track, curve: str, colour: bool) -> str:
    word, probability, most = track.verdict.label.value, track.verdict.probability, timeline.highest(track)
    said = f"{_paint(word, _COLOURS[word], colour)} {_short(probability)}"
    seconds = f"{to_the_second(track.start_s)}-{to_the_second(track.end_s)}"
    at = f", highest at {to_the_second(most.time_s)}" if most else ""
    return f"    person {track.number}  {seconds}  {curve}  {said}{at}"


def _voice_is_shown(report: Report, everyone: bool) -> bool:
    """Of a recording, where any of it was listened to; of a video, where asked for, or where the voice decided."""
    if report.voice is None or report.verdict is None:
        return False
    if report.video is None:
        return bool(report.voice.stretches)
    decider = report.voice.verdict.detector
    return everyone or (decider is not None and decider == report.verdict.detector)


def _voice_line(voice: Voice, curve: str, colour: bool) -> str:
    verdict, found = voice.verdict, timeline.seconds(voice.verdict.region)
    said = f"{_paint(verdict.label.value, _COLOURS[verdict.label.value], colour)} {_short(verdict.probability)}"
    span = f"0:00-{to_the_second(voice.duration_s)}"
    most = f", most at {to_the_second(found[0])} to {to_the_second(found[1])}" if found else ""
    why = "" if verdict.probability is not None else f"  {_paint(f'({visible(verdict.reason)})', _DIM, colour)}"
    return f"    {'voice':<8}  {span}  {curve}  {said}{most}{why}"


def _words(status: str) -> str:
    return status.replace("_", " ")


def _seen(report: Report) -> str:
    if report.video is None and report.voice is not None:
        return f"{'voice' if report.voice.speech_s else '-'}  {to_the_second(report.voice.duration_s)}"
    if report.faces is None:
        count = "-"
    else:
        one, many = ("face", "faces") if report.video is None else ("person", "persons")
        count = f"{report.faces} {one if report.faces == 1 else many}"
    return count if report.video is None else f"{count}  {to_the_second(report.video.duration_s)}"


def _short(probability: float | None) -> str:
    """Two decimals; never 1.00 or 0.00, for no detector is that sure."""
    if probability is None:
        return "-"
    return ">0.99" if probability > 0.99 else "<0.01" if probability < 0.01 else f"{probability:.2f}"


def _quote(words: str | None) -> str:
    return f' ("{words}")' if words else ""


def _paint(text: str, code: int, colour: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colour else text

"""The verb `scan`: photos, videos and recordings, judged, for people and for programs. `cli` adds it to the command.

Exit codes: 0 done; 1 some file could not be judged; 2 wrong use; 3 `--fail-on` matched; 130 interrupted.
"""

from __future__ import annotations

import io
import os
import sys
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from unmask.errors import UsageError

if TYPE_CHECKING:
    from unmask.scan import Scanner
    from unmask.types import Report

STDIN: Final = "-"
_CHUNK_BYTES: Final = 2**16

UNJUDGED, MATCHED, INTERRUPTED = 1, 3, 130


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(scan)


class FailOn(StrEnum):
    """What `--fail-on` waits for; `uncertain` includes fake."""

    FAKE = "fake"
    UNCERTAIN = "uncertain"


def scan(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH", help="Photos, videos, recordings, or folders of them; - from stdin."),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array of reports.")] = False,
    as_jsonl: Annotated[bool, typer.Option("--jsonl", help="Print one JSON report a line, each at once.")] = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a page with pictures and evidence.")
    ] = None,
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Ask every detector about every file, and show what each one found.")
    ] = False,
    stability: Annotated[
        bool, typer.Option("--stability", help="Let only a verdict stand that changed copies share; five times slower.")
    ] = False,
    frames: Annotated[int, typer.Option(metavar="N", min=1, help="Frames of a video to look at, spread over it.")] = 32,
    max_seconds: Annotated[
        float | None,
        typer.Option(metavar="S", min=0.0, help="Judge no more than the first S seconds of a video or a recording."),
    ] = None,
    tracks: Annotated[
        bool,
        typer.Option("--tracks", help="Show a line for every person of a video and for its voice."),
    ] = False,
    fail_on: Annotated[
        FailOn | None, typer.Option(help="Exit with 3 if any file is judged so; uncertain includes fake.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Files worked on at a time; all cores by default.")] = None,
    models: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME_OR_FOLDER", help="A detector to use; repeat for more. All shipped ones by default."),
    ] = None,
    hybrid: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Weigh what files say of themselves, by a hybrid you learned."),
    ] = None,
    trust: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Certificates (PEM) of those who may vouch for signers; repeat for more."),
    ] = None,
    triage: Annotated[
        bool, typer.Option("--triage", help="Ask networks only where hashes, declarations and copies do not decide.")
    ] = False,
    known: Annotated[
        Path | None, typer.Option(metavar="FILE", help="For --triage: known files, as CSV with sha256, label and note.")
    ] = None,
    null: Annotated[
        bool, typer.Option("--null", "-0", help="Paths on stdin end with NUL, as find -print0 does.")
    ] = False,
) -> None:
    """Judge photos, videos and recordings: real, fake or uncertain, with the probability and the reason.

    Exits with 0 when done, 1 if some file could not be judged, 2 for wrong use, 3 if --fail-on matched.
    """
    if as_json and as_jsonl:
        raise UsageError("--json and --jsonl exclude each other")
    if "" in paths:
        raise UsageError("a path is empty")
    if null and STDIN not in paths:
        raise UsageError("--null is about paths on stdin; name - among the paths")
    if known is not None and not triage:
        raise UsageError("--known is about --triage: name both")
    if html is not None and (html.is_dir() or not html.parent.is_dir()):
        raise UsageError(f"--html {html}: no file can be written there")
    from unmask import console
    from unmask.scan import Scanner

    form: console.Form = "json" if as_json else "jsonl" if as_jsonl else "people"
    labels: Counter[str] = Counter()
    kept: list[Report] = []
    interrupted = False
    scanner = Scanner(
        models or (),
        jobs=jobs,
        evidence=evidence or html is not None,
        stability=stability,
        frames=frames,
        max_seconds=max_seconds,
        hybrid=hybrid,
        trust=trust or (),
        triage=triage,
        known=known,
    )
    spared = 0
    try:
        with console.writer(form, evidence=evidence, everyone=tracks) as put:
            reports, alone = _reports(scanner, paths, null)
            with closing(reports), console.progress(lambda: _count(paths), shown=not alone) as advance:
                for report in reports:
                    with console.uninterrupted():  # output, page and tally agree
                        put(report)
                        labels[console.label(report)] += 1
                        spared += report.skipped is not None
                        if html is not None:
                            kept.append(report)
                    advance()
    except KeyboardInterrupt:
        interrupted = True
    finally:
        if html is not None:
            _write_page(html, kept)
    if interrupted:
        print(f"unmask: interrupted; what was done is in the output ({console.tally(labels)})", file=sys.stderr)
        raise typer.Exit(INTERRUPTED)
    if form == "people" and not alone:
        asked = f"; no network was asked about {spared} of them" if triage else ""
        print(console.tally(labels) + asked, file=sys.stderr)
    raise typer.Exit(_exit_code(labels, fail_on))


def _reports(scanner: Scanner, paths: Sequence[str], null: bool) -> tuple[Generator[Report, None, None], bool]:
    """The reports, still to be made, and whether there is but one; a lone file gets all cores."""
    from unmask.scan import expand

    files = expand(chain.from_iterable(_listed(null) if path == STDIN else [path] for path in paths))
    first = list(islice(files, 2))
    if len(first) == 1:
        return (scanner.scan(path) for path in first), True
    return scanner.scan_many(chain(first, files)), False


def _count(paths: Sequence[str]) -> int | None:
    from unmask.scan import expand

    return None if STDIN in paths else sum(1 for _ in expand(paths))


def _listed(null: bool) -> Iterator[str]:
    """Paths from stdin, as they come; bytes that are no UTF-8 survive."""
    names: Iterable[bytes] = _split_at_nul(cast(io.BufferedIOBase, sys.stdin.buffer)) if null else sys.stdin.buffer
    for name in names:
        if text := os.fsdecode(name if null else name.rstrip(b"\r\n")):
            yield text


def _split_at_nul(stream: io.BufferedIOBase) -> Iterator[bytes]:
    rest = b""
    while chunk := stream.read1(_CHUNK_BYTES):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
    yield rest


def _write_page(path: Path, reports: Sequence[Report]) -> None:
    from unmask.report import render

    try:
        path.write_text(render(reports), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"the page {path} cannot be written: {error.strerror}") from error


def _exit_code(labels: Counter[str], fail_on: FailOn | None) -> int:
    matching = {None: (), FailOn.FAKE: ("fake",), FailOn.UNCERTAIN: ("fake", "uncertain")}[fail_on]
    if any(labels[label] for label in matching):
        return MATCHED
    return UNJUDGED if labels["not judged"] else 0

"""The verbs of the command `unmask`. Everything heavy is imported inside them, so that `--help` answers at once.

Exit codes of `scan`: 0 done; 1 some file could not be judged; 2 wrong use; 3 `--fail-on` matched; 130 interrupted.
"""

from __future__ import annotations

import io
import os
import sys
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from enum import StrEnum
from importlib import import_module
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from unmask.errors import BundleError, UnmaskError, UsageError
from unmask.wording import visible

if TYPE_CHECKING:
    from unmask.scan import Scanner
    from unmask.types import Report

app = typer.Typer(
    name="unmask",
    help="Offline deepfake detector: a calibrated verdict with its evidence, and an honest answer when it cannot know.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help is the same on every terminal, and in the documentation made from it
)
models_app = typer.Typer(
    help="The detectors in use: what they are, and whether they are intact.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(models_app, name="models")

STDIN: Final = "-"
_CHUNK_BYTES: Final = 2**16

UNJUDGED, WRONG_USE, MATCHED, INTERRUPTED = 1, 2, 3, 130


class FailOn(StrEnum):
    """What `--fail-on` waits for; `uncertain` includes fake."""

    FAKE = "fake"
    UNCERTAIN = "uncertain"


def main() -> None:
    """Run the command; an error of ours becomes one sentence on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show must not end a scan
    try:
        app()
    except UnmaskError as error:
        print(f"unmask: {visible(' '.join(str(error).split()))}", file=sys.stderr)
        sys.exit(WRONG_USE if isinstance(error, UsageError) else 1)


def _print_version(wanted: bool) -> None:
    if wanted:
        import unmask

        print(f"unmask {unmask.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
def scan(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Photos, or folders of them; - reads a list from stdin.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array of reports.")] = False,
    as_jsonl: Annotated[bool, typer.Option("--jsonl", help="Print one JSON report a line, each at once.")] = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a page with pictures and evidence.")
    ] = None,
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Ask every detector about every photo, and show what each one found.")
    ] = False,
    stability: Annotated[
        bool, typer.Option("--stability", help="Let only a verdict stand that changed copies share; five times slower.")
    ] = False,
    fail_on: Annotated[
        FailOn | None, typer.Option(help="Exit with 3 if any photo is judged so; uncertain includes fake.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Files worked on at a time; all cores by default.")] = None,
    models: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME_OR_FOLDER", help="A detector to use; repeat for more. All shipped ones by default."),
    ] = None,
    null: Annotated[
        bool, typer.Option("--null", "-0", help="Paths on stdin end with NUL, as find -print0 does.")
    ] = False,
) -> None:
    """Judge photos: real, fake or uncertain, with the probability and the reason.

    Exits with 0 when done, 1 if some file could not be judged, 2 for wrong use, 3 if --fail-on matched.
    """
    if as_json and as_jsonl:
        raise UsageError("--json and --jsonl exclude each other")
    if "" in paths:
        raise UsageError("a path is empty")
    if null and STDIN not in paths:
        raise UsageError("--null is about paths on stdin; name - among the paths")
    if html is not None and (html.is_dir() or not html.parent.is_dir()):
        raise UsageError(f"--html {html}: no file can be written there")
    from unmask import console
    from unmask.scan import Scanner

    form: console.Form = "json" if as_json else "jsonl" if as_jsonl else "people"
    labels: Counter[str] = Counter()
    kept: list[Report] = []
    interrupted = False
    scanner = Scanner(models or (), jobs=jobs, evidence=evidence or html is not None, stability=stability)
    try:
        with console.writer(form, evidence=evidence) as put:
            reports, alone = _reports(scanner, paths, null)
            with closing(reports), console.progress(lambda: _count(paths), shown=not alone) as advance:
                for report in reports:
                    with console.uninterrupted():  # output, page and tally agree
                        put(report)
                        labels[console.label(report)] += 1
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
        print(console.tally(labels), file=sys.stderr)
    raise typer.Exit(_exit_code(labels, fail_on))


@app.command()
def schema() -> None:
    """Print the JSON schema of a report, as --json and --jsonl write it."""
    import json

    from unmask.types import Report

    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    print(json.dumps(dialect | Report.model_json_schema(mode="serialization"), indent=2))


@app.command()
def demo(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to write pictures and page.")] = Path(
        "unmask-demo"
    ),
) -> None:
    """Judge a public-domain portrait and an altered copy of it; needs no file and opens nothing."""
    from unmask import console
    from unmask import demo as stage

    result = stage.run(out)
    for report in (result.original, result.altered):
        print(console.line(report, colour=console.coloured()))
    if not result.found:
        print("The second picture was altered, and was not called fake: no detector finds everything.")
    print(f"The evidence is on this page: {visible(str(result.page))}")


@models_app.command("list")
def list_models() -> None:
    """List the shipped detectors, and the ensemble in which they decide together."""
    from unmask import bundles, ensemble

    chosen = bundles.shipped()
    if not chosen:
        print("no models ship with this installation", file=sys.stderr)
    for bundle in chosen:
        card = bundle.card
        size = bundle.model_path.stat().st_size / 1e6
        print(visible(f"{card.name:<12} {card.version:<8} {card.cut.kind:<6} {size:5.1f} MB  {card.summary}"))
    if together := ensemble.of(chosen):
        says = "Where all of its members could judge, they decide together"
        print(visible(f"{together.name:<12} {together.version:<8} {'all':<6} {'':8}  {says}"))


@models_app.command("show")
def show_model(name: Annotated[str, typer.Argument(help="A shipped name, or a folder.")]) -> None:
    """Print a detector's card: its data, licence, calibration, thresholds, figures and limits."""
    from unmask import bundles, ensemble

    together = ensemble.of(bundles.shipped())
    if together and name == together.name:
        print(together.model_dump_json(indent=2))
    else:
        print(bundles.find(name).card.model_dump_json(indent=2))


@models_app.command("check")
def check_models(
    name: Annotated[
        str | None, typer.Argument(help="A shipped name, or a folder; all shipped ones by default.")
    ] = None,
) -> None:
    """Compare each detector with its checksum, and replay its golden inputs on this machine."""
    from unmask import bundles, ensemble

    chosen = bundles.shipped() if name is None else bundles.find_all(name)
    if not chosen:
        raise UsageError("no models ship with this installation; name the folder of one")
    failed = False
    for bundle in chosen:
        try:
            difference = bundles.check(bundle)
            print(visible(f"{bundle.card.name}: intact; replayed logits differ by {difference:.1e} at most"))
        except BundleError as error:
            failed = True
            print(visible(f"{bundle.card.name}: {error}"), file=sys.stderr)
    beside = ensemble.read(chosen[0].folder.resolve().parent) if len(chosen) > 1 else None
    if beside and not beside.fits(chosen):
        failed = True
        print(visible(f"{beside.name}: calibrated for other networks than these; it is not used"), file=sys.stderr)
    elif beside:
        print(visible(f"{beside.name}: calibrated for these networks"))
    if failed:
        raise typer.Exit(1)


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


_LABORATORY = "data train pretrain generators baseline measure ablation risk attack compare labels"
for verbs in _LABORATORY.split():  # after those that users need
    import_module(f"unmask.cli_{verbs}").add_to(app)

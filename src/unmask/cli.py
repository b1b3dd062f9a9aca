"""The command `unmask` and its verbs. Everything heavy is imported inside them, so that `--help` answers at once."""

from __future__ import annotations

import io
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Final

import typer

from unmask import cli_provenance, cli_scan
from unmask.errors import BundleError, UnmaskError, UsageError
from unmask.wording import visible

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
cli_scan.add_to(app)
cli_provenance.add_to(app)

WRONG_USE: Final = 2


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
        size = f"in {card.graph}" if card.graph else f"{bundle.model_path.stat().st_size / 1e6:.1f} MB"
        print(visible(f"{card.name:<12} {card.version:<8} {card.cut.kind:<6} {size:>10}  {card.summary}"))
    if together := ensemble.of(chosen):
        says = "Where all of its members could judge, they decide together"
        print(visible(f"{together.name:<12} {together.version:<8} {'all':<6} {'':10}  {says}"))


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


_LABORATORY = (
    "data films voices train pretrain generators baseline measure ablation risk attack compare labels witnesses"
    " spectral compression hybrid dcf serve"
)
for verbs in _LABORATORY.split():  # after those that users need
    import_module(f"unmask.cli_{verbs}").add_to(app)

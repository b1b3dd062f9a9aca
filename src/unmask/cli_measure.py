"""The verbs that measure: evaluate and unseen. `cli` adds them to the command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from unmask.cli_options import Manifest, Record, Weights, Workers, extra, pairs
from unmask.errors import UsageError
from unmask.progress import bar
from unmask.wording import visible, visible_lines


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    for verb in (evaluate, unseen):
        app.command()(verb)


def evaluate(
    manifest: Manifest,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to put scores.csv and figures.md.")] = Path(
        "evaluation"
    ),
    models: Annotated[
        list[str] | None, typer.Option("--model", metavar="NAME_OR_FOLDER", help="All shipped ones by default.")
    ] = None,
    splits: Annotated[list[str] | None, typer.Option("--split", help="test by default; repeat for more.")] = None,
    perturb: Annotated[
        list[str] | None, typer.Option(help="jpeg-q50, half-size, blur-sigma-1 or side-256-q75; repeatable.")
    ] = None,
    record: Record = None,
) -> None:
    """Scan the files of a manifest and measure: what users get, with 95 % intervals."""
    with extra("measuring"):
        from unmask import evaluate as measure
        from unmask import release

        if record:
            release.recordable(record)  # a typo must not show after all the work
        with bar("scanning") as move:
            found = measure.evaluate(
                manifest,
                models=models or (),
                splits=tuple(splits or ("test",)),
                out=out,
                perturbations=tuple(perturb or ()),
                progress=move,
            )
        if record:
            release.record(record, found.figures)
    print(visible_lines((out / measure.FIGURES).read_text(encoding="utf-8")))
    for row in found.unjudged:
        print(visible(f"not judged: {row.path}: {row.message}"), file=sys.stderr)


def unseen(
    manifest: Manifest,
    learn: Annotated[
        list[str], typer.Argument(metavar="RECIPE=PREPARED...", help="What to train on what; several decide together.")
    ],
    sources: Annotated[list[str], typer.Option("--leave-out", metavar="SOURCE", help="Repeat for each source.")],
    runs: Annotated[Path, typer.Option(metavar="FOLDER", help="One run for each source and recipe.")] = Path("runs"),
    split: Annotated[str, typer.Option(help="val while choosing, test for a claim.")] = "test",
    perturb: Annotated[str | None, typer.Option(help="Rank perturbed copies, as in evaluate, not the files.")] = None,
    epochs: Annotated[
        list[str] | None, typer.Option(metavar="RECIPE=N", help="Instead of the recipe's own; repeatable.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Instead of the recipes'.")] = None,
    weights: Weights = None,
    workers: Workers = 1,
    record: Record = None,
) -> None:
    """Measure on generators never seen: train without each source in turn, rank its fakes against all real photos."""
    with extra("training a detector"):
        from unmask import figures, release
        from unmask.train import unseen as protocol

        chosen, folder = pairs(learn, weights, seed)
        fewer = _epochs(epochs or [], [recipe.name for recipe, _ in chosen])
        if record:
            release.recordable(record)  # a typo must not show after hours of training
        with bar("training") as move:
            found = protocol.unseen(
                chosen,
                manifest,
                runs,
                sources,
                split=split,
                perturbation=perturb,
                epochs=fewer,
                weights=folder,
                workers=workers,
                progress=move.named,
            )
        if record:
            release.record(record, found)
    print(figures.to_markdown(found))


def _epochs(given: list[str], names: list[str]) -> dict[str, int]:
    """Epochs by recipe, from words such as "face=2"."""
    found = {}
    for word in given:
        name, _, count = word.partition("=")
        if name not in names or not count.isdecimal() or int(count) < 1:
            raise UsageError(f'"{word}" is not RECIPE=N with one of {", ".join(names)} and a number of epochs')
        found[name] = int(count)
    return found

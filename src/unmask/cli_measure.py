"""The verbs that measure, from evaluate to cross. `cli` adds them to the command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from unmask.cli_options import Least, Manifest, Record, Weigh, Weights, Workers, extra, of_members, pairs
from unmask.errors import UsageError
from unmask.progress import bar
from unmask.wording import visible, visible_lines

if TYPE_CHECKING:
    from unmask.evaluate import Evaluation

OUT: Final = Path("evaluation")
CHANGED: Final = 1
_MOST: Final = 20
"""Differences that are printed of a repetition; the rest is counted."""

Models = Annotated[
    list[str] | None, typer.Option("--model", metavar="NAME_OR_FOLDER", help="All shipped ones by default.")
]
Splits = Annotated[list[str] | None, typer.Option("--split", help="test by default; repeat for more.")]
Limit = Annotated[
    int | None, typer.Option(min=1, help="At most so many files, as many real as fake, always the same ones.")
]


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    for verb in (evaluate, robustness, fairness, unseen, cross):
        app.command()(verb)


def evaluate(
    manifest: Annotated[
        Path | None, typer.Argument(metavar="MANIFEST", help="A table of labelled files, with splits.")
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where to put scores, figures and evaluation.json.")
    ] = OUT,
    models: Models = None,
    splits: Splits = None,
    perturb: Annotated[
        list[str] | None, typer.Option(help="Such as jpeg-q50, half-size or h264-crf28; repeatable. See robustness.")
    ] = None,
    limit: Limit = None,
    record: Record = None,
    again: Annotated[
        Path | None,
        typer.Option("--manifest", metavar="FILE", help="Repeat the evaluation of this evaluation.json, and compare."),
    ] = None,
) -> None:
    """Scan the files of a manifest and measure: what users get, with 95 % intervals.

    With --manifest FILE, an earlier evaluation is repeated: if nothing it depends on has changed, every score and
    figure is compared to the last digit. Exits with 1 where one differs.
    """
    if again is not None:
        others = (manifest, models, splits, perturb, limit, record)
        if any(other is not None for other in others) or out != OUT:
            raise UsageError("--manifest repeats an evaluation as it was: leave out all other options and arguments")
        _repeat(again)
        return
    if manifest is None:
        raise UsageError("name a MANIFEST of labelled files to measure on, or an earlier evaluation with --manifest")
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
                limit=limit,
                progress=move,
            )
        if record:
            release.record(record, found.figures)
    print(visible_lines((out / measure.FIGURES).read_text(encoding="utf-8")))
    _tell_unjudged(found)


def robustness(
    manifest: Manifest,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where to put robustness.csv, scores and evaluation.json.")
    ] = Path("robustness"),
    models: Models = None,
    families: Annotated[
        list[str] | None,
        typer.Option("--family", help="jpeg, h264, resize, blur, noise, brightness or screenshot; all by default."),
    ] = None,
    splits: Splits = None,
    limit: Limit = None,
) -> None:
    """Measure what is left after compression, scaling, blur, noise and the like: a curve for each family."""
    with extra("measuring"):
        from unmask import robustness as measure

        with bar("scanning") as move:
            found = measure.robustness(
                manifest,
                models=models or (),
                splits=tuple(splits or ("test",)),
                out=out,
                families=tuple(families or ()),
                limit=limit,
                progress=move,
            )
    print(visible_lines(measure.to_markdown(found)))


def fairness(
    manifest: Manifest,
    by: Annotated[list[str], typer.Option(metavar="COLUMN", help="age, gender+race, ...; repeatable.")],
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where to put fairness.csv and all of evaluate's.")
    ] = Path("fairness"),
    models: Models = None,
    splits: Annotated[list[str] | None, typer.Option("--split", help="fairness by default; repeat for more.")] = None,
    least: Annotated[int, typer.Option(min=1, help="Fewest files of a class that a group is rated on.")] = 30,
    limit: Limit = None,
) -> None:
    """Measure whether some people are wronged more often: error rates by group, with what chance alone would do."""
    with extra("measuring"):
        from unmask import fairness_page as measure

        with bar("scanning") as move:
            found, scanned = measure.evaluate_fairness(
                manifest,
                by,
                models=models or (),
                splits=tuple(splits or ("fairness",)),
                out=out,
                least=least,
                limit=limit,
                progress=move,
            )
    print(visible_lines(measure.to_markdown(found)))
    _tell_unjudged(scanned)


def unseen(
    manifest: Manifest,
    learn: Annotated[
        list[str], typer.Argument(metavar="RECIPE=PREPARED...", help="What to train on what; several decide together.")
    ],
    sources: Annotated[
        list[str], typer.Option("--leave-out", metavar="SOURCE", help="Repeat for each; method:NAME is a generator.")
    ],
    runs: Annotated[Path, typer.Option(metavar="FOLDER", help="One run for each source and recipe.")] = Path("runs"),
    split: Annotated[str, typer.Option(help="val while choosing, test for a claim.")] = "test",
    perturb: Annotated[str | None, typer.Option(help="Rank perturbed copies as well, as in evaluate.")] = None,
    epochs: Annotated[
        list[str] | None, typer.Option(metavar="RECIPE=N", help="Instead of the recipe's own; repeatable.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Instead of the recipes'.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Do all of it so many times, each with the next seed.")] = 1,
    own: Annotated[
        bool, typer.Option("--own", help="Rank against a source's own real items, both from all of its splits.")
    ] = False,
    weigh: Weigh = None,
    least: Least = None,
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
                seeds=seeds,
                own=own,
                weigh=of_members(weigh),
                least=of_members(least),
                weights=folder,
                workers=workers,
                progress=move.named,
            )
        if record:
            release.record(record, found)
    print(figures.to_markdown(found))


def cross(
    learn: Annotated[str, typer.Argument(metavar="RECIPE=PREPARED", help="What to train on what.")],
    manifest: Manifest,
    sources: Annotated[list[str], typer.Option("--source", metavar="SOURCE", help="Repeat for each, at least two.")],
    runs: Annotated[Path, typer.Option(metavar="FOLDER", help="One run for each source, and the matrix.")] = Path(
        "runs"
    ),
    split: Annotated[str, typer.Option(help="val while choosing, test for a claim.")] = "test",
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's own.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Instead of the recipe's.")] = None,
    weights: Weights = None,
    workers: Workers = 1,
) -> None:
    """Train on each source alone and test on all of them: a matrix of AUC and accuracy."""
    with extra("training a detector"):
        from unmask.train import cross as protocol

        chosen, folder = pairs([learn], weights, seed)
        with bar("training") as move:
            found = protocol.cross(
                chosen[0],
                manifest,
                runs,
                sources,
                split=split,
                epochs=epochs,
                weights=folder,
                workers=workers,
                progress=move.named,
            )
    print(visible_lines(protocol.to_markdown(found)))


def _repeat(file: Path) -> None:
    with extra("measuring"):
        from unmask.repeat import repeat

        with bar("scanning") as move:
            found = repeat(file, progress=move)
    if found.equal:
        print(f"equal to the last digit: {found.scores:,} scores, {found.figures:,} figures")
        return
    print(f"not equal: {len(found.differences):,} differences")
    for line in found.differences[:_MOST]:
        print(visible(line))
    if len(found.differences) > _MOST:
        print(f"and {len(found.differences) - _MOST:,} more")
    why = found.surroundings or ("nothing else that we know of has changed on this machine",)
    print(visible(f"what could explain it: {'; '.join(why)}"))
    raise typer.Exit(CHANGED)


def _tell_unjudged(found: Evaluation) -> None:
    for row in found.unjudged:
        print(visible(f"not judged: {row.path}: {row.message}"), file=sys.stderr)


def _epochs(given: list[str], names: list[str]) -> dict[str, int]:
    """Epochs by recipe, from words such as "face=2"."""
    found = {}
    for word in given:
        name, _, count = word.partition("=")
        if name not in names or not count.isdecimal() or int(count) < 1:
            raise UsageError(f'"{word}" is not RECIPE=N with one of {", ".join(names)} and a number of epochs')
        found[name] = int(count)
    return found

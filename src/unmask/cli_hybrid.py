"""The verbs about metadata beside networks: dress, and hybrid learn, evaluate and study. `cli` adds them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from unmask.cli_options import Manifest, extra
from unmask.progress import bar
from unmask.wording import visible, visible_lines

Models = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME_OR_FOLDER", help="A detector to ask; repeat for more. All shipped ones by default."),
]
Seed = Annotated[int, typer.Option(min=0, help="Of who gets which metadata, and of all that is made up.")]


class ModelKind(StrEnum):
    """What a hybrid may be."""

    LOGISTIC = "logistic"
    TREES = "trees"


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command()(dress)
    group = typer.Typer(no_args_is_help=True, help="Join what networks say with what files say of themselves.")
    group.command()(learn)
    group.command()(evaluate)
    group.command()(study)
    app.add_typer(group, name="hybrid")


def dress(
    manifest: Manifest,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A folder for the copies and their manifest.")],
    honest: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share with metadata that tell the truth.")] = 0.4,
    stripped: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share without metadata.")] = 0.4,
    forged: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share with metadata of the other class.")] = 0.2,
    seed: Seed = 0,
    treatment: Annotated[str, typer.Option(help="How all pictures are written: a perturbation.")] = "side-256-q75",
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; all cores by default.")] = None,
) -> None:
    """Write pictures once more, all alike, with honest, stripped or forged metadata in stated proportions."""
    from unmask import dress as work

    shares = work.Shares.checked(honest, stripped, forged)
    with bar("dressing") as move:
        made = work.write(manifest, out, shares, seed=seed, treatment=treatment, jobs=jobs, progress=move)
    print(visible(f"{made.manifest}: {made.items:,} pictures"))
    for reason, count in made.left_out.items():
        print(visible(f"left out, {count:,}: {reason}"))


def learn(
    manifest: Manifest,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A folder for the hybrid.")],
    kind: Annotated[
        ModelKind, typer.Option(help="Logistic regression, or gradient-boosted trees.")
    ] = ModelKind.LOGISTIC,
    models: Models = None,
) -> None:
    """Learn a hybrid on the val split, by folds.

    It decides where `unmask scan --hybrid OUT` names it.
    """
    with extra("learning a hybrid"):
        from unmask import hybrid_learn
        from unmask.figures import to_markdown

        with bar("asking the networks") as move:
            card = hybrid_learn.learn(manifest, out, kind=kind.value, models=models or (), progress=move)
    print(visible_lines(to_markdown(card.metrics)))
    print(visible(f"{out}: {card.learned_on}"))


def evaluate(
    folder: Annotated[Path, typer.Argument(metavar="HYBRID", help="The folder of a hybrid.")],
    manifest: Manifest,
    split: Annotated[str, typer.Option(help="Which files.")] = "test",
    record: Annotated[bool, typer.Option("--record", help="Write the figures into the hybrid's card.")] = False,
    models: Models = None,
) -> None:
    """Measure a hybrid against the networks alone, on the same files."""
    with extra("measuring a hybrid"):
        from unmask import hybrid_learn
        from unmask.figures import to_markdown

        with bar("asking the networks") as move:
            figures = hybrid_learn.evaluate(
                folder, manifest, split=split, models=models or (), record=record, progress=move
            )
    print(visible_lines(to_markdown(figures)))


def study(
    manifest: Manifest,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A folder for the sets and study.json.")],
    models: Models = None,
    seed: Seed = 0,
) -> None:
    """What metadata add to what networks say.

    At stated proportions of honest, stripped and forged ones, on val and test.
    """
    with extra("learning a hybrid"), ExitStack() as stack:
        from unmask import hybrid_study

        def shown(what: str) -> Callable[[int, int], None] | None:
            stack.close()  # one bar at a time
            return stack.enter_context(bar(what))

        found = hybrid_study.study(manifest, out, models=models or (), seed=seed, progress=shown)
    print(visible_lines(found.to_text()))

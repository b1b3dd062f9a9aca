"""The verb that attacks a trained network. `cli` adds it to the command."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from unmask.cli_options import Prepared, extra
from unmask.progress import bar
from unmask.wording import visible_lines


class Method(StrEnum):
    """The attacks that `unmask.train.attacks` knows."""

    FGSM = "fgsm"
    PGD = "pgd"


class Split(StrEnum):
    """The splits that no network learned from."""

    TEST = "test"
    VAL = "val"


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(attack)


def attack(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A folder that unmask train filled.")],
    prepared: Prepared,
    methods: Annotated[
        list[Method] | None, typer.Option("--method", help="One step or several; both by default, repeatable.")
    ] = None,
    strengths: Annotated[
        list[float] | None,
        typer.Option("--strength", help="Largest change of a value, in levels of 255: 1, 2, 4 and 8; repeatable."),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps of pgd.")] = 10,
    split: Annotated[Split, typer.Option(help="val while choosing, test for a claim.")] = Split.TEST,
    limit: Annotated[
        int | None, typer.Option(min=2, help="Attack so many items, half of them real; all by default.")
    ] = None,
) -> None:
    """Change pictures so that a trained network errs, and measure what it still judges rightly. Fills attack.json."""
    with extra("attacking a detector"):
        from unmask.train import attacked

        with bar("attacking") as move:
            found = attacked.attacked(
                run,
                prepared,
                split=split.value,
                methods=[one.value for one in methods or Method],
                strengths=strengths or attacked.STRENGTHS,
                steps=steps,
                limit=limit,
                progress=move.named,
            )
    print(visible_lines(found.to_text()))

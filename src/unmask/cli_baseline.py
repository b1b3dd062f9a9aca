"""The verb baseline: what a recipe without a network finds. `cli` adds it to the command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from unmask.cli_options import Manifest, extra
from unmask.progress import bar
from unmask.wording import visible_lines

RAISED: Final = 1


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(baseline)


def baseline(
    manifest: Manifest,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A folder for the run.")],
    recipe: Annotated[
        str, typer.Option(metavar="RECIPE", help="A TOML file, or the name of one that ships.")
    ] = "metadata-baseline",
) -> None:
    """Learn the label from the files' metadata alone, measure on val and test, and raise the alarm if that works.

    Exits with 1 if the alarm is raised.
    """
    with extra("the metadata baseline"):
        from unmask import baseline as work
        from unmask.baseline_outcome import Alarm
        from unmask.train.recipes import find

        wanted = work.MetadataRecipe.read(find(recipe))
        with bar("reading") as move:
            found = work.run(wanted, manifest, out, move)
    print(visible_lines(found.to_text()))
    if found.alarm is Alarm.RAISED:
        raise typer.Exit(RAISED)

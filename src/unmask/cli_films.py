"""The verb that makes clips, real and fake, from real pictures and videos. `cli` adds it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from unmask.cli_options import Manifest
from unmask.progress import bar
from unmask.wording import visible


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(films)


def films(
    manifest: Manifest,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Where to put the clips and their manifest.")],
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="The most items to film, chosen by chance; all by default.")
    ] = None,
    per_video: Annotated[int, typer.Option(min=1, metavar="N", help="Pairs from each video.")] = 1,
    generators: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Generators that draw some faces again; those held out are left alone."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of all chance.")] = 0,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; all cores by default.")] = None,
) -> None:
    """Make short clips from real pictures and videos: of each a real one and a fake of it, in the same coding.

    Only items of train and val are used. Interrupted, the same command goes on where it stopped.
    """
    from unmask import films as work
    from unmask.makers.generators import inside

    drawing = inside(generators) if generators else ()
    with bar("filming") as move:
        made = work.write(
            manifest,
            out,
            per_video=per_video,
            limit=limit,
            seed=seed,
            generators=drawing,
            jobs=jobs,
            progress=move.named,
        )
    for reason, count in made.left_out.items():
        print(visible(f"left out {count}: {reason}"), file=sys.stderr)
    print(visible(f"{made.items} items: {made.manifest}"))

"""The verb that makes fake voices from real recordings. `cli` adds it."""

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
    app.command()(voices)


def voices(
    manifest: Manifest,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Where to put the fakes and their manifest.")],
    vocoder: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="One of the vocoders to use; all by default. Repeatable.")
    ] = None,
    per_item: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Fakes of each recording, by vocoders that are drawn; all by default."),
    ] = None,
    synthesised: Annotated[
        int,
        typer.Option(min=0, metavar="N", help="Sentences that espeak-ng, flite and festival say, where installed."),
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Of all chance.")] = 0,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; all cores by default.")] = None,
) -> None:
    """Make fake voices from real recordings, by vocoders that keep the words, the length and the loudness.

    Only items of train and val are used. Interrupted, the same command goes on where it stopped.
    """
    from unmask import voices as work
    from unmask.vocoders import VOCODERS

    with bar("making voices") as move:
        made = work.write(
            manifest,
            out,
            vocoders=vocoder or tuple(VOCODERS),
            per_item=per_item,
            synthesised=synthesised,
            seed=seed,
            jobs=jobs,
            progress=move.named,
        )
    for reason, count in made.left_out.items():
        print(visible(f"left out {count}: {reason}"), file=sys.stderr)
    print(visible(f"{made.items} items: {made.manifest}"))

"""The verb that teaches and measures the witness of voices. `cli` adds it to the command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from unmask.cli_options import Manifest, extra
from unmask.progress import bar
from unmask.wording import visible, visible_lines


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(learn_spectral)


def learn_spectral(
    manifest: Manifest,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to put the card and the tables.")] = Path(
        "spectral"
    ),
    test: Annotated[
        bool, typer.Option("--test", help="Measure the finished card on the split test too: once, at the very end.")
    ] = False,
) -> None:
    """Teach and measure what looks at treble, phase, pauses and pitch of voices: its card, and what was measured."""
    with extra("teaching a witness"):
        from unmask.learn_spectral import learn

        with bar("listening to voices") as move:
            learned = learn(manifest, out, progress=move, test=test)
    print(visible_lines(learned.text))
    for problem in learned.problems:
        print(visible(problem), file=sys.stderr)

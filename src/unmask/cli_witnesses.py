"""The verb that teaches and measures the witnesses of videos. `cli` adds it to the command."""

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
    app.command()(witnesses)


def witnesses(
    manifest: Manifest,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to put the cards and the tables.")] = Path(
        "witnesses"
    ),
) -> None:
    """Teach and measure what looks at movement, light and lips in videos: cards, features and scores of every clip."""
    with extra("teaching witnesses"):
        from unmask.learn_witnesses import learn

        with bar("looking at clips") as move:
            learned = learn(manifest, out, progress=move)
    print(visible_lines(learned.text))
    for problem in learned.problems:
        print(visible(problem), file=sys.stderr)

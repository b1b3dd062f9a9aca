"""The verb that teaches and measures the witness of compression. `cli` adds it to the command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unmask.cli_options import Manifest, extra
from unmask.progress import bar
from unmask.wording import visible_lines


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(learn_compression)


def learn_compression(
    manifest: Manifest,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to put the card and the tables.")] = Path(
        "compression"
    ),
    test: Annotated[
        bool, typer.Option("--test", help="Measure the finished card on the split test too: once, at the very end.")
    ] = False,
) -> None:
    """Teach and measure what looks at tables, earlier savings, grids and noise of pictures: its card, and tables."""
    with extra("teaching a witness"):
        from unmask.learn_compression import learn

        with bar("measuring") as move:
            learned = learn(manifest, out, progress=move, test=test)
    print(visible_lines(learned.text))

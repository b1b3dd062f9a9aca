"""The verb that doubts labels. `cli` adds it to the command."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from unmask.cli_options import Prepared, RecipeName, Seed, Weights, extra, recipe_and_weights
from unmask.errors import UsageError
from unmask.manifest import FAKE
from unmask.progress import bar
from unmask.wording import visible


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(mislabelled)


def mislabelled(
    recipe: RecipeName,
    prepared: Prepared,
    out: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write the items in doubt, the worst first.")],
    weights: Weights = None,
    seed: Seed = None,
    folds: Annotated[int, typer.Option(min=2, help="Parts; each is judged by what the others teach.")] = 5,
) -> None:
    """List the train items whose label is most likely wrong, as a recipe with frozen backbones sees them.

    What is listed should be looked at, not dropped: hard pictures are in doubt too.
    """
    if out.is_dir() or not out.parent.is_dir():
        raise UsageError(f"{out}: no file can be written there")
    with extra("looking for mislabelled items"):
        from unmask.train import mislabelled as work

        chosen, folder = recipe_and_weights(recipe, weights, seed)
        with bar("describing") as move:
            found = work.mislabelled(chosen, prepared, weights=folder, folds=folds, progress=move.named)
    work.write(out, found)
    print(visible(f"{len(found):,} train items are in doubt; they are listed in {out}"))
    counts = Counter((one.item.source or "data", "fake" if one.item.label == FAKE else "real") for one in found)
    for (source, label), count in counts.most_common():
        print(visible(f"  {count:>6,}  {source}, labelled {label}"))

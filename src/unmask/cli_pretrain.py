"""The verbs that write weights to begin from. `cli` adds them to the command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unmask.cli_options import Prepared, RecipeName, Seed, Weights, Workers, extra, recipe_and_weights
from unmask.progress import bar
from unmask.wording import visible


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    for verb in (pretrain, backbone):
        app.command()(verb)


def pretrain(
    recipe: RecipeName,
    prepared: Prepared,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The safetensors file of weights to write.")],
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the pictures.")] = 20,
    pictures: Annotated[int, typer.Option(min=2, help="Pictures per epoch.")] = 6000,
    batch: Annotated[int, typer.Option(min=2, help="Pictures a step; each is seen in two views.")] = 128,
    learning_rate: Annotated[float, typer.Option(min=1e-7, max=1.0, help="Its peak.")] = 5e-4,
    weights: Weights = None,
    seed: Seed = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(metavar="SOURCE", help="Not to learn from: a source that is measured as unseen, for one."),
    ] = None,
    workers: Workers = 1,
) -> None:
    """Teach a recipe's backbone what pictures look like, without labels. Interrupted, the same command goes on.

    Learns from the train split, real and fake alike. A recipe begins with the file once its backbone names it as
    weights and leaves the rest of its table as it was.
    """
    with extra("pretraining a backbone"):
        from unmask.train import pretrain as work

        chosen, folder = recipe_and_weights(recipe, weights, seed)
        if leave_out:
            chosen = chosen.model_copy(update={"data": chosen.data.model_copy(update={"leave_out": tuple(leave_out)})})
        options = work.Pretraining(epochs=epochs, pictures=pictures, batch=batch, learning_rate=learning_rate)
        with bar("pretraining") as move:
            done = work.pretrain(
                chosen, prepared, out, options=options, weights=folder, workers=workers, progress=move.named
            )
    figures = f"loss {done.loss:.3f}, views apart {done.apart:.3f}, spread {done.spread:.3f}"
    print(visible(f"{done.file}: {done.epochs} epochs of {done.pictures} pictures; {figures}"))


def backbone(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A folder that unmask train filled.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The safetensors file of weights to write.")],
) -> None:
    """Write the backbone of a run as weights that another recipe names, to freeze it or to go on from it."""
    with extra("reading a run"):
        from unmask.train import pretrained

        numbers = pretrained.of_run(run, out)
    print(visible(f"{out}: {numbers:,} numbers"))

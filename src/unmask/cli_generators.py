"""The verbs about generators: train a small one, and have it make a data set of fakes. `cli` adds them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from unmask.cli_options import Manifest, Prepared, extra
from unmask.errors import UsageError
from unmask.progress import bar
from unmask.wording import visible

generator_app = typer.Typer(
    help="Small generators trained here: their fakes teach detectors, and test them on what none has seen.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.add_typer(generator_app, name="generator")


@generator_app.command("train")
def train_generator(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A TOML file, or the name of one in recipes/generators.")
    ],
    prepared: Prepared,
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="Folder for NAME.onnx and NAME.json; what is begun is gone on with.")
    ],
    weights: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where the weights lie that the loss of features needs.")
    ] = None,
) -> None:
    """Train a generator on the real photos of the train split. Interrupted, the same command goes on."""
    with extra("training a generator"):
        from unmask.train.generators.design import GeneratorRecipe, find
        from unmask.train.generators.export import export
        from unmask.train.generators.learn import learn, psnr

        chosen = GeneratorRecipe.read(find(recipe))
        with bar("learning") as move:
            network = learn(chosen, prepared, out / chosen.name, weights=weights, progress=move.named)
        made = export(chosen, network, prepared, out, psnr(network, prepared))
    print(visible(f"{made.graph}: {made.card.psnr_db['all']:.1f} dB on the photos of val"))


@generator_app.command("fakes")
def make_fakes(
    generators: Annotated[
        Path, typer.Argument(metavar="GENERATORS", help="Folder of generators that unmask generator train filled.")
    ],
    manifest: Manifest,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Where to put the fakes and their manifest.")],
    names: Annotated[
        list[str] | None,
        typer.Option("--name", metavar="NAME", help="Who draws; all that are held out by default, repeatable."),
    ] = None,
    split: Annotated[str | None, typer.Option(help="Only real pictures of this split; all by default.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; all cores by default.")] = None,
) -> None:
    """Have generators draw the real pictures of a manifest again, once each: a data set of fakes.

    Interrupted, the same command goes on where it stopped.
    """
    from unmask import reconstructions
    from unmask.makers.generators import inside

    chosen = inside(generators, held_out=None if names else True)
    unknown = sorted(set(names or ()) - {one.card.name for one in chosen})
    if unknown:
        there = ", ".join(one.card.name for one in chosen)
        raise UsageError(f"{generators} holds no generator {', '.join(unknown)}; there are: {there}")
    drawing = [one for one in chosen if not names or one.card.name in names]
    with bar("drawing") as move:
        made = reconstructions.write(manifest, out, drawing, split=split, jobs=jobs, progress=move)
    for reason, count in made.left_out.items():
        print(visible(f"left out {count}: {reason}"), file=sys.stderr)
    print(visible(f"{made.items} items: {made.manifest}"))

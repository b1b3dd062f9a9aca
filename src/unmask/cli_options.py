"""What the verbs of the laboratory share: their arguments, and how a missing extra is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unmask.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from unmask.train.recipes import Recipe

Manifest = Annotated[Path, typer.Argument(metavar="MANIFEST", help="A table of labelled files, with splits.")]
Prepared = Annotated[Path, typer.Argument(metavar="PREPARED", help="A folder that unmask prepare filled.")]
RecipeName = Annotated[str, typer.Argument(metavar="RECIPE", help="A TOML file, or the name of one that ships.")]
Weights = Annotated[
    str | None,
    typer.Option(
        metavar="FOLDER", help='Where the initial weights lie; "hub" for timm\'s download, "none" to begin at random.'
    ),
]
Record = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Also write the figures into the card of this bundle or ensemble.")
]
Seed = Annotated[int | None, typer.Option(min=0, help="Instead of the recipe's.")]
Workers = Annotated[
    int, typer.Option(min=0, help="Processes that make pictures while the network learns; 0 makes them in this one.")
]

Weigh = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=WEIGHT", help="What a member counts among several; 1 if not named. Repeatable."),
]

Least = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=LEAST",
        help="The least a member counts, in standard deviations above the mean of real photos. Repeatable.",
    ),
]


def of_members(given: list[str] | None) -> dict[str, float]:
    """A number for each of some members, from words such as "texture=2"."""
    found = {}
    for word in given or []:
        name, _, weight = word.partition("=")
        try:
            found[name] = float(weight)
        except ValueError as error:
            raise UsageError(f'"{word}" is not the name of a member, "=" and a number') from error
    return found


def pairs(learn: list[str], weights: str | None, seed: int | None) -> tuple[list[tuple[Recipe, Path]], Path | None]:
    """Recipes with their prepared folders, and the folder of the initial weights."""
    pairs = []
    folder = None
    for pair in learn:
        name, sign, prepared = pair.partition("=")
        if not sign:
            raise UsageError(f'"{pair}" names no data: write RECIPE=PREPARED, such as face=prepared/face')
        recipe, folder = recipe_and_weights(name, weights, seed)
        pairs.append((recipe, Path(prepared)))
    return pairs, folder


def recipe_and_weights(name: str, weights: str | None, seed: int | None = None) -> tuple[Recipe, Path | None]:
    """The recipe, and the folder of its initial weights.

    "hub" takes timm's own, with timm's own normalisation, and "none" begins at random; each stands for the weights of
    all backbones, but those that a recipe begins at random have no others.
    """
    from unmask.train.recipes import Recipe, find

    recipe = Recipe.read(find(name))
    if seed is not None:
        recipe = recipe.model_copy(update={"seed": seed})
    if weights not in ("hub", "none"):
        return recipe, Path(weights) if weights else None
    if weights == "none" and any(one.freeze and one.weights != "none" for one in recipe.model.backbones):
        raise UsageError(f"the recipe {name} holds trained layers still; at random they would never learn anything")
    return recipe.model_copy(update={"model": recipe.model.initialised(weights)}), None


@contextmanager
def extra(task: str) -> Iterator[None]:
    """A missing part of the extra becomes one sentence with the install line."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] == "unmask":
            raise
        raise MissingExtraError(task, "train") from error

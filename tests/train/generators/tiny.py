"""A generator small enough to learn in a second."""

from __future__ import annotations

from typing import Any, Final

from unmask.train.generators.design import GeneratorRecipe

_RECIPE: Final[dict[str, Any]] = {
    "name": "tiny",
    "summary": "A generator for tests",
    "held_out": False,
    "losses": {"l1": 1.0},
    "network": {"upsampler": "shuffle", "depth": 2, "width": 4, "latent": 4},
    "train": {"steps": 4, "batch": 2, "crop_px": 32, "keep_every": 2},
}


def generator(**tables: Any) -> GeneratorRecipe:
    """The tiny recipe, with other values: `generator(train={"steps": 8}, seed=3)`; losses are replaced whole."""
    values = dict(_RECIPE)
    for name, value in tables.items():
        merges = isinstance(value, dict) and name != "losses"
        values[name] = {**values[name], **value} if merges else value
    return GeneratorRecipe.model_validate(values)

"""Variations of a recipe: a few of its options changed, so that a table of experiments needs no file for each row.

A change is TOML: `data.source_power = 0`. A table in a change alters those options of the recipe's own table that it
names; anything else takes the place of what was there, a dictionary such as `data.reencode` as a whole. Of several
backbones, `model.backbones.0` is the first, and `model.backbone` is every one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from unmask import recipe_file
from unmask.errors import RecipeError
from unmask.train.design import Model
from unmask.train.recipes import Recipe
from unmask.types import Value

Changes = Mapping[str, Any]
"""Options by name, tables within tables."""


def typed(text: str) -> tuple[str, Changes]:
    """A variation as one types it: `NAME:option=value,option=value`.

    Raises:
        RecipeError: It has no name, or its changes are no TOML.
    """
    name, colon, options = text.partition(":")
    if not colon or not name.strip():
        raise RecipeError(f'"{text}" is not NAME:option=value, such as "half the rate:train.learning_rate=1e-3"')
    return name.strip(), changes(options)


def changes(text: str) -> Changes:
    """Changes alone, as one types them: `option=value,option=value`.

    Raises:
        RecipeError: They are no TOML, or there is none.
    """
    try:
        found: Changes = tomllib.loads(f"changes = {{ {text} }}")["changes"]
    except tomllib.TOMLDecodeError as error:
        what = "write option=value,option=value with values as in TOML, where text stands in quotes"
        raise RecipeError(f'"{text}" cannot be read: {what}') from error
    if not found:
        raise RecipeError("a variation changes nothing: write option=value after its name")
    return found


def read(path: Path) -> dict[str, Changes]:
    """Variations from a TOML file, a table each, whose title is the name.

    Raises:
        RecipeError: No such file, no TOML, or something in it is no table.
    """
    found = recipe_file.values(path)
    for name, table in found.items():
        if not isinstance(table, dict) or not table:
            raise RecipeError(f'"{name}" in {path} must be a table of options to change, such as [{name}.data]')
    return found


def varied(recipe: Recipe, wanted: Changes, name: str = "") -> Recipe:
    """The recipe with these changes.

    Args:
        recipe: Stays as it is.
        wanted: What to change.
        name: Of the variation, for the message.

    Raises:
        RecipeError: An unknown option or an impossible value.
    """
    what = f'the variation "{name}" of {recipe.name}' if name else f"the changed recipe {recipe.name}"
    try:
        return Recipe.model_validate(_changed(recipe, wanted))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise RecipeError(f"{what} is not valid: {faults}") from error


def _changed(old: Any, new: Any) -> Any:
    if isinstance(old, Model) and isinstance(new, dict) and "backbone" in new:
        every = {str(number): new["backbone"] for number in range(len(old.backbones))}
        new = {**{name: value for name, value in new.items() if name != "backbone"}, "backbones": every}
    if isinstance(old, Value) and isinstance(new, dict):
        before = dict(old)
        return before | {name: _changed(before.get(name), value) for name, value in new.items()}
    if isinstance(old, tuple) and isinstance(new, dict):
        parts = list(old)
        for number, value in new.items():
            if not number.isdecimal() or int(number) >= len(parts):
                raise RecipeError(f'there is no number "{number}": the recipe has 0 to {len(parts) - 1}')
            parts[int(number)] = _changed(parts[int(number)], value)
        return parts
    return new

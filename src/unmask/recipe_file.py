"""Reading a recipe's TOML file: whatever is wrong with it is one sentence that names the file and the option."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from unmask.errors import RecipeError

_SHIPPED: Final = (Path(__file__).parent / "recipes", Path(__file__).parents[2] / "recipes")
"""Where the recipes lie that come with the package: in the wheel, and in a source tree."""

Kind = TypeVar("Kind", bound=BaseModel)


def find(name: str, inside: str = "") -> Path:
    """A recipe by its path, or by the name of one that ships.

    Args:
        name: Either.
        inside: The folder of the recipes of its kind, where they have one of their own.

    Raises:
        RecipeError: Neither; the message lists the names.
    """
    if Path(name).is_file():
        return Path(name)
    shipped = {path.stem: path for folder in _SHIPPED for path in (folder / inside).glob("*.toml")}
    if name not in shipped:
        there = ", ".join(sorted(shipped))
        raise RecipeError(f'there is no recipe file "{name}", and none of that name ships; there are: {there}')
    return shipped[name]


def values(path: Path) -> dict[str, Any]:
    """What the file holds.

    Raises:
        RecipeError: No such file, or no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"the recipe {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"the recipe {path} is no TOML: {error}") from error


def validated(kind: type[Kind], found: dict[str, Any], path: Path, *, purpose: str = "") -> Kind:
    """The recipe that these values are.

    Args:
        kind: What a recipe of this kind may say.
        found: What `values` found.
        path: The file they came from, for the message.
        purpose: What it must be valid for, for the message, where there are several kinds.

    Raises:
        RecipeError: An unknown option or an impossible value.
    """
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise RecipeError(f"the recipe {path} is not valid{purpose}: {faults}") from error

"""Reading a recipe's TOML file: whatever is wrong with it is one sentence that names the file and the option."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from unmask.errors import RecipeError

Kind = TypeVar("Kind", bound=BaseModel)


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

"""The base of all tables of a recipe."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """A table of a recipe: frozen, and an option it does not know is refused, so that no typo passes as a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

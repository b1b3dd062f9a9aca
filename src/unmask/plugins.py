"""A file's name is its registration.

Every module in `unmask.detectors`, `unmask.datasets` and `unmask.modalities` is a plugin under its own name. Other
packages join through an entry point of the group "unmask.<family>", whose value is a module with the same functions.
"""

from __future__ import annotations

import importlib
import pkgutil
from importlib.metadata import entry_points
from types import ModuleType

from unmask.errors import UsageError


def names(family: str) -> tuple[str, ...]:
    """Names of all plugins of a family ("detectors", "datasets", "modalities"), sorted."""
    package = importlib.import_module(f"unmask.{family}")
    own = {module.name for module in pkgutil.iter_modules(package.__path__)}
    return tuple(sorted(own | {entry.name for entry in entry_points(group=f"unmask.{family}")}))


def load(family: str, name: str) -> ModuleType:
    """The module of one plugin; ours win over a foreign one of the same name.

    Raises:
        UsageError: No plugin of this family has that name; the message lists those there are.
    """
    package = importlib.import_module(f"unmask.{family}")
    if name in {module.name for module in pkgutil.iter_modules(package.__path__)}:
        return importlib.import_module(f"unmask.{family}.{name}")
    for entry in entry_points(group=f"unmask.{family}", name=name):
        plugin = entry.load()
        if isinstance(plugin, ModuleType):
            return plugin
    raise UsageError(f'there is no "{name}" among the {family}; there are: {", ".join(names(family))}')

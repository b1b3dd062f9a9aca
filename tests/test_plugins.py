"""Plugins: ours by file name, others by entry point, and a list of both where a name is unknown."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, EntryPoints
from types import ModuleType

import pytest

from unmask import plugins
from unmask.errors import UsageError


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of another package, joined as "tarot" and, cheekily, as "image"."""
    module = ModuleType("foreign_plugin")
    monkeypatch.setitem(sys.modules, "foreign_plugin", module)

    def entry_points(group: str, name: str | None = None) -> EntryPoints:
        every = [EntryPoint(n, "foreign_plugin", "unmask.modalities") for n in ("tarot", "image")]
        return EntryPoints(e for e in every if e.group == group and name in (None, e.name))

    monkeypatch.setattr(plugins, "entry_points", entry_points)
    return module


def test_a_files_name_is_its_registration() -> None:
    assert "image" in plugins.names("modalities")
    assert plugins.load("modalities", "image").__name__ == "unmask.modalities.image"


@pytest.mark.parametrize("family", ["modalities", "detectors", "datasets"])
def test_every_plugin_loads_and_says_what_it_is(family: str) -> None:
    names = plugins.names(family)
    assert list(names) == sorted(set(names))
    for name in names:
        assert plugins.load(family, name).__doc__, name


def test_another_package_joins_by_entry_point(foreign: ModuleType) -> None:
    assert "tarot" in plugins.names("modalities")
    assert plugins.load("modalities", "tarot") is foreign


def test_ours_win_over_a_foreign_plugin_of_the_same_name(foreign: ModuleType) -> None:
    assert plugins.load("modalities", "image") is not foreign
    assert plugins.names("modalities").count("image") == 1


def test_an_unknown_name_lists_those_there_are(foreign: ModuleType) -> None:
    assert foreign
    with pytest.raises(UsageError, match=r'there is no "smell" among the modalities; there are: .*image.*tarot'):
        plugins.load("modalities", "smell")

"""The generated pages: the same text on every machine, and a check that notices what is stale."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests.test_card import FIELDS
from unmask.card import Card


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    path = Path(__file__).parent.parent / "docs" / "generate.py"
    spec = importlib.util.spec_from_file_location("generate_docs", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_help_depends_on_neither_width_nor_colours(generate: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = []
    for columns, force in (("40", "1"), ("300", "")):
        monkeypatch.setenv("COLUMNS", columns)
        monkeypatch.setenv("FORCE_COLOR", force)
        pages.append(generate.command_line())
    assert pages[0] == pages[1]
    assert "## unmask\n" in pages[0]
    assert "### unmask scan\n" in pages[0]
    assert "\x1b" not in pages[0]
    assert "│" not in pages[0]


def test_a_model_page_says_what_its_card_says(generate: ModuleType) -> None:
    page = generate.model(Card.model_validate(FIELDS))
    for words in (
        "Looks at faces.",
        "drawn | CC0 | 3",
        "0.800 to 0.950",
        "`unmask evaluate`",
        "Knows only drawn faces.",
    ):
        assert words in page
    assert "None yet." in generate.index([])


def test_stale_pages_are_named(generate: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(generate, "DOCS", tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "cli.md").write_text("old", encoding="utf-8")
    (tmp_path / "models" / "gone.md").write_text("old", encoding="utf-8")
    wanted = {Path("cli.md"): "new", Path("models", "README.md"): "new"}
    assert generate.stale(wanted) == [
        "docs/cli.md no longer says what the code says",
        "docs/models/README.md is missing",
        "docs/models/gone.md describes a detector that does not ship",
    ]
    (tmp_path / "cli.md").write_text("new", encoding="utf-8")
    assert generate.stale({Path("cli.md"): "new"}) == ["docs/models/gone.md describes a detector that does not ship"]

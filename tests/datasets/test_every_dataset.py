"""What holds for each data set: facts stated, a missing tree answered with what to do, no media opened."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from unmask import plugins
from unmask.about import About
from unmask.errors import ManifestError

NAMES = plugins.names("datasets")
every_dataset = pytest.mark.parametrize("name", NAMES)


def test_these_are_the_data_sets() -> None:
    assert NAMES == (
        "asvspoof2019",
        "asvspoof2021",
        "asvspoof5",
        "celebdf",
        "ciplab",
        "df40",
        "dfdc",
        "faceforensics",
        "faces140k",
        "fake_or_real",
        "folder",
        "in_the_wild",
        "openforensics",
        "table",
        "wavefake",
    )


@every_dataset
def test_facts_are_stated(name: str) -> None:
    about = plugins.load("datasets", name).ABOUT
    assert isinstance(about, About)
    assert all([about.name, about.licence, about.how_to_get, about.labels, about.traps])
    assert about.homepage.startswith("https://") or name in ("folder", "table")
    assert all(trap.endswith(".") for trap in about.traps)


@every_dataset
@pytest.mark.parametrize("made", [False, True], ids=["absent", "empty"])
def test_a_missing_tree_is_answered_with_what_to_do(name: str, made: bool, tmp_path: Path) -> None:
    module = plugins.load("datasets", name)
    root = tmp_path / "data"
    if made:
        root.mkdir()
    with pytest.raises(ManifestError) as caught:
        list(module.items(root))
    if name == "folder" and not made:
        assert "is not a folder" in str(caught.value)
    else:
        assert module.ABOUT.how_to_get in str(caught.value)
        assert str(root) in str(caught.value)


@every_dataset
def test_no_private_place_and_no_index_is_named(name: str) -> None:
    file = plugins.load("datasets", name).__file__
    assert file is not None
    text = Path(file).read_text(encoding="utf-8")
    words = [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)]
    for word in (word for word in words if isinstance(word, str)):
        assert not word.startswith(("/home", "/data", "/mnt", "/work", "~"))
        assert "huggingface" not in word
        assert "pypi" not in word

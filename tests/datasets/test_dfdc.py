"""DFDC: a metadata.json in each part; a fake shares the group of its original."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from unmask.datasets import dfdc
from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL


def part(root: Path, name: str, content: Any) -> Path:
    (root / name).mkdir(parents=True)
    (root / name / "metadata.json").write_text(json.dumps(content))
    return root


def test_each_part_is_read_and_fakes_join_their_original(tmp_path: Path) -> None:
    part(tmp_path, "dfdc_train_part_0", {"b.mp4": {"label": "REAL", "split": "train", "original": None}})
    facts = {
        "z.mp4": {"label": "FAKE", "split": "train", "original": "c.mp4"},
        "c.mp4": {"label": "REAL", "split": "train"},
    }
    part(tmp_path, "dfdc_train_part_1/dfdc_train_part_1", facts)
    found = list(dfdc.items(tmp_path))
    assert [(item.path.name, item.label, item.group, item.split) for item in found] == [
        ("b.mp4", REAL, "b", "train"),
        ("c.mp4", REAL, "c", "train"),
        ("z.mp4", FAKE, "c", "train"),
    ]
    assert [item.attributes["part"] for item in found] == ["dfdc_train_part_0"] + ["dfdc_train_part_1"] * 2
    assert found[1].path.parent == tmp_path / "dfdc_train_part_1" / "dfdc_train_part_1"
    assert list(dfdc.items(tmp_path)) == found


def test_one_part_alone(tmp_path: Path) -> None:
    part(tmp_path, "part", {"a.mp4": {"label": "REAL"}, "b.mp4": {"label": "FAKE", "original": "a.mp4"}})
    assert len(list(dfdc.items(tmp_path / "part"))) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"a.mp4": {"label": "1"}}, 'the label of a.mp4 is "1", but must be REAL or FAKE'),
        ({"a.mp4": {"split": "train"}}, 'the label of a.mp4 is "None"'),
        ({"a.mp4": "FAKE"}, 'the label of a.mp4 is "None"'),
        ({"../a.mp4": {"label": "REAL"}}, "is not the name of a video"),
        (["a.mp4"], "does not name videos"),
        ({"a.mp4": {"label": "REAL"}}, "no fake file was found"),
    ],
)
def test_wrong_metadata_is_named(tmp_path: Path, content: Any, words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        list(dfdc.items(part(tmp_path, "part", content)))


def test_broken_metadata_is_named(tmp_path: Path) -> None:
    (tmp_path / "metadata.json").write_text('{"a.mp4": {"label"')
    with pytest.raises(ManifestError, match=r"metadata\.json is not JSON: download its part again"):
        list(dfdc.items(tmp_path))

"""The model card: read, written, and refused when it cannot be true."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from unmask.card import Card, Cut, Thresholds
from unmask.errors import BundleError

FIELDS: dict[str, Any] = {
    "name": "face",
    "version": "1",
    "modality": "image",
    "summary": "Looks at faces.",
    "licence": "Apache-2.0",
    "cut": {"kind": "face", "size_px": 128},
    "pooling": "max",
    "training": {
        "recipe": "face.toml",
        "backbone": "tiny",
        "initial_weights": "none",
        "seed": 0,
        "epochs": 1,
        "parameters": 10,
        "made_fakes": "none",
        "unmask_version": "0.1.0",
    },
    "sources": [{"name": "drawn", "licence": "CC0", "items": 3}],
    "calibration": {"set": "val", "temperature": 1.5, "bias": 0.1, "reals": 2, "fakes": 1},
    "thresholds": {"fake_above": 0.8, "real_below": 0.2, "chosen": "by hand"},
    "metrics": [{"name": "AUC", "on": "test", "value": 0.9, "low": 0.8, "high": 0.95, "command": "unmask evaluate"}],
    "limits": ["Knows only drawn faces."],
    "sha256": "0" * 64,
}


def test_a_card_comes_back_as_it_was_written(tmp_path: Path) -> None:
    card = Card.model_validate(FIELDS)
    card.write(tmp_path / "card.json")
    assert Card.read(tmp_path / "card.json") == card
    text = (tmp_path / "card.json").read_text(encoding="utf-8")
    assert text.endswith("}\n")
    assert text.count("\n") > 30  # indented, one value a line


def test_a_missing_card_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"card\.json cannot be read: No such file"):
        Card.read(tmp_path / "card.json")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"name": "face"}', "\0\1"])
def test_a_broken_card_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "card.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BundleError, match="is not valid"):
        Card.read(path)


@pytest.mark.parametrize("name", sorted(set(FIELDS) - {"metrics", "limits"}))
def test_no_card_lacks_a_field(tmp_path: Path, name: str) -> None:
    path = tmp_path / "card.json"
    path.write_text(json.dumps({key: value for key, value in FIELDS.items() if key != name}), encoding="utf-8")
    with pytest.raises(BundleError, match=name):
        Card.read(path)


def test_an_unknown_field_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "card.json"
    path.write_text(json.dumps(FIELDS | {"treshold": 0.5}), encoding="utf-8")
    with pytest.raises(BundleError, match="treshold"):
        Card.read(path)


def test_thresholds_are_ordered() -> None:
    with pytest.raises(ValidationError, match="lies over fake_above"):
        Thresholds(fake_above=0.4, real_below=0.6, chosen="by mistake")
    assert Thresholds(fake_above=0.5, real_below=0.5, chosen="no room for doubt").fake_above == 0.5


@pytest.mark.parametrize(
    "wrong", [{"kind": "voice"}, {"size_px": 0}, {"margin": 0.9}, {"patches": 0}, {"least_sharpness": -1}]
)
def test_an_impossible_cut_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Cut.model_validate({"kind": "face", "size_px": 64} | wrong)


@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_a_temperature_is_positive(temperature: float) -> None:
    wrong = FIELDS | {"calibration": FIELDS["calibration"] | {"temperature": temperature}}
    with pytest.raises(ValidationError, match="temperature"):
        Card.model_validate(wrong)


def test_a_cut_says_what_its_graph_takes() -> None:
    picture, person = Cut(kind="patch", size_px=64), Cut(kind="face", size_px=64, frames=4)
    voice = Cut(kind="speech", window_s=3.84)
    assert (picture.input_name, str(picture.input_type), picture.input_shape) == ("pixels", "uint8", (64, 64, 3))
    assert (person.input_name, str(person.input_type), person.input_shape) == ("pixels", "uint8", (4, 64, 64, 3))
    assert (voice.input_name, str(voice.input_type), voice.input_shape) == ("samples", "float32", (61_440,))
    assert Cut.model_validate_json(voice.model_dump_json()) == voice


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "speech"},
        {"kind": "speech", "window_s": -1.0},
        {"kind": "speech", "window_s": 2.0, "size_px": 64},
        {"kind": "speech", "window_s": 2.0, "frames": 4},
        {"kind": "speech", "window_s": 2.0, "step_s": 0.0},
        {"kind": "face", "size_px": 64, "window_s": 2.0},
        {"kind": "whole"},
    ],
)
def test_a_cut_of_speech_has_a_window_and_others_a_size(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Cut.model_validate(values)

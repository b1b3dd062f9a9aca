"""Teachers: asked about each item once, on one scale, and never one that may know what is left out."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tests.make_bundle import expected_logits, make_bundle
from tests.train.tiny import recipe
from unmask.bundles import Bundle
from unmask.card import Calibration, DataSource
from unmask.errors import RecipeError, UsageError
from unmask.prepare import MANIFEST, read_segments
from unmask.train import teachers as module
from unmask.train.data import read_split
from unmask.train.export import UNCALIBRATED
from unmask.train.recipes import Recipe
from unmask.train.teachers import FOLDER, hear, teachers


def bundle(folder: Path, **changes: Any) -> Bundle:
    """A bundle for patches of 64 px, with other values in its card."""
    made = make_bundle(folder, name=folder.name, kind="patch", pooling="mean")
    card = made.card.model_copy(update=changes)
    card.write(folder / "card.json")
    return Bundle(folder, card)


def taught(*names: object, **data: Any) -> Recipe:
    return recipe(train={"teacher": {"bundles": [str(name) for name in names]}}, data=data)


@pytest.fixture
def folder(prepared: Path, tmp_path: Path) -> Path:
    shutil.copytree(prepared, tmp_path / "prepared")
    return tmp_path / "prepared"


def scale(temperature: float, bias: float) -> Calibration:
    return Calibration(set="drawn", temperature=temperature, bias=bias, reals=1, fakes=1)


def test_nobody_says_nothing(folder: Path) -> None:
    assert teachers(recipe()) == ()
    assert hear((), folder, read_split(folder, "train", ())) == {}
    assert not (folder / FOLDER).exists()


def test_the_answer_is_the_mean_of_calibrated_logits_and_is_asked_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle(tmp_path / "one", calibration=scale(2.0, 0.5))
    bundle(tmp_path / "two", calibration=scale(0.5, -1.0))
    chosen = teachers(taught(tmp_path / "one", tmp_path / "two"))
    items = read_split(folder, "train", ["gamma"])
    steps: list[tuple[int, int]] = []
    said = hear(chosen, folder, items, lambda what, done, of: steps.append((done, of)), jobs=1)
    assert steps == [(done, 40) for done in range(1, 41)], "gamma too, for runs that do not leave it out"
    assert set(said) == {item.path for item in items}
    for item in items:
        logit = float(expected_logits(np.stack(read_segments(item, 64))).mean())
        assert said[item.path] == pytest.approx(((logit - 0.5) / 2 + (logit + 1) / 0.5) / 2, abs=1e-4)
    monkeypatch.setattr(module, "Session", lambda *_, **__: pytest.fail("it is asked again"))
    assert hear(chosen, folder, items) == said


def test_answers_are_believed_for_no_other_pictures_and_of_no_other_teacher(folder: Path, tmp_path: Path) -> None:
    items = read_split(folder, "train", ())
    hear([bundle(tmp_path / "one", calibration=scale(2.0, 0.5))], folder, items)
    hear([bundle(tmp_path / "one", calibration=scale(3.0, 0.5))], folder, items)
    table = folder / MANIFEST
    table.write_text(table.read_text().replace("CC0", "CC-BY"))
    hear([bundle(tmp_path / "one", calibration=scale(3.0, 0.5))], folder, items)
    assert len(list((folder / FOLDER).iterdir())) == 3


@pytest.mark.parametrize(
    ("changes", "data", "message"),
    [
        ({"calibration": Calibration(set=UNCALIBRATED, temperature=1, bias=0, reals=0, fakes=0)}, {}, "not calibrated"),
        (
            {"sources": (DataSource(name="gamma (fake)", licence="CC0", items=4),)},
            {"leave_out": ["gamma"]},
            "has learned from gamma, which the recipe leaves out",
        ),
        ({}, {"leave_out": ["method:stripes"]}, "leave out a whole source"),
    ],
)
def test_a_teacher_that_must_not_be_heard(
    tmp_path: Path, changes: dict[str, Any], data: dict[str, Any], message: str
) -> None:
    bundle(tmp_path / "one", **changes)
    with pytest.raises(RecipeError, match=message):
        teachers(taught(tmp_path / "one", **data))


def test_a_teacher_of_other_pictures(tmp_path: Path) -> None:
    make_bundle(tmp_path / "one", name="one", kind="face")
    with pytest.raises(RecipeError, match="the teacher one looks at other pictures than the recipe"):
        teachers(taught(tmp_path / "one"))


def test_there_is_a_teacher_for_each_source_left_out(tmp_path: Path) -> None:
    for name in ("nothing", "gamma"):
        bundle(tmp_path / f"without-{name}")
    chosen = taught(tmp_path / "without-{left_out}")
    assert [one.card.name for one in teachers(chosen)] == ["without-nothing"]
    without = taught(tmp_path / "without-{left_out}", leave_out=["gamma"])
    assert [one.card.name for one in teachers(without)] == ["without-gamma"]
    with pytest.raises(UsageError, match="there is no model"):
        teachers(taught(tmp_path / "without-{left_out}", leave_out=["beta"]))


def test_a_teacher_has_a_name() -> None:
    with pytest.raises(ValidationError, match="bundles"):
        taught()

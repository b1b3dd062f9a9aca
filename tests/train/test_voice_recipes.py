"""Recipes of voices: what they hear and how they cut belong together."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError

from tests.train.hearing_tiny import listening, solvable
from tests.train.tiny import backbone, recipe, values
from unmask.errors import RecipeError
from unmask.recipe_file import find
from unmask.train.design import Backbone, Model
from unmask.train.models import build
from unmask.train.recipes import Recipe

SHIPPED = ("voice", "voice-aasist", "voice-cnn-rnn", "voice-lcnn")
EYE = {"name": "lcnn", "hears": "lfcc", "weights": "none"}


@pytest.mark.parametrize("name", SHIPPED)
def test_every_recipe_of_voices_listens(name: str) -> None:
    found = Recipe.read(find(name))
    assert found.model.hears
    assert (found.cut.kind, found.cut.input_name, found.cut.input_shape) == ("speech", "samples", (61_440,))
    assert all(one.hears for one in found.model.backbones)
    assert found.cut.step_s == found.cut.window_s / 2
    assert 0 < found.data.made < 1, "vocoders of our own stand beside what was collected"


@pytest.mark.parametrize("name", SHIPPED)
def test_it_can_be_built_and_scores_a_sound(name: str) -> None:
    found = Recipe.read(find(name)).model.initialised("none")
    network = build(found).eval()
    with torch.inference_mode():
        logit, places = network(torch.randn(2, 61_440) * 0.1)
    assert logit.shape == (2,)
    assert places.ndim == 3


def test_they_share_one_cut_so_that_one_folder_serves_all() -> None:
    assert len({Recipe.read(find(name)).cut for name in SHIPPED}) == 1


@pytest.mark.parametrize(
    "tables",
    [
        {"cut": {"kind": "speech", "window_s": 2.0}, "model": {"backbones": [backbone()]}},
        {"model": {"head": "places", "backbone": EYE}},
    ],
    ids=["a cut of speech for eyes", "ears for a cut of pictures"],
)
def test_what_is_cut_must_be_heard(tables: dict[str, Any]) -> None:
    whole = values() | tables  # the tables themselves, not merged with the tiny ones
    with pytest.raises(ValidationError, match="needs backbones that say what they hear, and these need such a cut"):
        Recipe.model_validate(whole)


@pytest.mark.parametrize(
    "tables",
    [
        {"data": {"balance": "sampler", "made": 0.0}},
        {"train": {"adversary": {"share": 0.5}}},
        {"train": {"teacher": {"weight": 0.5, "bundles": ["face"]}}},
    ],
    ids=["not in pairs", "an adversary", "a teacher"],
)
def test_what_looks_at_pictures_is_refused(tables: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        listening(**tables)
    assert "voices are learned in pairs, and without a teacher or an adversary" in str(caught.value)


def test_a_backbone_sees_or_hears() -> None:
    with pytest.raises(ValidationError, match="sees or hears: give one of the two"):
        Backbone.model_validate({**EYE, "sees": "residual"})
    with pytest.raises(ValidationError, match="hears"):
        Backbone.model_validate({**EYE, "hears": "everything"})
    with pytest.raises(ValidationError, match="all backbones are given voices, or none is"):
        Model.model_validate({"backbones": [EYE, backbone()], "head": "statistics"})
    assert Model.model_validate({"backbone": EYE}).hears
    assert not recipe().model.hears


@pytest.mark.parametrize(
    "cut",
    [
        {"kind": "speech"},
        {"kind": "speech", "window_s": 2.0, "size_px": 64},
        {"kind": "speech", "window_s": 2.0, "frames": 4},
        {"kind": "face", "size_px": 64, "window_s": 2.0},
        {"kind": "face"},
    ],
)
def test_a_cut_of_speech_has_a_window_and_no_size(cut: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"needs (window_s|size_px), and has"):
        Recipe.model_validate({**listening().model_dump(), "cut": cut})


def test_a_head_that_is_solved_needs_frozen_ears() -> None:
    assert solvable().model.solved
    with pytest.raises(ValidationError, match='freeze = "all"'):
        listening(model={"head": "discriminant", "backbone": EYE})


def test_a_folder_of_another_cut_is_refused(tmp_path: Any) -> None:
    from unmask.train import loop

    (tmp_path / "cut.json").write_text(listening(cut={"window_s": 2.0}).cut.model_dump_json())
    with pytest.raises(RecipeError, match="was prepared with another cut than the recipe's"):
        loop.train(listening(), tmp_path, tmp_path / "run", workers=0)

"""Recipes changed from the command line: what is altered, what is replaced, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.train.tiny import backbone, frozen, recipe
from unmask.errors import RecipeError
from unmask.train.recipes import Recipe
from unmask.train.variations import changes, read, typed, varied

BASE = recipe(data={"reencode": {"alpha": 75}}, train={"adversary": {"steps": 5}})
TWO = recipe(
    model={"backbones": [backbone(freeze="all"), backbone(freeze="all")], "head": "statistics"}, train={"epochs": 1}
)


def test_a_variation_is_typed_as_toml() -> None:
    name, found = typed("low rate, no colour:train.learning_rate=1e-4,augment.colour=0,pooling='max'")
    assert name == "low rate, no colour"
    assert found == {"train": {"learning_rate": 1e-4}, "augment": {"colour": 0}, "pooling": "max"}
    made = varied(BASE, found)
    assert (made.train.learning_rate, made.augment.colour, made.pooling) == (1e-4, 0, "max")
    assert made.train.adversary == BASE.train.adversary
    assert made.name == BASE.name
    back = {"train": BASE.train, "augment": BASE.augment, "pooling": BASE.pooling}
    assert made.model_copy(update=back) == BASE


def test_a_table_alters_what_it_names_and_a_dictionary_is_replaced() -> None:
    made = varied(BASE, changes("train.adversary.strength=3,data.reencode={beta=80}"))
    assert made.train.adversary is not None
    assert (made.train.adversary.strength, made.train.adversary.steps) == (3, 5)
    assert made.data.reencode == {"beta": 80}


def test_what_was_not_there_may_come_and_go() -> None:
    made = varied(recipe(), changes("train.adversary={method='fgsm'},augment.jpeg_quality=[60, 90]"))
    assert made.train.adversary is not None
    assert made.train.adversary.method == "fgsm"
    assert made.augment.jpeg_quality == (60, 90)


@pytest.mark.parametrize(
    ("base", "text", "maps"),
    [
        (frozen(), "model.backbone.maps=[0, 1]", [(0, 1)]),
        (TWO, "model.backbone.maps=[0]", [(0,), (0,)]),
        (TWO, "model.backbones.1.maps=[2]", [(-1,), (2,)]),
    ],
)
def test_backbones_are_changed_by_number_or_all(base: Recipe, text: str, maps: list[tuple[int, ...]]) -> None:
    made = varied(base, changes(text))
    assert [one.maps for one in made.model.backbones] == maps
    assert made.model.model_copy(update={"backbones": base.model.backbones}) == base.model


def test_a_file_has_a_table_for_each(tmp_path: Path) -> None:
    path = tmp_path / "variations.toml"
    path.write_text('["no colour".augment]\ncolour = 0\n[short]\ntrain = { epochs = 1 }\npooling = "max"\n')
    found = read(path)
    assert list(found) == ["no colour", "short"]
    assert varied(BASE, found["no colour"]).augment.colour == 0
    assert varied(BASE, found["short"]).pooling == "max"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data.source_power=0", "is not NAME:option=value"),
        (":data.source_power=0", "is not NAME:option=value"),
        ("plain:", "changes nothing"),
        ("max:pooling=max", "text stands in quotes"),
        ("twice:pooling='max',pooling='mean'", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        typed(text)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"data": {"source_powr": 0}}, "data.source_powr: Extra inputs"),
        ({"train": {"epochs": 0}}, "train.epochs: Input should be greater than 0"),
        ({"train": {"batch": 7}}, "train.batch must be even"),
        ({"model": {"backbones": {"1": {"maps": [1]}}}}, 'no number "1": the recipe has 0 to 0'),
        ({"model": {"backbones": {"first": {}}}}, 'no number "first"'),
    ],
)
def test_what_no_recipe_may_say_is_refused(found: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        varied(recipe(), found, "odd")


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "variations.toml"
    path.write_text("pooling = 'max'\n")
    with pytest.raises(RecipeError, match=r'"pooling" in .* must be a table'):
        read(path)

"""Recipes of generators: those that ship are whole, and a typo is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.train.generators.tiny import generator
from unmask.errors import RecipeError
from unmask.train.generators.design import GeneratorRecipe, find

SHIPPED = sorted((Path(__file__).parents[3] / "recipes" / "generators").glob("*.toml"))


def test_those_that_ship_cover_every_upsampler_and_loss_and_some_are_held_out() -> None:
    recipes = [GeneratorRecipe.read(path) for path in SHIPPED]
    assert [recipe.name for recipe in recipes] == [path.stem for path in SHIPPED]
    training = [recipe for recipe in recipes if not recipe.held_out]
    held_out = [recipe for recipe in recipes if recipe.held_out]
    assert {recipe.network.upsampler for recipe in training} == {"nearest", "bilinear", "transposed", "shuffle"}
    assert {loss for recipe in training for loss in recipe.losses} == {"l1", "l2", "ssim", "features", "adversarial"}
    assert len(held_out) >= 3
    forms = [(r.network.upsampler, r.network.depth, tuple(sorted(r.losses))) for r in recipes]
    assert len(set(forms)) == len(forms)


def test_a_recipe_is_found_by_name_or_path(tmp_path: Path) -> None:
    assert find(SHIPPED[0].stem).samefile(SHIPPED[0])
    assert find(str(SHIPPED[0])) == SHIPPED[0]
    with pytest.raises(RecipeError, match=SHIPPED[0].stem):
        find("nothing")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"network": {"upsampler": "cubic"}}, "upsampler"),
        ({"network": {"depth": 5}}, "depth"),
        ({"losses": {"adversarial": 1.0}}, "compares pixels"),
        ({"losses": {"l3": 1.0}}, "l3"),
        ({"train": {"crop_px": 34}}, "multiple of 4"),
        ({"name": "../x"}, "name"),
        ({"colour": 1}, "colour"),
    ],
)
def test_what_cannot_work_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        generator(**change)

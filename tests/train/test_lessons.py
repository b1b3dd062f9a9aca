from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.train.tiny import frozen
from unmask.prepare import read_segments
from unmask.train.data import Store, read_split
from unmask.train.lessons import View
from unmask.train.recipes import Recipe


def view(prepared: Path, recipe: Recipe, number: int) -> View:
    items = read_split(prepared, "train", ())
    return View(items, None, Store(items, recipe.cut.size_px), recipe, number)


def as_they_are(shown: View, prepared: Path, recipe: Recipe) -> list[bool]:
    """Of each picture, whether it is one of its item's segments, unchanged."""
    items = read_split(prepared, "train", ())
    segments = [read_segments(item, recipe.cut.size_px) for item in items]
    pixels = [shown[number][0].numpy() for number in range(len(shown))]
    return [any(np.array_equal(one, own) for own in mine) for one, mine in zip(pixels, segments, strict=True)]


def test_plain_views_show_pictures_as_they_are(prepared: Path) -> None:
    recipe = frozen(train={"views": 2, "plain_views": 1}, augment={"flip": 0.0, "jpeg": 1.0})
    assert all(as_they_are(view(prepared, recipe, 0), prepared, recipe))
    assert not any(as_they_are(view(prepared, recipe, 1), prepared, recipe))
    assert all(as_they_are(view(prepared, recipe, 2), prepared, recipe)), "the first of another seed's two"


def test_other_chances_give_other_forms(prepared: Path) -> None:
    recipe = frozen(augment={"jpeg": 1.0})
    first, second = view(prepared, recipe, 0), view(prepared, recipe, 1)
    assert any(not np.array_equal(first[number][0], second[number][0]) for number in range(len(first)))
    again = view(prepared, recipe, 1)
    assert all(np.array_equal(again[number][0], second[number][0]) for number in range(len(again)))

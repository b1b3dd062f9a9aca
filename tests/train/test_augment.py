"""Augmentation: the same size, the same for the same chance, and no way to know the label."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.scenes import scene
from unmask.train.augment import augment
from unmask.train.recipes import Augment

NONE = Augment(flip=0, zoom=0, colour=0, resize=0, blur=0, noise=0, jpeg=0)
ALL = Augment(flip=1, zoom=1, colour=1, resize=1, blur=1, noise=1, jpeg=1)
CHANGES = ("flip", "zoom", "colour", "resize", "blur", "noise", "jpeg")
PICTURE = np.asarray(scene(1), np.uint8)


def generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def only(change: str) -> Augment:
    return NONE.model_copy(update={change: 1.0})


def test_changes_is_every_probability_there_is() -> None:
    assert {*CHANGES, "jpeg_quality"} == set(Augment.model_fields)


@settings(max_examples=25)
@given(st.integers(16, 80), st.integers(16, 80), st.integers(0, 2**32 - 1))
def test_size_and_type_stay(width: int, height: int, seed: int) -> None:
    pixels = generator(seed).integers(0, 256, (height, width, 3), np.uint8)
    before = pixels.copy()
    for options in (Augment(), ALL):
        changed = augment(pixels, options, generator(seed))
        assert changed.shape == (height, width, 3)
        assert changed.dtype == np.uint8
    np.testing.assert_array_equal(pixels, before)


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_is_repeatable_and_has_its_own_switch(change: str) -> None:
    changed = [augment(PICTURE, only(change), generator(seed)) for seed in range(8)]
    for seed, one in enumerate(changed):
        assert not np.array_equal(one, PICTURE)
        np.testing.assert_array_equal(one, augment(PICTURE, only(change), generator(seed)))
        np.testing.assert_array_equal(PICTURE, augment(PICTURE, NONE, generator(seed)))
    assert (len({one.tobytes() for one in changed}) == 1) == (change == "flip"), "all else differs in degree"


def test_the_pictures_stay_themselves() -> None:
    for seed in range(20):
        changed = augment(PICTURE, ALL.model_copy(update={"flip": 0.0, "zoom": 0.0}), generator(seed))
        assert np.corrcoef(changed.mean(axis=2).ravel(), PICTURE.mean(axis=2).ravel())[0, 1] > 0.7


def test_the_label_is_out_of_reach() -> None:
    assert list(inspect.signature(augment).parameters) == ["pixels", "options", "rng"]


def test_the_range_of_qualities_is_kept() -> None:
    def loss(low: int, high: int) -> list[float]:
        options = only("jpeg").model_copy(update={"jpeg_quality": (low, high)})
        changed = [augment(PICTURE, options, generator(seed)).astype(float) for seed in range(20)]
        return [float(np.abs(one - PICTURE).mean()) for one in changed]

    assert max(loss(95, 100)) < min(loss(5, 10))
    assert len(set(loss(80, 80))) == 2, "one quality, with and without subsampled colours"

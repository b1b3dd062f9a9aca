from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from unmask import makers
from unmask.makers import Points, Portrait
from unmask.makers.swap import graft, swap
from unmask.types import Pixels

SIDE_PX = 160


def landmarks(middle: tuple[float, float], eyes_px: float) -> Points:
    shape = np.array([[-0.5, -0.5], [0.5, -0.5], [0, 0], [-0.4, 0.5], [0.4, 0.5]], np.float32)
    return shape * eyes_px + np.array(middle, np.float32)


def picture(seed: int, coarse_px: int = 10) -> Pixels:
    """Soft blobs, so that a copy that lies half a pixel off is seen to."""
    small = np.random.default_rng(seed).integers(40, 215, (coarse_px, coarse_px, 3), np.uint8)
    return np.asarray(Image.fromarray(small).resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC))


class One:
    """A collection of one face, which notes what it was asked for."""

    def __init__(self, portrait: Portrait | None) -> None:
        self.portrait = portrait
        self.labels: list[int] = []

    def near(self, portrait: Portrait, rng: np.random.Generator, label: int) -> Portrait | None:
        self.labels.append(label)
        return self.portrait


HERE = Portrait(picture(0), landmarks((80, 80), 40))


@pytest.mark.parametrize("seed", range(12))
def test_only_the_face_is_replaced(seed: int) -> None:
    made = swap(HERE, One(Portrait(picture(1), landmarks((70, 90), 60))), np.random.default_rng(seed))
    assert made is not None
    assert made.shape == HERE.pixels.shape
    assert made.dtype == np.uint8
    changed = np.abs(made.astype(int) - HERE.pixels).max(axis=2)
    assert changed.max() > 8
    assert changed[:4].max() == changed[-4:].max() == changed[:, :4].max() == 0


@pytest.mark.parametrize("seed", range(12))
def test_a_face_lands_where_the_other_was(seed: int) -> None:
    """The donor is the picture itself, larger: whatever is blended, all comes back to its place."""
    larger = np.asarray(Image.fromarray(HERE.pixels).resize((2 * SIDE_PX, 2 * SIDE_PX), Image.Resampling.BICUBIC))
    assert HERE.landmarks is not None
    donor = Portrait(larger, HERE.landmarks * 2)
    made = swap(HERE, One(donor), np.random.default_rng(seed))
    assert made is not None
    assert np.abs(made.astype(float) - HERE.pixels).mean() < 1.5


def test_the_same_chance_gives_the_same_fake() -> None:
    donors = One(Portrait(picture(2), landmarks((80, 80), 50)))
    first, second = (swap(HERE, donors, np.random.default_rng(3)) for _ in range(2))
    assert first is not None
    assert (first == second).all()


def test_a_swap_takes_photos_and_a_graft_takes_fakes() -> None:
    donors = One(None)
    assert swap(HERE, donors, np.random.default_rng(0)) is None
    assert graft(HERE, donors, np.random.default_rng(0)) is None
    assert donors.labels == [0, 1]


def test_without_landmarks_there_is_nothing_to_fit() -> None:
    nowhere = Portrait(HERE.pixels)
    assert swap(nowhere, One(HERE), np.random.default_rng(0)) is None
    assert swap(HERE, One(nowhere), np.random.default_rng(0)) is None


def test_a_face_outside_of_the_picture_is_not_swapped() -> None:
    outside = Portrait(HERE.pixels, landmarks((-200, -200), 20))
    assert swap(outside, One(HERE), np.random.default_rng(0)) is None


@pytest.mark.parametrize("name", ["swap", "graft"])
def test_who_cannot_swap_blends_with_itself(name: str) -> None:
    made = makers.make(name, HERE, One(None), np.random.default_rng(1))
    assert made.shape == HERE.pixels.shape
    assert (made != HERE.pixels).any()

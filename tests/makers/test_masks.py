"""Masks: soft, over the face, of many shapes, and unbroken by any landmarks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.makers.faces import PROFILE, SIZE_PX, generator
from unmask.makers import Points, Portrait
from unmask.makers.masks import Frame, blend_mask, box_of, face_mask, part_mask, somewhere

SIZE = (SIZE_PX, SIZE_PX)


@pytest.fixture
def marks(portrait: Portrait) -> Points:
    assert portrait.landmarks is not None
    return portrait.landmarks


def test_the_mask_is_soft_and_lies_over_the_face(marks: Points) -> None:
    eyes, mouth = marks[:2].mean(axis=0), marks[3:].mean(axis=0)
    reach = float(np.hypot(*(marks[1] - marks[0])))
    shares = []
    for seed in range(200):
        mask = face_mask(SIZE, marks, generator(seed))
        assert mask.dtype == np.float32
        assert mask.shape == (SIZE_PX, SIZE_PX)
        assert mask.min() >= 0
        assert mask.max() == 1
        assert ((mask > 0.05) & (mask < 0.95)).any()
        y, x = np.mgrid[0:SIZE_PX, 0:SIZE_PX]
        centre = np.array([(mask * x).sum(), (mask * y).sum()]) / mask.sum()
        assert eyes[1] - 0.6 * reach < centre[1] < mouth[1] + 0.6 * reach
        assert abs(centre[0] - (eyes[0] + mouth[0]) / 2) < 0.5 * reach
        shares.append(mask.mean())
    assert min(shares) < 0.1 < 0.25 < max(shares), "parts of the face and the whole of it are drawn"


@pytest.mark.parametrize(("part", "point"), [("eyes", 0), ("eyes", 1), ("nose", 2), ("mouth", 3), ("mouth", 4)])
def test_a_part_covers_its_landmark_and_no_other_part(marks: Points, part: str, point: int) -> None:
    others = [number for number in range(5) if (number < 2) != (point < 2) and (number > 2) != (point > 2)]
    covered = 0
    for seed in range(20):
        mask = part_mask(SIZE, marks, part, generator(seed), softness=(0.01, 0.02))
        x, y = marks[point].round().astype(int)
        covered += mask[y - 4 : y + 5, x - 4 : x + 5].max() > 0.5
        for other in others:
            x, y = marks[other].round().astype(int)
            assert mask[y, x] < 0.5
    assert covered >= 17


def test_masks_of_a_part_differ_in_shape_and_softness(marks: Points) -> None:
    masks = [part_mask(SIZE, marks, "face", generator(seed)) for seed in range(30)]
    cores = np.array([mask > 0.5 for mask in masks])
    assert 0.02 < np.mean([(core ^ cores[0]).sum() / cores[0].sum() for core in cores[1:]]) < 0.6
    edges = [((mask > 0.1) & (mask < 0.9)).mean() for mask in masks]
    assert max(edges) > 2 * min(edges)


def test_a_tilted_face_has_a_tilted_mask() -> None:
    upright = np.array([[40, 50], [80, 50], [60, 74], [44, 92], [76, 92]], np.float32)
    turned = np.stack([SIZE_PX - upright[:, 1], upright[:, 0]], axis=1)  # a quarter to the right
    for seed in range(10):
        mask = part_mask(SIZE, upright, "eyes", generator(seed))
        other = part_mask(SIZE, turned, "eyes", generator(seed))
        assert np.abs(np.rot90(mask, -1) - other).mean() < 0.005 < 0.1 * np.abs(mask - other).mean()


def test_a_turned_head_shows_more_of_the_cheek_that_its_nose_leaves() -> None:
    ahead = np.array([[40, 50], [80, 50], [60, 74], [44, 92], [76, 92]], np.float32)
    turned = ahead + np.array([[0, 0], [0, 0], [8, 0], [0, 0], [0, 0]], np.float32)
    assert Frame(turned).origin[0] < Frame(ahead).origin[0]


def test_a_face_in_profile_gets_a_mask_as_tall_as_the_face() -> None:
    for seed in range(50):
        mask = part_mask(SIZE, PROFILE, "face", generator(seed))
        rows = np.flatnonzero(mask.max(axis=1) > 0.5)
        assert rows[-1] - rows[0] > 40, "the eyes coincide, but the face is no speck"


def test_a_second_place_is_drawn_now_and_then(portrait: Portrait) -> None:
    """Far from the face, where no mask of its own could reach."""
    face = np.array([[8, 8], [16, 8], [12, 13], [9, 17], [15, 17]], np.float32)
    small = Portrait(portrait.pixels, face)
    second = sum(blend_mask(small, generator(seed))[48:, 48:].any() for seed in range(300))
    assert 15 < second < 75


@pytest.mark.parametrize("landmarks", [None, PROFILE + 500], ids=["unknown", "outside"])
def test_a_blend_is_never_nowhere(portrait: Portrait, landmarks: Points | None) -> None:
    places = set()
    for seed in range(30):
        mask = blend_mask(Portrait(portrait.pixels, landmarks), generator(seed))
        assert mask.max() == 1
        rows, columns = box_of(mask)
        assert not np.delete(mask, np.s_[rows], axis=0).any()
        assert not np.delete(mask, np.s_[columns], axis=1).any()
        places.add((rows.start, columns.start))
    assert len(places) > 10


def test_a_place_drawn_at_random_lies_inside() -> None:
    for seed in range(50):
        points = somewhere((100, 60), generator(seed))
        assert points.shape == (5, 2)
        assert points.dtype == np.float32
        centre = points.mean(axis=0)
        assert 20 < centre[0] < 80
        assert 12 < centre[1] < 48


@given(
    st.lists(st.floats(-1e4, 1e4, width=32), min_size=10, max_size=10),
    st.integers(0, 2**32 - 1),
)
def test_no_landmarks_break_the_mask(values: list[float], seed: int) -> None:
    mask = face_mask((48, 32), np.array(values, np.float32).reshape(5, 2), generator(seed))
    assert mask.shape == (32, 48)
    assert 0 <= mask.min() <= mask.max() <= 1

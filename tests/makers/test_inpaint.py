"""Painted-over parts: a small place, filled as smoothly as its border says, sometimes with its grain."""

from __future__ import annotations

import numpy as np
import pytest

from tests.makers.faces import PROFILE, generator
from unmask.makers import Nobody, Portrait
from unmask.makers.inpaint import _grain, inpaint, membrane


def test_it_paints_over_small_parts_of_the_face(portrait: Portrait) -> None:
    assert portrait.landmarks is not None
    reach = float(np.hypot(*(portrait.landmarks[1] - portrait.landmarks[0])))
    y, x = np.mgrid[0 : portrait.pixels.shape[0], 0 : portrait.pixels.shape[1]]
    near = np.min([np.hypot(x - px, y - py) for px, py in portrait.landmarks], axis=0)
    for seed in range(40):
        fake = inpaint(portrait, Nobody(), generator(seed))
        assert fake is not None
        where = (fake != portrait.pixels).any(axis=2)
        assert 0.001 < where.mean() < 0.25
        assert near[where].max() < 0.8 * reach
        np.testing.assert_array_equal(fake, inpaint(portrait, Nobody(), generator(seed)))


def test_every_part_is_painted_over_by_some(portrait: Portrait) -> None:
    assert portrait.landmarks is not None
    touched = np.zeros(5, int)
    for seed in range(60):
        fake = inpaint(portrait, Nobody(), generator(seed))
        assert fake is not None
        where = (fake != portrait.pixels).any(axis=2)
        for point, (x, y) in enumerate(portrait.landmarks.round().astype(int)):
            touched[point] += where[y - 5 : y + 6, x - 5 : x + 6].any()
    assert touched.min() > 8
    assert touched.max() < 56


@pytest.mark.parametrize("landmarks", [None, PROFILE + 500], ids=["unknown", "outside"])
def test_where_there_is_no_face_it_declines(portrait: Portrait, landmarks: np.ndarray | None) -> None:
    assert inpaint(Portrait(portrait.pixels, landmarks), Nobody(), generator(0)) is None


@pytest.mark.parametrize("shift", [-40, 50])
def test_a_face_that_the_border_cuts_is_survived(portrait: Portrait, shift: int) -> None:
    assert portrait.landmarks is not None
    for seed in range(30):
        fake = inpaint(Portrait(portrait.pixels, portrait.landmarks + np.float32(shift)), Nobody(), generator(seed))
        assert fake is None or fake.shape == portrait.pixels.shape


def test_a_membrane_is_smooth_and_meets_its_border() -> None:
    y, x = np.mgrid[0:40, 0:50].astype(np.float32)
    plane = np.stack([2 * x + y, 100 - x, np.full_like(x, 7)], axis=2)  # harmonic: the only right answer
    hole = np.hypot(x - 24, y - 20) < 11
    torn = np.where(hole[..., None], np.float32(1e3), plane)
    filled = membrane(torn, hole)
    np.testing.assert_array_equal(filled[~hole], plane[~hole])
    assert np.abs(filled - plane)[hole].max() < 1.5, "of 22 x 11 pixels' worth of slope"
    np.testing.assert_allclose(filled[..., 2], 7, atol=1e-4)


def test_a_membrane_over_all_but_a_corner_and_a_single_row() -> None:
    values = np.full((9, 6, 3), 5, np.float32)
    hole = np.ones((9, 6), bool)
    hole[0, 0] = False
    np.testing.assert_allclose(membrane(values, hole), 5)
    np.testing.assert_allclose(membrane(values[:1], hole[:1]), 5)
    np.testing.assert_allclose(membrane(values[:, :1], hole[:, :1]), 5)


def test_the_grain_is_that_of_the_surroundings() -> None:
    hole = np.zeros((60, 60), bool)
    hole[20:40, 20:40] = True
    spreads = []
    for strength in (1.0, 6.0):
        noisy = (128 + strength * generator(0).standard_normal((60, 60, 3))).astype(np.float32)
        spreads.append(np.mean([_grain(noisy, hole, generator(seed)).std() for seed in range(10)]))
    assert 4 < spreads[1] < 8
    assert spreads[0] < 0.4 * spreads[1]

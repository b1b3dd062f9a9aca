"""A camera over a still: smooth, inside the picture, with the landmarks where the face is."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.makers.faces import generator
from unmask.makers.camera import filmed, wandering
from unmask.makers.portrait import Portrait

MARKS = np.array([[60, 60], [90, 62], [75, 80], [64, 98], [88, 99]], np.float32)


def still(size: tuple[int, int] = (200, 160), ground: str = "white") -> Portrait:
    """Dots where the landmarks are."""
    picture = Image.new("RGB", size, ground)
    draw = ImageDraw.Draw(picture)
    for x, y in MARKS.tolist():
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill="red")
    return Portrait(np.asarray(picture, np.uint8), MARKS)


@pytest.mark.parametrize("seed", range(6))
def test_landmarks_go_with_the_face(seed: int) -> None:
    for frame in filmed(still(), 8, generator(seed)):
        assert frame.landmarks is not None
        for x, y in frame.landmarks:
            red, green, _ = frame.pixels[round(float(y)), round(float(x))].tolist()
            assert red > 200 > 100 > green


@pytest.mark.parametrize("seed", range(12))
def test_nothing_from_beyond_the_border_is_seen(seed: int) -> None:
    frames = filmed(still((120, 110)), 8, generator(seed))
    for frame in frames:
        assert frame.pixels.max(axis=2).min() > 150, "black is what lies beyond"
    assert len({frame.pixels.shape for frame in frames}) == 1
    assert all(side % 2 == 0 for side in frames[0].pixels.shape[:2])


def test_the_same_chance_makes_the_same_frames_and_they_move(seed: int = 3) -> None:
    one, other, third = (filmed(still(), 8, generator(number)) for number in (seed, seed, seed + 1))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.pixels, b.pixels)
    assert third[0].pixels.shape != one[0].pixels.shape or not np.array_equal(third[0].pixels, one[0].pixels)
    steps = [
        float(np.abs(b.landmarks - a.landmarks).mean())
        for a, b in itertools.pairwise(one)
        if a.landmarks is not None and b.landmarks is not None
    ]
    assert min(steps) > 0
    assert max(steps) < 12


def test_large_pictures_become_small_frames() -> None:
    large = Portrait(np.full((900, 1200, 3), 90, np.uint8), MARKS * 6)
    for seed in range(4):
        (frame,) = filmed(large, 1, generator(seed))
        assert max(frame.pixels.shape) <= 288


def test_wandering_remembers() -> None:
    far = wandering(generator(0), 4000, 2, 0.9)
    assert far.std() == pytest.approx(1, abs=0.15)
    assert np.corrcoef(far[1:, 0], far[:-1, 0])[0, 1] == pytest.approx(0.9, abs=0.05)

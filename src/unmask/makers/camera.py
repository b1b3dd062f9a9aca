"""Make frames of a still: a camera that wanders over it slowly, in a hand that is never quite at rest.

Nothing is invented at the border: the camera sees only what lies inside the picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unmask.makers.portrait import Points, Portrait

_SHORTEST_PX, _LONGEST_PX = 64, 288
_ZOOM: Final = (0.8, 0.94)
_SCALES: Final = (0.7, 1.1)
"""Pixels of a frame to those of what is seen."""

_TURN: Final = math.radians(3)
_LAG: Final = 0.7
"""How much of the hand's place in one frame is left in the next."""


def filmed(still: Portrait, frames: int, rng: np.random.Generator) -> list[Portrait]:
    """Frames of a slow move over a still: it wanders, comes nearer or goes back, turns a little and trembles.

    Args:
        still: The picture; the landmarks move along. The camera keeps the face in view as far as that is possible.
        frames: How many.
        rng: Source of all chance.

    Returns:
        Frames of one size, with even sides of at most 288 px. Light and grain vary as they do between frames of a
        camera, since a still's own grain would otherwise move with the picture.
    """
    assert still.landmarks is not None
    picture = Image.fromarray(still.pixels)
    shrunk = min(1.0, _LONGEST_PX / _ZOOM[0] / max(picture.size))
    if shrunk < 1:
        picture = picture.resize([round(side * shrunk) for side in picture.size], Image.Resampling.LANCZOS)
    before = np.array(still.pixels.shape[1::-1], np.float32)
    landmarks: Points = (still.landmarks * np.array(picture.size, np.float32) / before).astype(np.float32)
    width, height = picture.size
    scale = float(rng.uniform(*_SCALES)) * _ZOOM[1]
    size = (_even(width * scale), _even(height * scale))
    grain, light = float(np.exp(rng.uniform(np.log(0.3), np.log(3)))), float(rng.uniform(0, 0.02))
    made = []
    for place in _places(np.array([width, height]), landmarks, frames, rng):
        matrix = _matrix(place, (width, height), size)
        seen = picture.transform(size, Image.Transform.AFFINE, tuple(matrix.ravel()), Image.Resampling.BICUBIC)
        noise = grain * rng.standard_normal((size[1], size[0], 1), np.float32)
        lit = np.asarray(seen, np.float32) * np.float32(1 + light * rng.standard_normal() / 2) + noise
        back = np.linalg.inv(matrix[:, :2])
        points = ((landmarks - matrix[:, 2]) @ back.T).astype(np.float32)
        made.append(Portrait(np.clip(np.rint(lit), 0, 255).astype(np.uint8), points))
    return made


def wandering(rng: np.random.Generator, steps: int, values: int, lag: float) -> NDArray[np.float64]:
    """Numbers (steps, values) of spread 1 that each remember `lag` of the one before."""
    fresh = rng.standard_normal((steps, values))
    for step in range(1, steps):
        fresh[step] = lag * fresh[step - 1] + math.sqrt(1 - lag * lag) * fresh[step]
    return fresh


def _even(side: float) -> int:
    return max(_SHORTEST_PX, min(_LONGEST_PX, int(side) // 2 * 2))


def _places(
    size: NDArray[np.int64], landmarks: Points, frames: int, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.float64], float, float]]:
    """Where the camera looks in each frame: centre, zoom (the share of each side that is seen) and turn."""
    zooms, turns = rng.uniform(*_ZOOM, 2), rng.uniform(-_TURN, _TURN, 2)
    starts, ends = rng.random(2), rng.random(2)
    trembling = wandering(rng, frames, 3, _LAG) * float(rng.uniform(0.1, 0.8))
    for step in range(frames):
        share = step / max(frames - 1, 1)
        share = share * share * (3 - 2 * share)  # it sets off and stops gently
        zoom = float(zooms[0] + share * (zooms[1] - zooms[0]))
        turn = float(turns[0] + share * (turns[1] - turns[0]) + math.radians(0.15) * trembling[step, 2])
        cosine, sine = math.cos(turn), abs(math.sin(turn))
        half = zoom / 2 * np.array([size[0] * cosine + size[1] * sine, size[1] * cosine + size[0] * sine])
        half = np.minimum(half, size / 2)
        low, high = half, size - half
        face_low, face_high = landmarks.max(axis=0) - 0.7 * half, landmarks.min(axis=0) + 0.7 * half
        middle = np.clip((face_low + face_high) / 2, low, high)
        low, high = (np.where(face_low > face_high, middle, np.clip(end, low, high)) for end in (face_low, face_high))
        centre = low + (starts + share * (ends - starts)) * (high - low) + trembling[step, :2]
        yield np.clip(centre, half, size - half), zoom, turn


def _matrix(
    place: tuple[NDArray[np.float64], float, float], size: tuple[int, int], frame: tuple[int, ...]
) -> NDArray[np.float64]:
    """Where in the picture a point of the frame is seen: (2, 3)."""
    centre, zoom, turn = place
    scale = zoom * np.array(size) / np.array(frame)
    turned = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]) * scale
    return np.concatenate([turned, (centre - turned @ (np.array(frame) / 2))[:, None]], axis=1)

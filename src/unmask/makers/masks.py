"""Where a made fake differs from its original: soft, deformed masks over a face or a part of it.

Shiohara & Yamasaki 2022 (arXiv:2204.08376) draw the hull of 68 or 81 landmarks, with the forehead or without, deform
it elastically, shrink it by a blur and a threshold, and blur it again. We have five landmarks: they carry an outline
of an average face, which follows the face's place, size, tilt and turn.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from unmask.makers.portrait import Points, Portrait

Mask = NDArray[np.float32]
"""How much of each pixel is exchanged: float32 (H, W) in [0, 1]."""

_SECOND: Final = 0.15
"""Chance of a second place: a picture may show several faces, and the manifest knows one of them."""

_RIGHT_HALVES: Final[dict[str, tuple[tuple[float, float], ...]]] = {
    "head": ((0, -1.1), (0.5, -1.0), (0.88, -0.6), (1.0, 0), (0.95, 0.6), (0.78, 1.15), (0.4, 1.62), (0, 1.75)),
    "face": ((0, -0.42), (0.45, -0.52), (0.9, -0.35), (0.98, 0.2), (0.9, 0.75), (0.72, 1.2), (0.38, 1.6), (0, 1.72)),
    "inner": ((0, -0.4), (0.6, -0.42), (0.85, -0.1), (0.72, 0.6), (0.58, 1.15), (0.3, 1.32), (0, 1.36)),
    "lower": ((0, 0.25), (0.35, 0.35), (0.75, 0.55), (0.75, 1.1), (0.4, 1.58), (0, 1.68)),
    "eyes": ((0, -0.3), (0.5, -0.45), (0.92, -0.3), (0.92, 0.15), (0.5, 0.3), (0, 0.22)),
    "nose": ((0, 0.05), (0.14, 0.15), (0.2, 0.5), (0.32, 0.62), (0.2, 0.75), (0, 0.78)),
    "mouth": ((0, 0.82), (0.3, 0.8), (0.58, 1.0), (0.32, 1.2), (0, 1.28)),
}
"""Outlines in the frame of the face: the eyes lie at x = -0.5 and 0.5, y = 0, the mouth at y = 1."""

_BLENDED: Final = ("head", "face", "face", "inner", "lower", "eyes")
_WAVES: Final = 5


def blend_mask(portrait: Portrait, rng: np.random.Generator) -> Mask:
    """A mask over the face, or somewhere if it is not known where one is; sometimes over a second place as well.

    Never empty.
    """
    height, width = portrait.pixels.shape[:2]
    size = (width, height)
    mask = np.zeros((height, width), np.float32)
    if portrait.landmarks is not None:
        mask = face_mask(size, portrait.landmarks, rng)
    if not mask.any() or rng.random() < _SECOND:
        mask = np.maximum(mask, face_mask(size, somewhere(size, rng), rng))
    return mask


def face_mask(size: tuple[int, int], landmarks: Points, rng: np.random.Generator) -> Mask:
    """A soft, deformed mask over the face or a part of it, 1 at its most; 0 all over where the face lies outside.

    Args:
        size: Width and height.
        landmarks: float32 (5, 2).
        rng: Source of all chance.
    """
    return part_mask(size, landmarks, str(rng.choice(_BLENDED)), rng)


def part_mask(
    size: tuple[int, int],
    landmarks: Points,
    part: str,
    rng: np.random.Generator,
    *,
    softness: tuple[float, float] = (0.03, 0.16),
) -> Mask:
    """As `face_mask`, over one part.

    Args:
        size: Width and height.
        landmarks: float32 (5, 2).
        part: "head" to the hairline, "face" to the brows, "inner", "lower", "eyes", "nose" or "mouth".
        rng: Source of all chance.
        softness: Least and largest spread of the edge, in distances between the eyes.
    """
    frame = Frame(landmarks)
    half = np.array(_RIGHT_HALVES[part])
    outline = frame.place(_deformed(np.concatenate([half, half[-2:0:-1] * (-1, 1)]), rng))
    sharp = Image.new("L", size)
    ImageDraw.Draw(sharp).polygon([(float(x), float(y)) for x, y in outline], fill=255)
    shrunk = sharp.filter(ImageFilter.GaussianBlur(frame.reach * float(rng.uniform(0.0, 0.08))))
    shrunk = shrunk.point([0] * 250 + [255] * 6)
    soft = shrunk if shrunk.getbbox() else sharp
    soft = soft.filter(ImageFilter.GaussianBlur(frame.reach * float(rng.uniform(*softness))))
    mask = np.asarray(soft, np.float32)
    return mask / max(float(mask.max()), 1.0)


def somewhere(size: tuple[int, int], rng: np.random.Generator) -> Points:
    """Five points of a face somewhere in a picture of this width and height: a seam is a seam anywhere."""
    eyes = min(size) * float(rng.uniform(0.15, 0.4))
    face = np.array([[-0.5, -0.55], [0.5, -0.55], [0, 0], [-0.4, 0.55], [0.4, 0.55]], np.float32) * eyes
    return face + rng.uniform(0.25, 0.75, 2).astype(np.float32) * np.array(size, np.float32)


def box_of(mask: Mask | NDArray[np.bool_], margin_px: int = 0) -> tuple[slice, slice]:
    """The rows and columns that a mask covers; it must not be empty."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    top, left = max(int(rows[0]) - margin_px, 0), max(int(columns[0]) - margin_px, 0)
    return slice(top, int(rows[-1]) + 1 + margin_px), slice(left, int(columns[-1]) + 1 + margin_px)


class Frame:
    """The frame of a face: where a point of an average face lies in this one, whatever its landmarks.

    Attributes:
        reach: Distance between the eyes in pixels, as if seen from the front.
        origin: Between the eyes, (2,).
        axes: As far as from the first eye to the second, and down to the mouth, in pixels: the rows of (2, 2).
    """

    def __init__(self, landmarks: Points) -> None:
        left_eye, right_eye, nose, left_mouth, right_mouth = landmarks.astype(np.float64)
        eyes, mouth = (left_eye + right_eye) / 2, (left_mouth + right_mouth) / 2
        across, down = right_eye - left_eye, mouth - eyes
        width, height = float(np.hypot(*across)), float(np.hypot(*down))
        # In profile the eyes nearly coincide; the height of the face still tells its size and its tilt.
        self.reach = max(width, 0.6 * height, 4.0)
        angle = math.atan2(across[1], across[0]) if width > 0.3 * self.reach else math.atan2(-down[0], down[1])
        right, below = np.array([math.cos(angle), math.sin(angle)]), np.array([-math.sin(angle), math.cos(angle)])
        tall = float(np.clip(height, 0.8 * self.reach, 1.6 * self.reach))
        # A head that turns shows its nose to one side of the eyes, and more of its cheek on the other.
        turn = float(np.clip((nose - (eyes + mouth) / 2) @ right / self.reach, -0.5, 0.5))
        self.origin = eyes - 0.5 * turn * self.reach * right
        self.axes = np.stack([self.reach * right, tall * below])

    def place(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points of an average face, (N, 2), in pixels of the picture."""
        placed: NDArray[np.float64] = self.origin + points @ self.axes
        return placed


def _deformed(outline: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """An outline with twice as many corners, grown or shrunk a little and bent by a few long waves."""
    following = np.roll(outline, -1, axis=0)
    corners = np.stack([0.75 * outline + 0.25 * following, 0.25 * outline + 0.75 * following], axis=1).reshape(-1, 2)
    middle = corners.mean(axis=0)
    corners = middle + (corners - middle) * rng.uniform(0.85, 1.12, 2)
    waves = rng.normal(0, 4, (_WAVES, 2))
    phases = corners @ waves.T + rng.uniform(0, 2 * np.pi, _WAVES)
    bent: NDArray[np.float64] = corners + np.sin(phases) @ rng.normal(0, rng.uniform(0.005, 0.04), (_WAVES, 2))
    return bent

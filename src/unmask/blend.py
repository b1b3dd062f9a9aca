"""Make a fake from one real face: blend the face with a changed copy of itself.

Self-blended images (Shiohara & Yamasaki 2022, arXiv:2204.08376). Whatever a face swap does, it pastes one rendering
of a face over another; what stays is the seam and the mismatch of colour, sharpness and position across it. A copy
of the same face, changed a little and blended back under a soft mask, leaves just those traces and no generator's,
so a detector that learns them has nothing else to learn by heart.

The paper takes its mask from 81 landmarks; ours come from the face finder's five, widened to a face oval and deformed.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from unmask.types import Pixels

Points = NDArray[np.float32]

_RATIOS: Final = (0.5, 0.75, 1.0, 1.0, 1.0)
"""Opacity of the blend. The paper draws 0.25 too; at our sizes such a fake can hardly be told from its original, and
a small network is only taught to doubt."""

_CORNERS: Final = 20


def self_blend(pixels: Pixels, landmarks: Points, rng: np.random.Generator) -> Pixels:
    """A self-blended copy of a face crop.

    Args:
        pixels: uint8 (H, W, 3), a face with some surroundings.
        landmarks: float32 (5, 2): x, y of left eye, right eye, nose, left and right mouth corner, in `pixels`.
        rng: Source of all chance; the same state gives the same fake.

    Returns:
        uint8 (H, W, 3). Outside the mask it equals `pixels`, up to the colour change of the whole, which is drawn for
        the inner or the outer copy alike.
    """
    picture = Image.fromarray(pixels)
    changed = _change(picture, rng)
    inner, outer = (changed, picture) if rng.random() < 0.5 else (picture, changed)
    inner = _shift(inner, rng)
    mask = face_mask(picture.size, landmarks, rng) * float(rng.choice(_RATIOS))
    blended = np.asarray(inner, np.float32) * mask[..., None] + np.asarray(outer, np.float32) * (1 - mask[..., None])
    return np.round(blended).astype(np.uint8)


def face_mask(size: tuple[int, int], landmarks: Points, rng: np.random.Generator) -> NDArray[np.float32]:
    """A soft, deformed mask over the face or a part of it: float32 (H, W) in [0, 1].

    Args:
        size: Width and height.
        landmarks: float32 (5, 2), as for `self_blend`.
        rng: Source of all chance.
    """
    left_eye, right_eye, nose, left_mouth, right_mouth = landmarks.astype(np.float64)
    eyes, mouth = (left_eye + right_eye) / 2, (left_mouth + right_mouth) / 2
    across, down = right_eye - left_eye, mouth - eyes
    # In profile the eyes nearly coincide; the height of the face still tells its size.
    reach = max(float(np.hypot(*across)), 0.6 * float(np.hypot(*down)), 4.0)
    shape = rng.choice(["face", "face", "inner", "lower", "eyes"])
    centre, half_width, half_height = {
        "face": (eyes + 0.45 * down, 1.15 * reach, 1.55 * reach),
        "inner": (eyes + 0.5 * down, 0.85 * reach, 1.0 * reach),
        "lower": ((nose + mouth) / 2 + 0.1 * down, 0.9 * reach, 0.75 * reach),
        "eyes": (eyes, 0.95 * reach, 0.45 * reach),
    }[shape]
    angle = math.atan2(across[1], across[0]) if np.hypot(*across) > 0.3 * reach else math.atan2(-down[0], down[1])
    turn = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    radius = _smooth_ring(rng.uniform(0.8, 1.15, _CORNERS)) * rng.uniform(0.85, 1.15)
    x, y = half_width * radius * np.cos(turn), half_height * radius * np.sin(turn)
    outline = centre + np.stack(
        [x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle)], axis=1
    )
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).polygon([(float(px), float(py)) for px, py in outline], fill=255)
    mask = mask.filter(ImageFilter.GaussianBlur(reach * float(rng.uniform(0.03, 0.22))))
    return np.asarray(mask, np.float32) / np.float32(255)


def _smooth_ring(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return (np.roll(values, 1) + 2 * values + np.roll(values, -1)) / 4


def _change(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The paper's source-target transforms: colour, then either sharpness lost or gained."""
    shifted = np.asarray(picture, np.float32) + rng.uniform(-16, 16, 3).astype(np.float32)
    changed = Image.fromarray(np.clip(np.round(shifted), 0, 255).astype(np.uint8))
    changed = ImageEnhance.Color(changed).enhance(float(rng.uniform(0.75, 1.25)))
    changed = ImageEnhance.Brightness(changed).enhance(float(rng.uniform(0.9, 1.1)))
    changed = ImageEnhance.Contrast(changed).enhance(float(rng.uniform(0.9, 1.1)))
    kind = rng.integers(3)
    if kind == 0:
        scale = rng.uniform(0.3, 0.8)
        small = changed.resize([max(8, round(side * scale)) for side in picture.size], _kernel(rng))
        return small.resize(picture.size, _kernel(rng))
    if kind == 1:
        return ImageEnhance.Sharpness(changed).enhance(float(rng.uniform(1.3, 3.0)))
    return changed.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.2))))


def _shift(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Move by up to 3 % and scale by up to 5 %, so that features double or break at the seam."""
    width, height = picture.size
    scale_x, scale_y = rng.uniform(0.95, 1.05, 2)
    move_x, move_y = rng.uniform(-0.03, 0.03) * width, rng.uniform(-0.015, 0.015) * height
    matrix = (
        *(scale_x, 0.0, (1 - scale_x) * width / 2 + move_x),
        *(0.0, scale_y, (1 - scale_y) * height / 2 + move_y),
    )
    moved = picture.transform(picture.size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
    # What came from beyond the border is black; only the middle is ever blended in, but a tight face reaches there.
    valid = Image.new("L", picture.size, 255).transform(picture.size, Image.Transform.AFFINE, matrix)
    return Image.composite(moved, picture, valid)


def _kernel(rng: np.random.Generator) -> Image.Resampling:
    return Image.Resampling(
        int(rng.choice([Image.Resampling.BOX, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC]))
    )

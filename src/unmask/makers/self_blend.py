"""Make a fake from one real face: blend the face with a changed copy of itself.

Self-blended images (Shiohara & Yamasaki 2022, arXiv:2204.08376). Whatever a face swap does, it pastes one rendering
of a face over another; what stays is the seam and the mismatch of colour, sharpness, position and compression across
it. A copy of the same face, changed a little and blended back under a soft mask, leaves just those traces and no
generator's, so a detector that learns them has nothing else to learn by heart.
"""

from __future__ import annotations

import io
import math
from typing import Final

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from unmask.makers.masks import Mask, blend_mask, box_of
from unmask.makers.portrait import Donors, Portrait
from unmask.types import Pixels

_RATIOS: Final = (0.25, 0.5, 0.75, 1.0, 1.0, 1.0)
"""Opacity of the blend: the paper's set, whole. Even a quarter of the change is more than JPEG takes away: measured on
photos at 224 px, a root mean square of 6 of 255 inside the mask, where JPEG of quality 75 changes 3."""

_KERNELS: Final = (Image.Resampling.BOX, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)


def self_blend(portrait: Portrait, donors: Donors, rng: np.random.Generator) -> Pixels:
    """A self-blended copy of a face.

    Args:
        portrait: The original.
        donors: Not asked.
        rng: Source of all chance; the same state gives the same fake.

    Returns:
        uint8 (H, W, 3). Outside the mask it equals the original, or the changed copy: which of the two is the inner
        one is drawn.
    """
    picture = Image.fromarray(portrait.pixels)
    copy = Image.fromarray(changed(portrait.pixels, rng))
    inner, outer = (copy, picture) if rng.random() < 0.5 else (picture, copy)
    mask = blend_mask(portrait, rng) * np.float32(rng.choice(_RATIOS))
    return blended(np.asarray(moved(inner, rng)), np.asarray(outer), mask)


def changed(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A copy with other colours and another sharpness: uint8 (H, W, 3)."""
    return np.asarray(_sharpness(Image.fromarray(_colour(pixels, rng)), rng), np.uint8)


def blended(inner: Pixels, outer: Pixels, mask: Mask) -> Pixels:
    """Two pictures (H, W, 3) joined under a soft mask (H, W)."""
    inside = box_of(mask)
    soft = mask[inside][..., None]
    joined = outer.copy()
    joined[inside] = np.round(inner[inside] * soft + outer[inside] * (1 - soft)).astype(np.uint8)
    return joined


def moved(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Moved by up to 3 % and scaled by up to 5 %, so that features double or break at the seam."""
    width, height = picture.size
    scale_x, scale_y = rng.uniform(0.95, 1.05, 2)
    move_x, move_y = rng.uniform(-0.03, 0.03) * width, rng.uniform(-0.015, 0.015) * height
    matrix = (
        *(scale_x, 0.0, (1 - scale_x) * width / 2 + move_x),
        *(0.0, scale_y, (1 - scale_y) * height / 2 + move_y),
    )
    shifted = picture.transform(picture.size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
    # What came from beyond the border is black; only the middle is ever blended in, but a tight face reaches there.
    valid = Image.new("L", picture.size, 255).transform(picture.size, Image.Transform.AFFINE, matrix)
    return Image.composite(shifted, picture, valid)


def resampled(picture: Image.Image, scale: float, rng: np.random.Generator) -> Image.Image:
    """Made smaller and as large again, each with a kernel of its own: what a face drawn at another size has lost."""
    small = picture.resize([max(4, round(side * scale)) for side in picture.size], kernel(rng))
    return small.resize(picture.size, kernel(rng))


def compressed(picture: Image.Image, quality: int) -> Image.Image:
    """Through JPEG and back."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def kernel(rng: np.random.Generator) -> Image.Resampling:
    """A way to resample."""
    return _KERNELS[int(rng.integers(len(_KERNELS)))]


def _colour(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """The paper's changes of colour: RGB shift, hue, saturation, value, brightness and contrast.

    All in one matrix and rounded once: a way through 8-bit HSV would comb the histogram, and the comb, which no forger
    leaves, would be learned.
    """
    hue, saturation = rng.normal(0, 0.02), rng.uniform(0.75, 1.25)
    gain, contrast = rng.uniform(0.9, 1.1, 2)
    shift = rng.uniform(-20, 20, 3) if rng.random() < 0.3 else np.zeros(3)
    to_yiq = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
    turn = saturation * np.array([[math.cos(hue), -math.sin(hue)], [math.sin(hue), math.cos(hue)]])
    middle = np.eye(3)
    middle[1:, 1:] = turn
    matrix = gain * contrast * np.linalg.inv(to_yiq) @ middle @ to_yiq
    mean = pixels.reshape(-1, 3).mean(axis=0)
    offset = shift + gain * (1 - contrast) * mean.mean()
    turned = pixels.reshape(-1, 3).astype(np.float32) @ matrix.T.astype(np.float32) + offset.astype(np.float32)
    rounded: Pixels = np.clip(np.round(turned), 0, 255).astype(np.uint8)
    return rounded.reshape(pixels.shape)


def _sharpness(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The paper's loss or gain of sharpness; and, ours, a blur, or a compression of its own."""
    kind = rng.integers(4)
    if kind == 0:
        return resampled(picture, float(rng.uniform(0.3, 0.8)), rng)
    if kind == 1:
        return ImageEnhance.Sharpness(picture).enhance(float(rng.uniform(1.3, 2.5)))
    if kind == 2:
        return picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.2))))
    return compressed(picture, int(rng.integers(40, 96)))

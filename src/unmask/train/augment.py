"""What happens to pictures on their way through cameras, platforms and messengers, drawn alike for real and fake.

Each change is one that a user's photo may have gone through, so a detector must neither call it fake nor be blinded
by it. Everything is Pillow and numpy on one uint8 picture, about 2 ms at 128 px.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from unmask.train.recipes import Augment
from unmask.types import Pixels

_KERNELS = (Image.Resampling.BOX, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)


def augment(pixels: Pixels, options: Augment, rng: np.random.Generator) -> Pixels:
    """A changed copy of a picture, of the same size: uint8 (H, W, 3)."""
    picture = Image.fromarray(pixels)
    if rng.random() < options.flip:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if rng.random() < options.zoom:
        picture = _zoom(picture, rng)
    if rng.random() < options.colour:
        picture = _colour(picture, rng)
    if rng.random() < options.resize:
        picture = _resize(picture, rng)
    if rng.random() < options.blur:
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.2, 1.5))))
    if rng.random() < options.noise:
        picture = _noise(picture, rng)
    if rng.random() < options.jpeg:
        picture = _jpeg(picture, options.jpeg_quality, rng)
    return np.asarray(picture, np.uint8)


def _zoom(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    width, height = picture.size
    scale = float(rng.uniform(0.82, 1.0))
    left, top = rng.uniform(0, (1 - scale) * width), rng.uniform(0, (1 - scale) * height)
    box = (float(left), float(top), float(left) + scale * width, float(top) + scale * height)
    return picture.resize(picture.size, _kernel(rng), box=box)


def _colour(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    if rng.random() < 0.08:
        return picture.convert("L").convert("RGB")
    shift = rng.uniform(-14, 14, 3).astype(np.float32)
    picture = Image.fromarray(np.clip(np.asarray(picture, np.float32) + shift, 0, 255).astype(np.uint8))
    picture = ImageEnhance.Color(picture).enhance(float(rng.uniform(0.6, 1.4)))
    picture = ImageEnhance.Brightness(picture).enhance(float(rng.uniform(0.75, 1.25)))
    return ImageEnhance.Contrast(picture).enhance(float(rng.uniform(0.75, 1.25)))


def _resize(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    scale = float(rng.uniform(0.4, 0.95))
    width, height = picture.size
    small = picture.resize((round(width * scale), round(height * scale)), _kernel(rng))
    return small.resize(picture.size, _kernel(rng))


def _noise(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    pixels = np.asarray(picture, np.float32)
    grain = rng.standard_normal((*pixels.shape[:2], rng.choice((1, 3))), np.float32) * np.float32(rng.uniform(1, 9))
    return Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8))


def _jpeg(picture: Image.Image, qualities: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(
        buffer, "JPEG", quality=int(rng.integers(qualities[0], qualities[1] + 1)), subsampling=int(rng.choice((0, 2)))
    )
    return Image.open(buffer).convert("RGB")


def _kernel(rng: np.random.Generator) -> Image.Resampling:
    return _KERNELS[int(rng.integers(len(_KERNELS)))]

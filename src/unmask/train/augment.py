"""What happens to pictures on their way through cameras, platforms and messengers, drawn alike for real and fake.

Each change is one that a user's photo may have gone through, so a detector must neither call it fake nor be blinded
by it. Everything is Pillow and numpy on one uint8 picture, about 2 ms at 128 px.
"""

from __future__ import annotations

import io
from typing import Final

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from unmask.train.recipes import Augment
from unmask.types import Pixels

_KERNELS = (Image.Resampling.BOX, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)

_REACH: Final = (0.02, 0.1)
"""Up to which frequency, in cycles a pixel: waves down to 10 to 50 px."""

_SPREAD: Final = 0.35
"""Of the logarithm of what an amplitude is multiplied by, where there is no other picture."""

_LEAST: Final = 1.0  # amplitudes below this are rounding


def augment(pixels: Pixels, options: Augment, rng: np.random.Generator, partner: Pixels | None = None) -> Pixels:
    """A changed copy of a picture, of the same size: uint8 (H, W, 3).

    A partner is another picture of any label, no smaller, for what mixes two.
    """
    if options.amplitude and rng.random() < options.amplitude:  # without it, chance is drawn as it always was
        pixels = mix_amplitudes(pixels, partner, rng)
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


def mix_amplitudes(pixels: Pixels, partner: Pixels | None, rng: np.random.Generator) -> Pixels:
    """A picture with the amplitudes of another's low frequencies mixed in, or its own changed at random.

    The phases hold what is shown, the amplitudes of low frequencies the light and the colours of a camera or a
    collection (Xu et al. 2021, FACT, arXiv:2105.11078). FACT mixes all frequencies; here the high ones stay, because
    they carry the traces that a detector looks for.

    Args:
        pixels: uint8 (H, W, 3).
        partner: uint8 (at least H, at least W, 3), of any label; None changes each amplitude by a chance factor.
        rng: How far and how much.

    Returns:
        uint8 (H, W, 3); the mean colour of the picture stays where there is no partner.
    """
    height, width = pixels.shape[:2]
    reach, share = rng.uniform(*_REACH), rng.uniform()
    low = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)) <= reach
    spectrum = np.fft.rfft2(pixels, axes=(0, 1))
    if partner is None:
        factor = np.exp(_SPREAD * rng.standard_normal((*low.shape, 1)))
        factor[0, 0] = 1.0
    else:
        theirs = np.abs(np.fft.rfft2(partner[:height, :width], axes=(0, 1)))
        mine = np.maximum(np.abs(spectrum), _LEAST)
        factor = (1 - share) + share * theirs / mine
    spectrum = np.where(low[:, :, None], spectrum * factor, spectrum)
    changed = np.fft.irfft2(spectrum, s=(height, width), axes=(0, 1))
    return np.clip(np.rint(changed), 0, 255).astype(np.uint8)


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

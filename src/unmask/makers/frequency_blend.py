"""Make a fake that differs from its original in one band of frequencies alone, inside a soft mask.

What a generator gets wrong lies mostly in fine and middle detail (Durall et al. 2020, arXiv:2003.01826); colours and
shapes it gets right. Self-blending changes everything at once, and a network may look at the colours alone. Here, in
the spirit of FreqBlender (Zhou et al. 2024, arXiv:2404.13872) but with nothing learned, a copy that was resampled,
compressed, moved, softened, sharpened or drawn on a grid lends one band of its spectrum to the inner face.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unmask.makers.masks import blend_mask, box_of
from unmask.makers.portrait import Donors, Portrait
from unmask.makers.self_blend import compressed, moved, resampled
from unmask.types import Pixels

_LEAST_CHANGE: Final = 1.0
"""Root mean square inside the mask, of 255: where a picture has nothing in a band, losing it changes nothing, and a
fake that equals its original teaches only doubt."""

_STRONGEST: Final = 6.0
"""Likewise; what is stronger is toned down, for no generator that is worth a detector errs so much."""

_TRIES: Final = 3

Copy = Callable[[Pixels, np.random.Generator], NDArray[np.float32]]


def frequency_blend(portrait: Portrait, donors: Donors, rng: np.random.Generator) -> Pixels | None:
    """A copy whose inner face has another's middle or high frequencies.

    Args:
        portrait: The original.
        donors: Not asked.
        rng: Source of all chance; the same state gives the same fake.

    Returns:
        uint8 (H, W, 3), equal to the original outside the mask; None where nothing visible would change.
    """
    mask = blend_mask(portrait, rng)
    inside = box_of(mask)
    face, mask = portrait.pixels[inside], mask[inside][..., None]
    for _ in range(_TRIES):
        copy = _COPIES[int(rng.integers(len(_COPIES)))]
        change = mask * band(copy(face, rng) - face.astype(np.float32), *_octaves(rng))
        strength = float(np.sqrt((change**2).sum() / (3 * mask.sum())))
        if strength >= _LEAST_CHANGE:
            fake = portrait.pixels.copy()
            blended = face + change * np.float32(min(1.0, _STRONGEST / strength))
            fake[inside] = np.clip(np.round(blended), 0, 255).astype(np.uint8)
            return fake
    return None


def band(picture: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    """The part of a picture (H, W, 3) between two frequencies, in cycles a pixel; each edge is an octave wide."""
    height, width = picture.shape[:2]
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)).astype(np.float32)
    octave = np.log2(np.maximum(frequency, 1e-6))
    passed = np.clip(octave - np.log2(low) + 0.5, 0, 1) * np.clip(np.log2(high) - octave + 0.5, 0, 1)
    spectrum = np.fft.rfft2(picture, axes=(0, 1)) * passed[..., None].astype(np.float32)
    return np.fft.irfft2(spectrum, (height, width), axes=(0, 1)).astype(np.float32)


def _octaves(rng: np.random.Generator) -> tuple[float, float]:
    """The high band, or a middle one."""
    if rng.random() < 0.5:
        return float(rng.uniform(0.1, 0.25)), 1.0
    low = float(rng.uniform(0.05, 0.12))
    return low, low * float(rng.uniform(2, 4))


def _resampled(face: Pixels, rng: np.random.Generator) -> NDArray[np.float32]:
    return np.asarray(resampled(Image.fromarray(face), float(rng.uniform(0.3, 0.8)), rng), np.float32)


def _compressed(face: Pixels, rng: np.random.Generator) -> NDArray[np.float32]:
    return np.asarray(compressed(Image.fromarray(face), int(rng.integers(20, 70))), np.float32)


def _moved(face: Pixels, rng: np.random.Generator) -> NDArray[np.float32]:
    return np.asarray(moved(Image.fromarray(face), rng), np.float32)


def _weighed(face: Pixels, rng: np.random.Generator) -> NDArray[np.float32]:
    """The band is lost in part, or exaggerated."""
    gain = rng.uniform(0.0, 0.6) if rng.random() < 0.6 else rng.uniform(1.4, 2.2)
    return face.astype(np.float32) * np.float32(gain)


def _on_a_grid(face: Pixels, rng: np.random.Generator) -> NDArray[np.float32]:
    """A grid of two or four pixels, as upsampling by transposed convolutions leaves (Odena et al. 2016)."""
    height, width = face.shape[:2]
    step = int(rng.choice((2, 4)))
    tile = rng.standard_normal((step, step, 1), np.float32)
    tile = (tile - tile.mean()) / max(float(tile.std()), 0.1)
    grid = np.tile(tile, (height // step + 1, width // step + 1, 1))[:height, :width]
    return face.astype(np.float32) * (1 + grid * np.float32(rng.uniform(0.004, 0.015)))


_COPIES: Final[tuple[Copy, ...]] = (_resampled, _compressed, _moved, _weighed, _on_a_grid)

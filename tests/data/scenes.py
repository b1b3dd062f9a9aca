"""Drawn pictures that differ as photos do: smooth random fields, the same for the same seed."""

from __future__ import annotations

import numpy as np
from PIL import Image


def scene(seed: int, side_px: int = 96) -> Image.Image:
    """A picture of coarse random colours, scaled up smoothly, with a little grain."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8))
    smooth = np.asarray(coarse.resize((side_px, side_px), Image.Resampling.BICUBIC), np.float32)
    return Image.fromarray(np.clip(smooth + rng.normal(0, 4, smooth.shape), 0, 255).astype(np.uint8))

"""A detector's last feature map as a picture: blue speaks for real, vermilion for fake, clear for neither.

The two colours are Okabe and Ito's, which people of every common kind of colour vision tell apart, and nearly alike
in lightness, so that neither side shouts. Only the opacity carries the amount; laid over a grey crop it grows evenly.
"""

from __future__ import annotations

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unmask.types import Evidence

REAL_RGB: Final = (0, 114, 178)
FAKE_RGB: Final = (213, 94, 0)

Logits = NDArray[np.float32]

_OPACITY: Final = 0.85
_LEAST_SCALE: Final = 2.0
_SIDE_PX: Final = 48  # the browser smooths the rest of the way
_GREY: Final = (128, 128, 128)


def local_logits(evidence: Evidence) -> Logits | None:
    """The heat map with the graph's constant put back: float32 (h, w), above 0 leans fake, its mean is the logit.

    None where the detector abstained or gave no map.
    """
    if evidence.logit is None or not evidence.heat_map:
        return None
    activation = np.nan_to_num(np.array(evidence.heat_map, np.float32))
    return np.asarray(activation - activation.mean() + evidence.logit, np.float32)


def common_scale(maps: list[Logits]) -> float:
    """The logit that full colour stands for, so that maps side by side compare; weak maps stay pale."""
    return max([_LEAST_SCALE, *(float(np.abs(values).max()) for values in maps)])


def overlay(logits: Logits, scale: float) -> bytes:
    """A PNG to lay over the crop: clear at 0, coloured up to `scale` logits to either side."""
    smooth = Image.fromarray(logits).resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BICUBIC)
    level = np.clip(np.asarray(smooth) / scale, -1, 1)
    image = Image.fromarray(np.round((level + 1) * 127.5).astype(np.uint8))
    colours, alphas = _palette()
    image.putpalette(colours.tobytes())
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True, transparency=alphas.tobytes())
    return file.getvalue()


def legend() -> bytes:
    """A PNG of the colours from full real to full fake, over the grey of a middling pixel."""
    colours, alphas = _palette()
    opacity = alphas[:, None] / 255
    row = np.round(colours * opacity + np.array(_GREY) * (1 - opacity)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(row[None]).save(file, "PNG", optimize=True)
    return file.getvalue()


def _palette() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Colours (256, 3) and opacities (256,) from full real to full fake."""
    level = np.linspace(-1, 1, 256)
    colours = np.where(level[:, None] < 0, REAL_RGB, FAKE_RGB).astype(np.uint8)
    return colours, np.round(np.abs(level) * _OPACITY * 255).astype(np.uint8)

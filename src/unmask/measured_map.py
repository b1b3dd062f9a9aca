"""Measured numbers as a picture: dark blue for the lowest, yellow for the highest, clear where nothing was measured.

The colours are cividis (Nunez, Anderton & Renslow 2018), which rises evenly for people of every kind of colour vision.
They say how much was measured, not which way it leans; for that there is `heatmap`.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

from unmask.embedded import data_uri
from unmask.types import Evidence

_STOPS: Final = ((0, 32, 77), (64, 77, 107), (124, 123, 120), (188, 175, 111), (255, 234, 70))
_OPACITY: Final = 0.8  # over the picture, which is shown in grey
_EDGES: Final = (2, 98)
"""Percentiles that the ends of the colours stand for: one bright square must not darken all others."""


@dataclass(frozen=True)
class Shown:
    """A map as the page draws it: the picture, what it shows, and the numbers at the two ends of its colours."""

    picture: Markup
    name: str
    unit: str
    low: str
    high: str


def shown(evidence: Evidence) -> Shown | None:
    """The map of a finding; None where it has none, or nothing was measured."""
    if evidence.map is None:
        return None
    values = np.array([[np.nan if one is None else one for one in row] for row in evidence.map.values], np.float64)
    known = ~np.isnan(values)
    if not known.any():
        return None
    low, high = (float(end) for end in np.percentile(values[known], _EDGES))
    level = np.where(known, np.clip((values - low) / max(high - low, 1e-9), 0, 1), 0)
    over = evidence.region.box_px is not None
    return Shown(
        data_uri("png", _png(level, np.where(known, _OPACITY if over else 1.0, 0.0))),
        evidence.map.name,
        evidence.map.unit,
        f"{low:.3g}",
        f"{high:.3g}",
    )


def legend() -> Markup:
    """The colours from low to high, as a data URI."""
    return data_uri("png", _png(np.linspace(0, 1, 64)[None], np.ones((1, 64))))


def _png(level: NDArray[np.float64], opacity: NDArray[np.float64]) -> bytes:
    places = np.linspace(0, 1, len(_STOPS))
    bands = [np.interp(level, places, [stop[band] for stop in _STOPS]) for band in range(3)]
    pixels = np.rint(np.stack([*bands, 255 * opacity], axis=-1)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    return file.getvalue()

"""Where in a look at a person the score comes from, by covering one part after another (Zeiler & Fergus 2014).

The graph of a detector of tracks says what each look adds, not each place in it. What its score loses where a place is
covered by its own mean colour says the same, at the price of one run a place; so it is asked for few looks.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from unmask.detectors.onnx import OnnxDetector
from unmask.types import Pixels

PLACES: Final = 5
"""Places a side."""

_LOOKS: Final = 2  # the shortest window: the look itself, twice


def heat_map(detector: OnnxDetector, pixels: Pixels, logit: float) -> tuple[tuple[float, ...], ...]:
    """What a look's logit would lose without each place.

    Args:
        detector: Of tracks.
        pixels: uint8 (S, S, 3), one look.
        logit: The look's own; the map is moved so that this is its mean, as of all heat maps.

    Returns:
        `PLACES` rows of as many logits, top to bottom.
    """
    length = detector.card.cut.frames or _LOOKS
    edges = np.linspace(0, len(pixels), PLACES + 1).astype(int)
    alone = _score(detector, pixels, length)
    lost = np.empty((PLACES, PLACES))
    for row, column in np.ndindex(PLACES, PLACES):
        covered = pixels.copy()
        part = covered[edges[row] : edges[row + 1], edges[column] : edges[column + 1]]
        part[:] = part.reshape(-1, 3).mean(axis=0).round().astype(np.uint8)
        lost[row, column] = alone - _score(detector, covered, length)
    return tuple(tuple(round(float(value), 4) for value in line) for line in lost - lost.mean() + logit)


def _score(detector: OnnxDetector, pixels: Pixels, length: int) -> float:
    return float(detector.score(np.stack([pixels] * length)[None])[0])

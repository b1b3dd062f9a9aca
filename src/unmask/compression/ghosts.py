"""Ghosts of an earlier JPEG: save the picture again at falling qualities, and look where that changes it least.

A region that was once saved at a lower quality than its surroundings changes least when it is saved at that quality
again, while the surroundings go on changing (Farid 2009, "Exposing digital forgeries from JPEG ghosts", IEEE TIFS 4).
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

from unmask.compression.plane import SQUARE_PX, Floats, Plane

QUALITIES: Final = (40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90)
_FLAT: Final = 1.0
"""Mean squared change in grey levels under which a square holds nothing that could change: sky, a wall."""


@dataclass(frozen=True, eq=False)
class Ghosts:
    """How much each square changes at each quality.

    Attributes:
        changes: float32 (qualities, rows, columns), 0 to 1 over the qualities of each square; NaN where it is flat.
        quality: At which face and background differ most; where there is no face, at which squares differ most.
        apart: By how much the face's mean change lies above that of its background there; NaN without a face.
    """

    changes: Floats
    quality: int
    apart: float

    @property
    def shown(self) -> Floats:
        """The changes at `quality`: (rows, columns)."""
        return np.asarray(self.changes[QUALITIES.index(self.quality)], np.float32)


def ghosts(plane: Plane) -> Ghosts | None:
    """Save a plane again at each quality; None where it is smaller than a square, or flat everywhere."""
    rows, columns = (side // SQUARE_PX for side in plane.luma.shape)
    if not rows or not columns:
        return None
    luma = np.rint(plane.luma).astype(np.uint8)
    raw = np.stack([_squares((_saved(luma, quality) - plane.luma) ** 2) for quality in QUALITIES])
    least, most = raw.min(axis=0), raw.max(axis=0)
    known = most > _FLAT
    if not known.any():
        return None
    changes = np.where(known, (raw - least) / np.where(known, most - least, 1), np.nan).astype(np.float32)
    sides = plane.inside(SQUARE_PX)
    if sides is None or not all((side & known).any() for side in sides):
        spread = np.nanstd(changes[:, known], axis=1)
        return Ghosts(changes, QUALITIES[int(spread.argmax())], np.nan)
    face, beside = (changes[:, side & known].mean(axis=1) for side in sides)
    at = int(np.abs(face - beside).argmax())
    return Ghosts(changes, QUALITIES[at], float(face[at] - beside[at]))


def _saved(luma: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], quality: int) -> Floats:
    file = io.BytesIO()
    Image.fromarray(luma).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file), np.float32)


def _squares(values: Floats) -> Floats:
    """Means over squares: (rows, columns)."""
    rows, columns = (side // SQUARE_PX for side in values.shape)
    whole = values[: rows * SQUARE_PX, : columns * SQUARE_PX]
    return np.asarray(whole.reshape(rows, SQUARE_PX, columns, SQUARE_PX).mean(axis=(1, 3)), np.float32)

"""How noisy each place is: the standard deviation of its noise, where what is pasted in has been through other hands.

The Laplacian difference of Immerkaer 1996 ("Fast noise variance estimation") takes away whatever is flat or sloping;
of what is left the median in each square is taken and not the mean, so that an edge in it does not count as noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from unmask.compression.plane import SQUARE_PX, Floats, Plane

_GAIN: Final = 6 * 0.6745
"""Median of the operator's absolute value, for white noise of standard deviation 1."""
_LEAST: Final = 0.15
"""Grey levels: what JPEG left no noise in, it left none in on both sides."""
_CLIPPED: Final = (4.0, 251.0)
"""Mean grey level outside of which noise was cut off."""


@dataclass(frozen=True, eq=False)
class Noise:
    """Standard deviation of the noise, in grey levels.

    Attributes:
        levels: Of each square: (rows, columns); NaN where it is black or white.
        whole: The median of all squares.
        face: Of those in the face; NaN without one.
        beside: Of those beside it; NaN without a face.
    """

    levels: Floats
    whole: float
    face: float
    beside: float

    @property
    def apart(self) -> float:
        """How many times more noise the face has than what is beside it, as a logarithm to base 2."""
        return float(np.log2((self.face + _LEAST) / (self.beside + _LEAST)))


def noise(plane: Plane) -> Noise | None:
    """The noise of a plane; None where it is smaller than a square, or black or white everywhere."""
    luma = plane.luma
    rows, columns = (side // SQUARE_PX for side in luma.shape)
    if not rows or not columns:
        return None
    twice = luma[:, :-2] - 2 * luma[:, 1:-1] + luma[:, 2:]
    rest = np.zeros_like(luma)
    rest[1:-1, 1:-1] = twice[:-2] - 2 * twice[1:-1] + twice[2:]
    levels = np.median(_squares(np.abs(rest)), axis=2) / _GAIN
    means = _squares(luma).mean(axis=2)
    levels = np.where((means < _CLIPPED[0]) | (means > _CLIPPED[1]), np.nan, levels).astype(np.float32)
    if np.isnan(levels).all():
        return None
    sides = plane.inside(SQUARE_PX)
    face, beside = (_median(levels[side]) for side in sides) if sides is not None else (np.nan, np.nan)
    return Noise(levels, _median(levels), face, beside)


def _median(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else float("nan")


def _squares(values: Floats) -> Floats:
    """The pixels of each square: (rows, columns, SQUARE_PX ** 2)."""
    rows, columns = (side // SQUARE_PX for side in values.shape)
    whole = values[: rows * SQUARE_PX, : columns * SQUARE_PX].reshape(rows, SQUARE_PX, columns, SQUARE_PX)
    return np.ascontiguousarray(whole.transpose(0, 2, 1, 3)).reshape(rows, columns, -1)

"""The grid of 8 x 8 blocks that JPEG leaves, and a second grid in the face that lies elsewhere.

What is cut out of one JPEG and pasted into another brings its own grid along, which falls on that of its new
surroundings in one place of 64. Steps between neighbouring pixels are taken against the steps around them; they are
larger on average across the borders of blocks (Li, Yuan & Yu 2009, "Passive detection of doctored JPEG image via block
artifact grid extraction"; Ye, Sun & Chang 2007, "Detecting digital image forgeries by measuring inconsistencies of
blocking artifact").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from unmask.compression.plane import BLOCK_PX, SQUARE_PX, Floats, Plane

_CLIPPED: Final = 8.0
"""Grey levels: edges of things are far higher than the borders of blocks, and would drown them."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the borders of blocks lie.

    Attributes:
        origin: Column and row, 0 to 7, of the strongest grid beside the face, or in all where there is none.
        strength: Of that grid: mean excess of a step across its borders, in standard errors.
        foreign: Column and row of the grid that speaks most for another one in the face; None without a face.
        apart: By how much the face shows that grid more than what is beside it, in standard errors; NaN without.
        shown: Excess of the steps across the foreign grid in each square, in grey levels: (rows, columns).
    """

    origin: tuple[int, int]
    strength: float
    foreign: tuple[int, int] | None
    apart: float
    shown: Floats


def grid(plane: Plane) -> Grid | None:
    """Look for the grid of a plane, and for another one in its face; None where it is smaller than a square."""
    rows, columns = (side // SQUARE_PX for side in plane.luma.shape)
    if not rows or not columns:
        return None
    across, down = _steps(plane.luma), _steps(plane.luma.T)
    # (rows, columns, 8): mean excess in each square at each phase
    of_columns = _phases(across)
    of_rows = _phases(down).transpose(1, 0, 2)
    everywhere = np.ones((rows, columns), bool)
    sides = plane.inside(SQUARE_PX)
    face, beside = sides if sides is not None else (None, everywhere)
    background = [_standing(values[beside]) for values in (of_columns, of_rows)]
    strongest = (int(background[0][0].argmax()), int(background[1][0].argmax()))
    origin = strongest if plane.table is None else (0, 0)  # a plane of a JPEG begins where its blocks do
    strength = float(np.mean([mean[at] / error[at] for (mean, error), at in zip(background, origin, strict=True)]))
    foreign, apart = None, np.nan
    if face is not None:
        own = [_standing(values[face]) for values in (of_columns, of_rows)]
        found = [_foreign(mine, theirs, at) for mine, theirs, at in zip(own, background, origin, strict=True)]
        foreign = (found[0][0], found[1][0])
        apart = (found[0][1] + found[1][1]) / 2**0.5
    at = foreign or origin
    shown = np.asarray((of_columns[:, :, at[0]] + of_rows[:, :, at[1]]) / 2, np.float32)
    return Grid(origin, strength, foreign, float(apart), shown)


def _steps(luma: Floats) -> Floats:
    """How far the step from the pixel before to each pixel exceeds those beside it: (H, W), 0 at the borders."""
    step = np.minimum(np.abs(np.diff(luma, axis=1)), _CLIPPED)
    found = np.zeros_like(luma)
    found[:, 2:-1] = step[:, 1:-1] - (step[:, :-2] + step[:, 2:]) / 2
    return found


def _phases(excess: Floats) -> NDArray[np.float64]:
    """Mean in each square of the columns of each phase: (rows, columns, 8)."""
    rows, columns = (side // SQUARE_PX for side in excess.shape)
    whole = excess[: rows * SQUARE_PX, : columns * SQUARE_PX]
    periods = SQUARE_PX // BLOCK_PX
    return np.asarray(whole.reshape(rows, SQUARE_PX, columns, periods, BLOCK_PX).mean(axis=(1, 3)), np.float64)


def _standing(squares: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean of each phase over squares, and its standard error: (8,) each."""
    error = squares.std(axis=0) / max(len(squares), 2) ** 0.5
    return squares.mean(axis=0), np.maximum(error, 1e-3)


def _foreign(
    own: tuple[NDArray[np.float64], NDArray[np.float64]],
    theirs: tuple[NDArray[np.float64], NDArray[np.float64]],
    origin: int,
) -> tuple[int, float]:
    """The phase that the face shows more than the background, and by how many standard errors.

    The phases of the background's own grid and of its neighbours, which a border makes smaller, are not asked.
    """
    away = (own[0] - theirs[0]) / np.hypot(own[1], theirs[1])
    asked = [phase for phase in range(BLOCK_PX) if min((phase - origin) % BLOCK_PX, (origin - phase) % BLOCK_PX) > 1]
    best = max(asked, key=lambda phase: away[phase])
    return best, float(away[best])

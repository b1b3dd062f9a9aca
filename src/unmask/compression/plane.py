"""The brightness of a picture, cut so that its first pixel begins a block of its last compression.

At most `MOST_PX` are looked at, around the main face, so a picture of any size costs the same. Nothing is scaled:
every measure here lives in single pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unmask import faces
from unmask.compression.tables import Coding, Table
from unmask.faces import Face
from unmask.types import Box

BLOCK_PX: Final = 8
SQUARE_PX: Final = 16
"""Side of the squares in which most is measured; a plane holds whole ones, so that maps cover it exactly."""
SIDE_PX: Final = 1024
MOST_PX: Final = SIDE_PX**2
LEAST_PX: Final = 32 * 32
"""Pixels that a face and what is beside it must have each to be compared."""
_ROOM: Final = 0.15
"""Of a face's box on each side: neither face nor background, for seams lie there."""
_TURNED: Final = (5, 6, 7, 8)  # EXIF orientations that swap the sides
_FROM_RIGHT: Final = (2, 3, 6, 7)
_FROM_BOTTOM: Final = (3, 4, 7, 8)

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Plane:
    """What is looked at.

    Attributes:
        luma: float32 (H, W), 0 to 255, whole squares of `SQUARE_PX`.
        box_px: Where it lies in the upright picture.
        table: Steps of its last compression, turned like the picture; None where it is no JPEG.
        face_px: The main face in `luma`; None where there is none.
    """

    luma: Floats
    box_px: Box
    table: Table | None
    face_px: Box | None

    def inside(self, size_px: int) -> tuple[Mask, Mask] | None:
        """Which squares of `size_px` lie in the face, and which beside it: (H / size_px, W / size_px) each.

        Squares on the border belong to neither. None without a face, or where a side has fewer than `LEAST_PX` pixels.
        """
        if self.face_px is None:
            return None
        x1, y1, x2, y2 = self.face_px
        dx, dy = _ROOM * (x2 - x1), _ROOM * (y2 - y1)
        rows, columns = (side // size_px for side in self.luma.shape)
        top = np.arange(rows)[:, None] * size_px
        left = np.arange(columns)[None, :] * size_px
        within = (left >= x1) & (left + size_px <= x2) & (top >= y1) & (top + size_px <= y2)
        apart = (left >= x2 + dx) | (left + size_px <= x1 - dx) | (top >= y2 + dy) | (top + size_px <= y1 - dy)
        enough = min(within.sum(), apart.sum()) * size_px**2 >= LEAST_PX
        return (within, apart) if enough else None


def plane(picture: Image.Image, coding: Coding | None, orientation: int, found: Sequence[Face]) -> Plane | None:
    """Cut the plane of a picture; None where not even one square is there.

    Args:
        picture: Upright, RGB.
        coding: How its file was coded.
        orientation: EXIF's, by which the file's picture was turned upright.
        found: Faces in it.
    """
    width, height = picture.size
    x0 = width % BLOCK_PX if coding and orientation in _FROM_RIGHT else 0
    y0 = height % BLOCK_PX if coding and orientation in _FROM_BOTTOM else 0
    face = faces.main_face(found, width, height)
    middle = (face.box[:2] + face.box[2:]) / 2 if face is not None else np.array([width, height]) / 2
    left, right = _cut(width, x0, float(middle[0]), width * height > MOST_PX)
    top, bottom = _cut(height, y0, float(middle[1]), width * height > MOST_PX)
    if right <= left or bottom <= top:
        return None
    box = (left, top, right, bottom)
    luma = np.asarray(picture.crop(box).convert("YCbCr").getchannel(0), np.float32)
    table = None if coding is None else coding.luma.T if orientation in _TURNED else coding.luma
    return Plane(luma, box, table, _within(face, box))


def _cut(length: int, start: int, middle: float, too_large: bool) -> tuple[int, int]:
    """Whole squares from `start` on; at most `SIDE_PX`, around the middle, of a picture that is too large."""
    squares = (length - start) // SQUARE_PX
    first = 0
    if too_large and squares * SQUARE_PX > SIDE_PX:
        kept = SIDE_PX // SQUARE_PX
        first = min(max(round((middle - start) / SQUARE_PX - kept / 2), 0), squares - kept)
        squares = kept
    return start + first * SQUARE_PX, start + (first + squares) * SQUARE_PX


def _within(face: Face | None, box: Box) -> Box | None:
    if face is None:
        return None
    left, top, right, bottom = box
    x1, y1, x2, y2 = (round(float(value)) for value in face.box)
    x1, x2 = (min(max(x, left), right) - left for x in (x1, x2))
    y1, y2 = (min(max(y, top), bottom) - top for y in (y1, y2))
    return (x1, y1, x2, y2) if x2 > x1 and y2 > y1 else None

"""How closely the frames of one video are searched for faces.

A photo is searched on a larger copy where that may show more (`faces`). Frames of one video are much alike, so that is
asked of few of them, and its answer holds for those that follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PIL import Image

from unmask.faces import Face, FaceFinder

SMALL_PX, LARGE_PX = 256, 480
"""Long sides of the copies. Measured on two cores: 25 ms and 75 ms."""

_AGAIN: Final = 16
"""After so many frames the larger copy is asked again, and whenever the smaller shows nobody."""


class FaceSearch:
    """Searches the frames of one video, given one after another.

    Args:
        finder: The face network.
        least_px: Faces below are of no use, and need not be found.
        limit: Most faces of one frame.
    """

    def __init__(self, finder: FaceFinder, least_px: int, limit: int) -> None:
        self._finder, self._least_px, self._limit = finder, least_px, limit
        self._frames = 0
        self._closely = False

    def find(self, picture: Image.Image) -> list[Face]:
        """The faces of the next frame, largest first."""
        asked, self._frames = self._frames % _AGAIN == 0, self._frames + 1
        if max(picture.size) <= SMALL_PX:
            return self._search(picture, SMALL_PX)
        if asked:
            small, large = self._search(picture, SMALL_PX), self._search(picture, LARGE_PX)
            self._closely = self._useful(large) > self._useful(small)
            return large if self._closely else small
        if self._closely:
            return self._search(picture, LARGE_PX)
        return self._search(picture, SMALL_PX) or self._search(picture, LARGE_PX)

    def _search(self, picture: Image.Image, side_px: int) -> list[Face]:
        return self._finder.find(picture, self._limit, (side_px,))[0]

    def _useful(self, faces: Sequence[Face]) -> int:
        return sum(face.size_px >= self._least_px for face in faces)

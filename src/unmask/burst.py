"""One person over consecutive frames of a video: what the detectors of movement, light and lips look at.

The face network's landmarks depend on where in the searched square the face lies: when the square moves with the face,
they jump by 2 % of the distance between the eyes (root mean square; five faces, each shifted by known amounts, with
noise and JPEG), on a whole frame as much as on a crop. So the square stays while the face stays in it. On real clips
that brings the trembling that `motion` measures from 1.2 % to 0.3 %, and noise and JPEG alone to 0.06 to 0.1 %. A crop
is three times as fast as the frame, so every frame is searched. Faces are aligned by smoothed landmarks; what measures
trembling takes the landmarks as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unmask.faces import Face, FaceFinder, overlap
from unmask.types import Box

SIDE_PX: Final = 112
"""Side of an aligned face."""

PLACES: Final = np.array([[40, 42], [72, 42], [56, 60], [43, 79], [69, 79]], np.float64)
"""Where eyes, nose and mouth corners lie in an aligned face, roughly: x, y in pixels. The chin is inside as well."""

MOST_FRAMES: Final = 100
"""Four seconds at 25 frames a second; more would cost more time than is there for information."""

LEAST_FRAMES: Final = 12
"""Fewer tell nothing about movement."""

_HELD: Final = [0, 1, 3, 4]  # the nose comes forward when the head turns, so it does not take part in the alignment
_SEARCH_PX: Final = 128
_SEARCH_MARGIN: Final = 1.8
_GIVE_UP_S: Final = 0.6
_SAME_PLACE: Final = 0.1
_STAYS: Final = 0.1
_CUT_LEVELS: Final = 45.0
_THUMB_PX: Final = 24
_LEAST_GAP_S: Final = 0.03
"""Of a video with 50 or 60 frames a second every second frame is taken: nothing that is measured is faster."""

_KERNEL: Final = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9


@dataclass(frozen=True, eq=False)
class Burst:
    """One person in T consecutive frames of one shot.

    Attributes:
        times_s: float64 (T,), from the start of the video, rising.
        boxes: float32 (T, 4), x1, y1, x2, y2 in the upright frame.
        landmarks: float32 (T, 5, 2), x, y of eyes, nose and mouth corners, in the upright frame.
        found: bool (T,): whether the face network saw the face; elsewhere boxes and landmarks are interpolated.
        faces: uint8 (T, 112, 112, 3) RGB, aligned: eyes and mouth corners lie at `PLACES`.
        frame_size_px: Width and height of the frames.
    """

    times_s: NDArray[np.float64]
    boxes: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    found: NDArray[np.bool_]
    faces: NDArray[np.uint8]
    frame_size_px: tuple[int, int]

    @property
    def rate_hz(self) -> float:
        """Frames a second, by the median gap."""
        return float(1 / np.median(np.diff(self.times_s)))

    @property
    def start_s(self) -> float:
        """Time of the first frame."""
        return float(self.times_s[0])

    @property
    def end_s(self) -> float:
        """Time of the last frame."""
        return float(self.times_s[-1])

    @property
    def box_px(self) -> Box:
        """Around the person in all frames, in whole pixels."""
        low, high = self.boxes[:, :2].min(axis=0), self.boxes[:, 2:].max(axis=0)
        return round(float(low[0])), round(float(low[1])), round(float(high[0])), round(float(high[1]))

    @property
    def eyes_px(self) -> float:
        """Median distance between the eyes, in pixels of the frame."""
        return float(np.median(np.linalg.norm(self.landmarks[:, 1] - self.landmarks[:, 0], axis=1)))


def gather(
    film_stills: Iterable[tuple[float, Image.Image]],
    finder: FaceFinder,
    near_box: Sequence[float],
    most: int = MOST_FRAMES,
) -> Burst | None:
    """Follow one person through consecutive frames.

    The frames end where the picture is cut, or the face is lost for longer than 0.6 s.

    Args:
        film_stills: Times in seconds and upright RGB pictures, in order: `Still`s of consecutive frames.
        finder: Finds the faces.
        near_box: x1, y1, x2, y2 of the person in one of the first frames.
        most: Frames taken at most.

    Returns:
        The burst, or None where the person is seen in fewer than `LEAST_FRAMES` frames.
    """
    box = np.asarray(near_box, np.float32)
    seen: list[tuple[float, Face | None]] = []
    pictures: list[Image.Image] = []
    thumb: NDArray[np.float32] | None = None
    last_s: float | None = None
    window: Window | None = None
    for time_s, image in film_stills:
        if seen and time_s - seen[-1][0] < _LEAST_GAP_S:
            continue
        small = np.asarray(image.convert("L").resize((_THUMB_PX, _THUMB_PX), Image.Resampling.BOX), np.float32)
        if thumb is not None and float(np.abs(small - thumb).mean()) > _CUT_LEVELS:
            break
        thumb = small
        window = _around(box, window)
        face = _find_in(image, finder, window, box)
        if face is not None:
            box, last_s = face.box, time_s
        elif last_s is not None and time_s - last_s > _GIVE_UP_S:
            break
        seen.append((time_s, face))
        pictures.append(image)
        if len(seen) >= most:
            break
    which = [number for number, (_, face) in enumerate(seen) if face is not None]
    if len(which) < LEAST_FRAMES:
        return None
    kept = slice(which[0], which[-1] + 1)
    return _burst(seen[kept], pictures[kept])


def align(image: Image.Image, landmarks: NDArray[Any], times: int = 1) -> NDArray[np.uint8]:
    """A face turned, shifted and scaled so that eyes and mouth corners lie at `PLACES`, by least squares.

    Args:
        image: RGB.
        landmarks: (5, 2), x, y in its pixels.
        times: How many times as large as that the result is.

    Returns:
        uint8 (112, 112, 3), or `times` that; black where the face reaches out of the picture.
    """
    turn, shift = similarity(PLACES[_HELD] * times, np.asarray(landmarks, np.float64)[_HELD])
    shrink = max(1, int(abs(turn)))
    if shrink > 1:  # a plain transform would skip pixels
        image = image.reduce(shrink)
        turn, shift = turn / shrink, shift / shrink
    inverse = (turn.real, -turn.imag, shift.real, turn.imag, turn.real, shift.imag)
    size = (SIDE_PX * times, SIDE_PX * times)
    return np.asarray(image.transform(size, Image.Transform.AFFINE, inverse, Image.Resampling.BILINEAR), np.uint8)


def similarity(points: NDArray[np.float64], onto: NDArray[np.float64]) -> tuple[complex, complex]:
    """The turn, scale and shift that bring points closest to others (Umeyama 1991), as onto = turn * points + shift.

    Args:
        points: (N, 2).
        onto: (N, 2).

    Returns:
        Two complex numbers, for points as x + iy.
    """
    start, end = points @ np.array([1, 1j]), onto @ np.array([1, 1j])
    middle, centre = start.mean(), end.mean()
    spread = float((np.abs(start - middle) ** 2).sum())
    turn = complex((np.conj(start - middle) * (end - centre)).sum() / max(spread, 1e-9))
    return turn, complex(centre - turn * middle)


Window = tuple[float, float, float, float]


def _around(box: NDArray[np.float32], before: Window | None) -> Window:
    """The square to search for a face that was last seen here.

    It stays where it is until the face has moved in it: a square that followed each box would move by the box's own
    error, and that would move the next box.
    """
    x, y, side = float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2, float(max(box[2:] - box[:2])) * _SEARCH_MARGIN
    if before is not None:
        left, top, right, bottom = before
        moved = max(abs(x - (left + right) / 2), abs(y - (top + bottom) / 2))
        if moved < _STAYS * (right - left) and abs(np.log(side / (right - left))) < _STAYS:
            return before
    half = max(side, 8.0) / 2
    return x - half, y - half, x + half, y + half


def _find_in(image: Image.Image, finder: FaceFinder, window: Window, box: NDArray[np.float32]) -> Face | None:
    """The face that overlaps a box most, searched in a window that is scaled to one size."""
    left, top = max(0.0, window[0]), max(0.0, window[1])
    right, bottom = min(float(image.width), window[2]), min(float(image.height), window[3])
    if right - left < 8 or bottom - top < 8:
        return None
    scale = _SEARCH_PX / max(right - left, bottom - top)
    size = max(8, round((right - left) * scale)), max(8, round((bottom - top) * scale))
    where = (left, top, right, bottom)
    crop = image.resize(size, Image.Resampling.BILINEAR, box=where, reducing_gap=2.0)
    stretch = np.array([(right - left) / size[0], (bottom - top) / size[1]], np.float32)
    origin = np.array([left, top], np.float32)
    found = [
        Face(face.box * np.tile(stretch, 2) + np.tile(origin, 2), face.landmarks * stretch + origin, face.score)
        for face in finder.find(crop)[0]
    ]
    best = max(found, key=lambda face: overlap(face.box, box), default=None)
    return best if best is not None and overlap(best.box, box) > _SAME_PLACE else None


def _burst(seen: Sequence[tuple[float, Face | None]], pictures: Sequence[Image.Image]) -> Burst:
    times = np.array([time_s for time_s, _ in seen], np.float64)
    found = np.array([face is not None for _, face in seen])
    faces = [face for _, face in seen if face is not None]
    boxes = _interpolated(times, found, np.stack([face.box for face in faces]))
    landmarks = _interpolated(times, found, np.stack([face.landmarks for face in faces]))
    aligned = np.stack([align(image, marks) for image, marks in zip(pictures, smooth(landmarks), strict=True)])
    return Burst(times, boxes, landmarks, found, aligned, pictures[0].size)


def _interpolated(
    times: NDArray[np.float64], found: NDArray[np.bool_], values: NDArray[np.float32]
) -> NDArray[np.float32]:
    flat = values.reshape(len(values), -1)
    columns = [np.interp(times, times[found], column) for column in flat.T]
    return np.stack(columns, axis=1).reshape(len(times), *values.shape[1:]).astype(np.float32)


def smooth(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Each value's weighted mean with its four neighbours in time, (T, ...) to (T, ...); ends are repeated."""
    reach = len(_KERNEL) // 2
    ends = [(reach, reach)] + [(0, 0)] * (values.ndim - 1)
    padded = np.pad(values.astype(np.float64), ends, mode="edge")
    parts = [weight * padded[place : place + len(values)] for place, weight in enumerate(_KERNEL)]
    return np.asarray(sum(parts[1:], start=parts[0]))

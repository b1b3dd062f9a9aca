"""Real frames for made clips: of a still by a camera that wanders over it, of a video a stretch as it was shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unmask import faces as face_cutter
from unmask.errors import NothingToJudgeError
from unmask.faces import Face, main_face, own_finder
from unmask.kinds import is_picture
from unmask.makers.camera import filmed
from unmask.makers.portrait import Points, Portrait
from unmask.modalities import image as pictures
from unmask.modalities import video as videos

FRAMES: Final = 16
"""Of each clip; a video that is shorter gives what it has."""

LEAST_FRAMES: Final = 8
RATES_HZ: Final = (12, 15, 24, 25, 25, 30, 30)
"""At which stills are filmed."""

_STEPS: Final = (1, 1, 1, 2, 3)
"""Every so manieth frame of a video is taken."""

_LONGEST_PX: Final = 400
_SCALES: Final = (0.6, 1.0)
_KERNELS: Final = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)
_SEARCH_EVERY: Final = 4
_MARGIN: Final = 1.8
_LENT_PX: Final = 224


@dataclass(frozen=True, eq=False)
class Footage:
    """Consecutive real frames of one person.

    Attributes:
        frames: All of one size, with even sides, each with landmarks.
        rate_hz: Frames a second.
        start_s: Where in the video they begin; None of a still.
    """

    frames: Sequence[Portrait]
    rate_hz: int
    start_s: float | None = None


def main_portrait(path: Path) -> tuple[Portrait, Portrait]:
    """The main face of a picture, or of a frame in the middle of a video.

    Args:
        path: The file.

    Returns:
        The whole picture with the face's landmarks; and a square around the face of at most 224 px, with those in it.

    Raises:
        MediaError: It cannot be read, or shows no face.
    """
    picture = pictures.load(path).image if is_picture(path) else next(iter(videos.extract(path, 1))).image
    face = main_face(own_finder().find(picture)[0], *picture.size)
    if face is None:
        raise NothingToJudgeError("no face was found")
    square = face_cutter.square_around(face, _MARGIN, picture.size)
    side = min(_LENT_PX, round(square[2] - square[0]))
    cut = face_cutter.cut(picture, square, side)
    inside = (face.landmarks - np.array(square[:2], np.float32)) * np.float32(side / (square[2] - square[0]))
    return Portrait(np.asarray(picture, np.uint8), face.landmarks), Portrait(cut, inside)


def shoot(path: Path, landmarks: Points | None, rng: np.random.Generator) -> Footage:
    """Frames of a picture or of a video.

    Args:
        path: The file.
        landmarks: Of the main face of a picture, (5, 2); those of a video are looked for.
        rng: Source of all chance.

    Raises:
        MediaError: It cannot be read, shows no face, or is too short.
    """
    if not is_picture(path):
        return _stretch(path, rng)
    picture = pictures.load(path).image
    if landmarks is None:
        raise NothingToJudgeError("no face was found")
    still = Portrait(np.asarray(picture, np.uint8), landmarks)
    return Footage(filmed(still, FRAMES, rng), int(rng.choice(RATES_HZ)))


def _stretch(path: Path, rng: np.random.Generator) -> Footage:
    """Consecutive frames, or every second or third, at a place, a size and with a kernel that are drawn."""
    with videos.opened(path) as film:
        step = int(rng.choice(_STEPS))
        step = max(1, min(step, film.frames // FRAMES))
        span = min(FRAMES * step, film.frames)
        first = int(rng.integers(film.frames - span + 1))
        times = film.times_s[first : first + span]
        shown = [one for number, one in enumerate(film.between(times[0], times[-1])) if number % step == 0]
    if len(shown) < LEAST_FRAMES:
        raise NothingToJudgeError(f"the video has fewer than {LEAST_FRAMES} frames")
    rate = round(1 / max(float(np.median(np.diff(film.times_s))) * step, 0.01))
    landmarks = _followed([one.image for one in shown])
    width, height = shown[0].image.size
    scale = min(1.0, _LONGEST_PX / max(width, height)) * float(rng.uniform(*_SCALES))
    size = (max(64, int(width * scale) // 2 * 2), max(64, int(height * scale) // 2 * 2))
    kernel = _KERNELS[int(rng.integers(len(_KERNELS)))]
    stretch = np.array([size[0] / width, size[1] / height], np.float32)
    frames = [
        Portrait(np.asarray(one.image.resize(size, kernel), np.uint8), (points * stretch).astype(np.float32))
        for one, points in zip(shown, landmarks, strict=True)
    ]
    return Footage(frames, max(1, rate), float(shown[0].time_s))


def _followed(images: Sequence[Image.Image]) -> NDArray[np.float32]:
    """Landmarks (N, 5, 2) of the main face of the first frame that shows one, wherever it goes.

    Faces are searched in every fourth frame; between them landmarks go along a straight line.

    Raises:
        NothingToJudgeError: Half of the searches find no face, or a stretch mixes two shots.
    """
    searched = sorted({*range(0, len(images), _SEARCH_EVERY), len(images) - 1})
    known: dict[int, Face] = {}
    for number in searched:
        found, _ = own_finder().find(images[number])
        face = _next(list(known.values())[-1], found) if known else main_face(found, *images[number].size)
        if face is not None:
            known[number] = face
    if len(known) * 2 <= len(searched):
        raise NothingToJudgeError("no face was found")
    there = np.array(list(known))
    points = np.stack([face.landmarks for face in known.values()]).reshape(-1, 10)
    everywhere = np.arange(len(images))
    line = np.stack([np.interp(everywhere, there, column) for column in points.T], axis=1)
    return line.reshape(-1, 5, 2).astype(np.float32)


def _next(last: Face, found: Sequence[Face]) -> Face | None:
    """The same face a few frames later: the nearest one of about its size; None where it jumped away."""

    def away(face: Face) -> float:
        return float(np.hypot(*(face.landmarks.mean(axis=0) - last.landmarks.mean(axis=0)))) / last.size_px

    near = [face for face in found if away(face) < 0.5 and 0.6 < face.size_px / last.size_px < 1.7]
    return min(near, key=away, default=None)

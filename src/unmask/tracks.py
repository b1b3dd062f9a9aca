"""Who is who in a video: faces of single frames joined to the tracks of persons.

A face goes to the person whom it looks like: by the colours of head and hair and of what is worn below, which stay when
the picture is cut, and which two people rarely share within one film. Where two moments lie close together and no
cut lies between them, its place counts too. The order of faces within a frame counts for nothing.

Measured on 75 real clips (`benchmarks/tracks.py`): looks of one clip against looks of other clips of the same source.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unmask.faces import Face

Colours = NDArray[np.float32]
"""Two histograms over 8 x 8 x 8 colours, of the head and of what is below: float32 (2, 512), each adding up to 1."""

ALIKE: Final = 0.8
"""From this likeness on, two looks far apart are one person's."""

NEAR_ALIKE: Final = 0.5
"""From this likeness on, two looks at about one place and time are one person's."""

_NEAR_S: Final = 1.0
_NEAR_FACES: Final = 2.0
"""How far a face may move within that time, in sizes of its own: people who walk behind others come out elsewhere."""

_CUT: Final = 0.12
"""Mean change of a thumbnail, of 1, that only a cut makes within a second."""

_PATCH_PX: Final = 32
_THUMBNAIL_PX: Final = 16
_REMEMBERED: Final = 6


@dataclass(frozen=True, eq=False)
class Sighting:
    """One face in one frame.

    Attributes:
        frame: Number of the frame among those that were looked at, from 0.
        time_s: Its time.
        face: Where it is.
    """

    frame: int
    time_s: float
    face: Face


@dataclass(eq=False)
class Trail:
    """One person: their sightings, in the order of time, at most one a frame."""

    sightings: list[Sighting] = field(default_factory=list)
    colours: list[Colours] = field(default_factory=list, repr=False)

    @property
    def size_px(self) -> float:
        """The median of the longer sides of their boxes."""
        return float(np.median([one.face.size_px for one in self.sightings]))


class Linker:
    """Joins the faces of frames, given one after another, to trails; holds no frame."""

    def __init__(self) -> None:
        self._trails: list[Trail] = []
        self._thumbnail: NDArray[np.float32] | None = None
        self._frames = 0
        self._time_s = 0.0

    def add(self, time_s: float, picture: Image.Image, faces: Sequence[Face]) -> None:
        """The next frame: its time, its picture and the faces in it."""
        thumbnail = _thumbnail(picture)
        before = self._thumbnail if time_s - self._time_s <= _NEAR_S else None
        near = before is not None and float(np.abs(thumbnail - before).mean()) < _CUT
        looks = [colours(picture, face) for face in faces]
        # Greedily, the likeliest pair first: few faces are in a frame, and a trail takes but one of them.
        pairs = sorted(
            (
                (score, i, j)
                for i, (face, look) in enumerate(zip(faces, looks, strict=True))
                for j, trail in enumerate(self._trails)
                if (score := self._score(face, look, trail, time_s, near)) > 0
            ),
            key=lambda pair: -pair[0],
        )
        placed: dict[int, int] = {}
        for _, i, j in pairs:
            if i not in placed and j not in placed.values():
                placed[i] = j
        for i, (face, look) in enumerate(zip(faces, looks, strict=True)):
            if i not in placed:
                placed[i] = len(self._trails)
                self._trails.append(Trail())
            trail = self._trails[placed[i]]
            trail.sightings.append(Sighting(self._frames, time_s, face))
            trail.colours = [*trail.colours[1 - _REMEMBERED :], look]
        self._thumbnail, self._time_s = thumbnail, time_s
        self._frames += 1

    def trails(self) -> list[Trail]:
        """Everybody, those first who are seen in most frames, and of these the largest."""
        return sorted(self._trails, key=lambda trail: (-len(trail.sightings), -trail.size_px))

    def _score(self, face: Face, look: Colours, trail: Trail, time_s: float, near: bool) -> float:
        """How well a face fits a trail; 0 where it is somebody else's."""
        likeness = max(alike(look, known) for known in trail.colours)
        last = trail.sightings[-1]
        stays = near and time_s - last.time_s <= _NEAR_S
        nearness = nearness_of(face, last.face) if stays else 0.0
        if likeness >= ALIKE or (likeness >= NEAR_ALIKE and nearness > 0):
            return likeness + nearness / 2
        return 0.0


def link(frames: Iterable[tuple[float, Image.Image, Sequence[Face]]]) -> list[Trail]:
    """The persons in some frames, given in the order of time with the faces found in each."""
    linker = Linker()
    for time_s, picture, faces in frames:
        linker.add(time_s, picture, faces)
    return linker.trails()


def colours(picture: Image.Image, face: Face) -> Colours:
    """The colours of a head and of what is worn below it."""
    x1, y1, x2, y2 = (float(value) for value in face.box)
    width, height = x2 - x1, y2 - y1
    head = (x1 - 0.2 * width, y1 - 0.2 * height, x2 + 0.2 * width, y2 + 0.1 * height)
    below = (x1 - 0.5 * width, y2, x2 + 0.5 * width, y2 + 0.8 * height)
    return np.stack([_histogram(picture, head), _histogram(picture, below)])


def alike(one: Colours, other: Colours) -> float:
    """What two looks have in common, 0 to 1: the overlap of their histograms (Swain & Ballard 1991)."""
    return float(np.minimum(one, other).sum()) / 2


def nearness_of(one: Face, other: Face) -> float:
    """1 for two faces with one middle, falling to 0 where these lie `_NEAR_FACES` of their sizes apart."""
    apart = float(np.hypot(*((one.box[:2] + one.box[2:]) / 2 - (other.box[:2] + other.box[2:]) / 2)))
    return max(0.0, 1 - apart / (_NEAR_FACES * max(one.size_px, other.size_px)))


def _histogram(picture: Image.Image, box: tuple[float, float, float, float]) -> NDArray[np.float32]:
    """Uniform where the box lies outside the picture, which is like nothing and unlike nothing."""
    left, top = (max(round(value), 0) for value in box[:2])
    right, bottom = min(round(box[2]), picture.width), min(round(box[3]), picture.height)
    if right - left < 2 or bottom - top < 2:
        return np.full(512, 1 / 512, np.float32)
    patch = picture.resize((_PATCH_PX, _PATCH_PX), Image.Resampling.BOX, box=(left, top, right, bottom))
    steps = np.asarray(patch).reshape(-1, 3).astype(np.int64) // 32
    counts = np.bincount(steps @ np.array([64, 8, 1]), minlength=512)
    shares: NDArray[np.float32] = (counts / counts.sum()).astype(np.float32)
    return shares


def _thumbnail(picture: Image.Image) -> NDArray[np.float32]:
    small = picture.resize((_THUMBNAIL_PX, _THUMBNAIL_PX), Image.Resampling.BOX, reducing_gap=2.0)
    shares: NDArray[np.float32] = np.asarray(small).astype(np.float32) / np.float32(255)
    return shares

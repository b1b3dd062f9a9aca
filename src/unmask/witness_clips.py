"""Clips of a manifest as the witnesses see them: four seconds of the main face, some whole frames, and the sound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from unmask.burst import MOST_FRAMES, Burst, gather
from unmask.detectors import lighting, motion
from unmask.errors import NothingToJudgeError
from unmask.faces import Face, FaceFinder, main_face
from unmask.limits import Limits
from unmask.manifest import Item
from unmask.modalities import video
from unmask.modalities.audio import Sound, sound
from unmask.witnesses import Frame

_FRAMES: Final = 8
_EVERY: Final = 4  # of these frames one is searched for others
_TRIES: Final = 12
_LONGEST_S: Final = 5.0
_SPARE_S: Final = 1.5


@dataclass(frozen=True, eq=False)
class Clip:
    """One clip of a manifest, looked at."""

    item: Item
    burst: Burst
    measured: Mapping[str, Mapping[str, float]]
    sound: Sound | None

    @property
    def group(self) -> str:
        """Its group, or its own path where it has none."""
        return self.item.group or str(self.item.path)


def looked_at(item: Item, finder: FaceFinder, limits: Limits) -> Clip:
    """The main face of a clip, from where it is first seen.

    Args:
        item: The clip.
        finder: Finds faces.
        limits: What the clip may cost.

    Raises:
        MediaError: It cannot be read, or shows nobody for long enough.
    """
    with video.opened(item.path, limits) as film:
        tried = film.stills(video.evenly(film, _TRIES))
        found = next(((still, face) for still in tried if (face := _main(finder, still)) is not None), None)
        if found is None:
            raise NothingToJudgeError("no face was found")
        start = found[0].time_s
        stills = film.between(start, start + _LONGEST_S, MOST_FRAMES * 2)
        burst = gather(stills, finder, [float(value) for value in found[1].box])
        if burst is None:
            raise NothingToJudgeError("its face is not seen in enough frames in a row")
        frames = list(_frames(film, burst, finder))
    heard = sound(item.path, limits, max(burst.start_s - _SPARE_S, 0.0), burst.end_s + _SPARE_S)
    lit = lighting.measure([(image, faces) for _, image, faces in frames])
    return Clip(item, burst, {motion.NAME: motion.measure(burst), lighting.NAME: lit}, heard)


def _main(finder: FaceFinder, still: video.Still) -> Face | None:
    return main_face(finder.find(still.image)[0], *still.image.size)


def _frames(film: video.Film, burst: Burst, finder: FaceFinder) -> Iterator[Frame]:
    """Some frames of a burst with the person's face first, then the others that do not overlap it."""
    chosen = np.linspace(0, len(burst.times_s) - 1, _FRAMES).round().astype(int)
    for number, still in enumerate(film.stills([float(burst.times_s[i]) for i in chosen])):
        place = int(np.abs(burst.times_s - still.time_s).argmin())
        own = Face(burst.boxes[place], burst.landmarks[place], 1.0)
        middle = (own.box[:2] + own.box[2:]) / 2
        found = finder.find(still.image)[0] if number % _EVERY == 0 else []
        others = [face for face in found if not _holds(face, float(middle[0]), float(middle[1]))]
        yield still.time_s, still.image, [own, *others]


def _holds(face: Face, x: float, y: float) -> bool:
    return bool(face.box[0] <= x <= face.box[2] and face.box[1] <= y <= face.box[3])

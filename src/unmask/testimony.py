"""What the witnesses say of the person who decides on a video, who must be read again frame by frame for that."""

from __future__ import annotations

from typing import Final

from unmask import burst, witnesses
from unmask.burst import Burst
from unmask.errors import MediaError
from unmask.faces import FaceFinder, overlap
from unmask.limits import Limits
from unmask.modalities.video import Film
from unmask.tracks import Trail
from unmask.types import Curve, Evidence, Region
from unmask.witnesses import Frame

_BURST_S: Final = 4.0
_FRAMES: Final = 4


def of(
    film: Film, finder: FaceFinder, trail: Trail, region: Region, limits: Limits
) -> tuple[list[Evidence], list[Curve]]:
    """Findings and curves of all witnesses; they inform, and say themselves where they abstain.

    Args:
        film: The video.
        finder: Finds faces.
        trail: Where the person was seen.
        region: The seconds that decide, and the person's number.
        limits: What the sound may cost.
    """
    followed = _followed(film, finder, trail, region)
    try:
        frames = _frames(film, finder, trail)
    except MediaError:  # it could be read a moment ago: what was seen then stands
        frames = []
    return witnesses.look(film.path, followed, frames, region.track, limits)


def of_lips(
    film: Film, finder: FaceFinder, trail: Trail, region: Region, limits: Limits
) -> tuple[list[Evidence], list[Curve]]:
    """The same of lip-sync alone, which has a say in the verdict on a video with sound."""
    return witnesses.look_at_lips(film.path, _followed(film, finder, trail, region), region.track, limits)


def _followed(film: Film, finder: FaceFinder, trail: Trail, region: Region) -> Burst | None:
    """The person frame by frame around the seconds that decide; None where that cannot be."""
    middle = ((region.start_s or 0.0) + (region.end_s or 0.0)) / 2
    start_s = max(0.0, min(middle - _BURST_S / 2, film.duration_s - _BURST_S))
    seen = [one for one in trail.sightings if start_s <= one.time_s <= start_s + _BURST_S] or trail.sightings
    near = min(seen, key=lambda one: abs(one.time_s - start_s))
    try:
        stills = film.between(max(start_s, near.time_s), start_s + _BURST_S)
        return burst.gather(stills, finder, [float(value) for value in near.face.box])
    except MediaError:  # likewise
        return None


def _frames(film: Film, finder: FaceFinder, trail: Trail) -> list[Frame]:
    """A few frames that show the person, with everybody in them, the person first."""
    step = max(1, len(trail.sightings) // _FRAMES)
    chosen = {round(one.time_s, 3): one.face for one in trail.sightings[::step][:_FRAMES]}
    found: list[Frame] = []
    for still in film.stills(list(chosen)):
        own = chosen.get(round(still.time_s, 3))
        faces = finder.find(still.image, sides_px=(256,))[0]
        if own is not None and faces:
            found.append((still.time_s, still.image, sorted(faces, key=lambda face: -overlap(face.box, own.box))))
    return found

"""All witnesses on one person of a video: how they move, how they are lit, and whether their lips fit the sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from unmask.burst import Burst
from unmask.detectors import lighting, lipsync, motion
from unmask.faces import Face
from unmask.limits import DEFAULT_LIMITS, Limits
from unmask.modalities.audio import Sound, sound
from unmask.types import Curve, Evidence, Region
from unmask.witness import WitnessCard

Frame = tuple[float, Image.Image, Sequence[Face]]
"""Time in seconds, upright RGB picture, and its faces, the person's own first."""

NAMES: Final = (motion.NAME, lighting.NAME, lipsync.NAME)
TOO_SHORT: Final = "not judged: the person is not seen in enough frames in a row"
_ROOM_S: Final = 0.6
"""Sound needed before and after the pictures, so that every lag can be tried."""

_shipped = cache(WitnessCard.shipped)


def look(
    path: Path,
    burst: Burst | None,
    frames_with_faces: Sequence[Frame],
    track_number: int | None,
    limits: Limits = DEFAULT_LIMITS,
) -> tuple[list[Evidence], list[Curve]]:
    """What the three witnesses say of one person.

    Args:
        path: The video, for its sound.
        burst: The person in consecutive frames; None where they are not seen in enough of them.
        frames_with_faces: Frames that show the person, whose face is the first of each.
        track_number: Which person of the report this is.
        limits: What the sound may cost.

    Returns:
        A finding of each, with a sentence always and without a logit where it abstains, and curves over time.

    Raises:
        BundleError: A witness card is missing or broken.
    """
    seconds = [time for time, _, _ in frames_with_faces]
    spread = Region(start_s=min(seconds), end_s=max(seconds), track=track_number) if seconds else None
    whole = Region(track=track_number)
    where = whole if burst is None else _region(burst, track_number)
    light = lighting.measure([(image, faces) for _, image, faces in frames_with_faces])
    lit = None if np.isnan(light["side light"]) else light
    evidence = [_finding(lighting.NAME, spread or whole, lit, lighting.sentence(light, len(seconds)))]
    if burst is None:
        return [
            _finding(motion.NAME, where, None, TOO_SHORT),
            *evidence,
            _finding(lipsync.NAME, where, None, TOO_SHORT),
        ], []
    moved = motion.measure(burst)
    evidence.insert(0, _finding(motion.NAME, where, moved, motion.sentence(burst, moved)))
    heard = around(path, burst, limits)
    finding, curves = _lips(burst, heard, where)
    return [*evidence, finding], [*motion.curves(burst, track_number), *curves]


def look_at_lips(
    path: Path, burst: Burst | None, track_number: int | None, limits: Limits = DEFAULT_LIMITS
) -> tuple[list[Evidence], list[Curve]]:
    """What lip-sync alone says of one person, as `look` gives it."""
    if burst is None:
        return [_finding(lipsync.NAME, Region(track=track_number), None, TOO_SHORT)], []
    finding, curves = _lips(burst, around(path, burst, limits), _region(burst, track_number))
    return [finding], curves


def around(path: Path, burst: Burst, limits: Limits = DEFAULT_LIMITS) -> Sound | None:
    """The sound of a burst, with as much before and after it as lip-sync looks at."""
    return sound(path, limits, max(burst.start_s - _ROOM_S, 0.0), burst.end_s + _ROOM_S)


def _lips(burst: Burst, heard: Sound | None, where: Region) -> tuple[Evidence, list[Curve]]:
    unfit = lipsync.unfit(burst, heard)
    if heard is None or unfit is not None:
        return _finding(lipsync.NAME, where, None, unfit or lipsync.NO_SOUND), []
    sync = lipsync.measure(burst, heard)
    found = _finding(lipsync.NAME, where, sync.features, lipsync.sentence(sync))
    return found, lipsync.curves(burst, heard, where.track)


def _region(burst: Burst, track: int | None) -> Region:
    return Region(start_s=burst.start_s, end_s=burst.end_s, box_px=burst.box_px, track=track)


def _finding(name: str, where: Region, measured: Mapping[str, float] | None, sentence: str) -> Evidence:
    if measured is None:
        return Evidence(detector=name, region=where, logit=None, votes=False, sentence=sentence)
    card = _shipped(name)
    logit = card.logit(measured)
    return Evidence(
        detector=name,
        region=where,
        logit=logit,
        probability=card.probability(logit),
        votes=card.votes,
        sentence=sentence,
    )

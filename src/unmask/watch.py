"""One video, step by step: read, choose moments, find faces, join them to persons, cut, score, look closer, fuse.

Many threads may do this at once, each with its own video. Of the frames nothing is kept but the squares that the
detector looks at, so memory is flat in the length of the video.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from unmask import fuse_video, moments, occlusion, testimony, video_frame
from unmask.detectors.onnx import OnnxDetector
from unmask.errors import UnreadableError
from unmask.face_search import FaceSearch
from unmask.faces import Face, FaceFinder, overlap
from unmask.fuse_video import Glance, Person
from unmask.limits import Limits
from unmask.modalities import image, video
from unmask.modalities.video import Film, Still
from unmask.strips import deal
from unmask.tracks import Linker, Trail
from unmask.types import Curve, Evidence, Score, Segment, Source, Verdict, Video
from unmask.words import Progress

FRAMES: Final = 32
"""Frames looked at, unless asked for another number."""

_CLOSER: Final = 8
"""Frames that are added around the highest score."""

_DECIMALS: Final = 4  # of a logit, as in `panel`


@dataclass(frozen=True, eq=False)
class Seen:
    """What came of one video: all that its report says.

    Attributes:
        source: The file.
        verdict: On the whole.
        video: Its persons and how it was read.
        score: Of the person who decided; None where nobody could be judged.
        evidence: What was found, person by person.
        persons: How many were seen.
    """

    source: Source
    verdict: Verdict
    video: Video
    score: Score | None
    evidence: tuple[Evidence, ...]
    persons: int


@dataclass(frozen=True, eq=False)
class Look:
    """One face of one person, cut for the detector; the segment's region says when and where."""

    time_s: float
    face: Face
    segment: Segment


@dataclass(frozen=True, eq=False)
class Eyes:
    """What looks at a video.

    Attributes:
        detector: Judges persons; its card's cut has `frames`.
        finder: Finds faces.
        limits: What the file may cost.
    """

    detector: OnnxDetector
    finder: FaceFinder
    limits: Limits

    def search(self) -> FaceSearch:
        """A search for faces through frames in a row."""
        return FaceSearch(self.finder, self.detector.card.cut.least_px, self.limits.faces)


def watch(
    path: Path,
    eyes: Eyes,
    *,
    frames: int = FRAMES,
    threads: int = 1,
    evidence: bool = False,
    lips: bool = False,
    progress: Progress | None = None,
) -> Seen:
    """Judge one video.

    Args:
        path: The file.
        eyes: What looks at it.
        frames: How many frames to look at.
        threads: Of the decoder.
        evidence: Whether to make a heat map of the look that decides, and to ask the witnesses who only inform.
        lips: Whether to ask, without them, whether lips fit the sound, where there is any.
        progress: Told how far it is.

    Raises:
        MediaError: It cannot be judged; the message says why.
    """
    card = eyes.detector.card
    with video.opened(path, eyes.limits, threads) as film:
        search = eyes.search()
        tell = progress or (lambda _doing, _share: None)
        trails, looks, times, size_px = _everybody(film, eyes, search, frames, tell)
        tell("judging persons", 0.0)
        source = _source(path, film, size_px)
        people = [Person(tuple(scored(eyes.detector, looks[id(one)]))) for one in trails[: eyes.limits.tracks]]
        ordered = fuse_video.persons(people, card)
        closer: list[Glance] = []
        tell("looking closer", 0.0)
        told: tuple[list[Evidence], list[Curve]] = [], []
        if ordered and (score := ordered[0][1]):
            first = ordered[0][0]
            trail = trails[next(i for i, one in enumerate(people) if one is first)]
            more = _closer(film, eyes, search, trail, first, times)
            closer = scored(eyes.detector, more, extra=True)
            first = Person(tuple(sorted([*first.glances, *closer], key=lambda one: one.time_s)))
            if evidence:
                first = _mapped(eyes.detector, first, [*looks[id(trail)], *more])
                told = testimony.of(film, eyes.finder, trail, fuse_video.peak(1, first), eyes.limits)
            elif lips and film.has_sound:
                told = testimony.of_lips(film, eyes.finder, trail, fuse_video.peak(1, first), eyes.limits)
            ordered[0] = first, score
        notes = film.notes
    tracks = [fuse_video.track(number, person, score, card) for number, (person, score) in enumerate(ordered, start=1)]
    found = Video(
        duration_s=round(film.duration_s, 3),
        frames=film.frames,
        looked_at_s=tuple(times),
        looked_closer_s=tuple(one.time_s for one in closer),
        has_sound=film.has_sound,
        tracks=tuple(tracks),
        curves=tuple(told[1]),
        notes=notes,
    )
    return Seen(
        source,
        fuse_video.verdict(tracks, len(trails)),
        found,
        ordered[0][1] if ordered else None,
        (*fuse_video.evidence(tracks, [person for person, _ in ordered], card), *told[0]),
        len(trails),
    )


def scored(detector: OnnxDetector, looks: Sequence[Look], extra: bool = False) -> list[Glance]:
    """What a detector makes of the looks at one person, in the order of time.

    A look's own logit is what it adds to its window, on the scale of the whole: their mean is the mean of the windows.
    """
    fit = [look for look in looks if look.segment.unfit is None]
    pixels = [look.segment.pixels for look in fit]
    total, count = np.zeros(len(fit)), np.zeros(len(fit))
    for window in deal(len(fit), detector.card.cut.frames or 1):
        logit, added = detector.explain(np.stack([pixels[i] for i in window])[None])
        own: NDArray[np.float32] = added[0] + (logit[0] - added[0].mean())
        np.add.at(total, window, own)
        np.add.at(count, window, 1)
    logits = iter(total / np.maximum(count, 1))
    return [_glance(look, float(next(logits)) if look.segment.unfit is None else None, extra) for look in looks]


def _everybody(
    film: Film, eyes: Eyes, search: FaceSearch, frames: int, tell: Progress
) -> tuple[list[Trail], dict[int, list[Look]], list[float], tuple[int, int]]:
    """All persons, the looks at each by the identity of their trail, the times of the frames, and their size."""
    linker = Linker()
    by_face: dict[int, Look] = {}
    times: list[float] = []
    size_px = (0, 0)
    for still in film.stills(moments.spread(film, frames)):
        faces = search.find(still.image)
        linker.add(still.time_s, still.image, faces)
        by_face |= {id(look.face): look for look in _cut(still, faces, eyes.detector)}
        times.append(round(still.time_s, 3))
        size_px = still.image.size
        tell("looking for faces", min(1.0, len(times) / frames))
    trails = linker.trails()
    looks = {id(trail): [by_face[id(one.face)] for one in trail.sightings] for trail in trails}
    return trails, looks, times, size_px


def _closer(
    film: Film, eyes: Eyes, search: FaceSearch, trail: Trail, person: Person, times: Sequence[float]
) -> list[Look]:
    """More looks at a person, between the two frames around the one with their highest score."""
    top = max((one for one in person.glances if one.logit is not None), key=lambda one: one.logit or 0.0)
    last = min(trail.sightings, key=lambda one: abs(one.time_s - top.time_s)).face
    looks: list[Look] = []
    with suppress(UnreadableError):  # broken just there, or out of time: what was seen before stands
        for still in film.stills(moments.closer(film, top.time_s, times, _CLOSER)):
            faces = search.find(still.image)
            nearest = max(faces, key=lambda face: overlap(face.box, last.box), default=None)
            if nearest is not None and overlap(nearest.box, last.box) > 0:
                looks += _cut(still, [nearest], eyes.detector)
    return looks


def _cut(still: Still, faces: Sequence[Face], detector: OnnxDetector) -> list[Look]:
    cuts = video_frame.segments(still.time_s, still.image, detector.card.cut, faces)
    return [Look(round(still.time_s, 3), face, one) for face, one in zip(faces, cuts, strict=True)]


def _mapped(detector: OnnxDetector, person: Person, looks: Sequence[Look]) -> Person:
    """The person with a heat map at their highest look."""
    judged = [one for one in person.glances if one.logit is not None]
    top = max(judged, key=lambda one: one.logit or 0.0)
    look = next(one for one in looks if (one.time_s, one.segment.region.box_px) == (top.time_s, top.box_px))
    mapped = replace(top, heat_map=occlusion.heat_map(detector, look.segment.pixels, top.logit or 0.0))
    return Person(tuple(mapped if one is top else one for one in person.glances))


def _glance(look: Look, logit: float | None, extra: bool) -> Glance:
    box = look.segment.region.box_px
    assert box is not None  # every cut has one
    if logit is not None and not np.isfinite(logit):
        return Glance(look.time_s, box, None, "the detector gave no number", extra)
    return Glance(look.time_s, box, None if logit is None else round(logit, _DECIMALS), look.segment.unfit, extra)


def _source(path: Path, film: Film, size_px: tuple[int, int]) -> Source:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    width, height = size_px
    return Source(
        path=image.display_path(path),
        sha256=sha256,
        bytes=path.stat().st_size,
        format=film.format,
        width_px=width,
        height_px=height,
    )

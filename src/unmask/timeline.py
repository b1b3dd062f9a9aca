"""A person or a voice over the seconds: where they are seen or heard, where not, and what each look or window said.

A person is away where a frame that was looked at does not show them. Frames of the closer second look say nothing of
others than the person they were chosen for, so only the frames spread over the whole video count as such.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import Final

from unmask.types import Evidence, Moment, Region, Stretch, Track, Video, Voice
from unmask.wording import clock, to_the_second

_STEPS_S: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400)
_SAME_S: Final = 1e-3
"""Times closer than this are of one frame: no video has a thousand frames a second."""


def runs(video: Video, track: Track) -> list[list[Moment]]:
    """The looks at a person, in order of time, apart wherever they were away in between."""
    found: list[list[Moment]] = []
    for moment in sorted(track.moments, key=lambda moment: moment.time_s):
        if found and not _between(video.looked_at_s, found[-1][-1].time_s, moment.time_s):
            found[-1].append(moment)
        else:
            found.append([moment])
    return found


def stretches(video: Video, track: Track) -> list[tuple[float, float]]:
    """Where the person is there, as starts and ends in seconds.

    When exactly somebody came or left is not known: half-way between two frames that were looked at is drawn.
    """
    found = []
    for run in runs(video, track):
        first, last = run[0].time_s, run[-1].time_s
        before = max((t for t in video.looked_at_s if t < first - _SAME_S), default=None)
        after = min((t for t in video.looked_at_s if t > last + _SAME_S), default=None)
        start = 0.0 if before is None else (before + first) / 2
        end = max(video.duration_s, last) if after is None else (last + after) / 2
        found.append((start, end))
    return found


def highest(track: Track) -> Moment | None:
    """The look that most says fake, or None where none could be judged."""
    judged = [moment for moment in track.moments if moment.probability is not None]
    return max(judged, key=lambda moment: moment.probability or 0.0, default=None)


def columns(video: Video, track: Track, most: int) -> list[float | None]:
    """The highest probability in each of at most `most` parts of a person's seconds; None where there is none.

    Parts are of equal numbers of looked-at frames, and not of equal seconds: so none is empty by chance.
    """
    times = sorted(moment.time_s for moment in track.moments)
    if not times:
        return []
    first, last = times[0] - _SAME_S, times[-1] + _SAME_S
    grid = [time_s for time_s in sorted(video.looked_at_s) if first <= time_s <= last] or times
    seen: list[list[float]] = [[] for _ in grid]
    for moment in track.moments:
        if moment.probability is not None:
            nearest = min(range(len(grid)), key=lambda index: abs(grid[index] - moment.time_s))
            seen[nearest].append(moment.probability)
    count = min(most, len(grid))
    cuts = [len(grid) * index // count for index in range(count + 1)]
    return [max((p for part in seen[a:b] for p in part), default=None) for a, b in pairwise(cuts)]


def steps(voice: Voice, most: int) -> list[Stretch]:
    """The windows of speech side by side: each over the seconds nearest to its middle, none beyond its own.

    Where there are more than `most`, each of so many equal parts of the sound has the highest of its windows.
    """
    beside = _side_by_side(voice.stretches)
    if len(beside) <= most:
        return beside
    return [part for part in _highest_of_parts(beside, voice.duration_s, most) if part]


def heard(voice: Voice, most: int) -> list[float | None]:
    """The highest probability in each of at most `most` equal parts of the sound; None where none was judged."""
    beside = _side_by_side(voice.stretches)
    if not beside:
        return []
    usual_s = sorted(step.end_s - step.start_s for step in beside)[len(beside) // 2]
    count = max(1, min(most, round(voice.duration_s / max(usual_s, _SAME_S))))
    return [part.probability if part else None for part in _highest_of_parts(beside, voice.duration_s, count)]


def ticks(start_s: float, end_s: float, most: int = 7) -> list[tuple[float, str]]:
    """Round times between two, with how they are written: at most `most`, or a few more in a very long video."""
    length = max(end_s - start_s, 0.0)
    step = next((step for step in _STEPS_S if length / step <= most - 1), _STEPS_S[-1])
    first, last = math.ceil(start_s / step - 1e-6), math.floor(end_s / step + 1e-6)
    times = (index * step for index in range(first, last + 1))
    return [(time_s, clock(time_s) if step < 1 else to_the_second(time_s)) for time_s in times]


def when(region: Region) -> str | None:
    """A region's person and seconds in words, "person 1, 0:04.2 to 0:06.8"; None where it names neither."""
    parts = [f"person {region.track}"] if region.track is not None else []
    if (found := seconds(region)) is not None:
        parts.append(spoken(*found))
    return ", ".join(parts) or None


def seconds(region: Region | None) -> tuple[float, float] | None:
    """Where a region starts and ends, or None where it is not about time."""
    if region is None or region.start_s is None:
        return None
    return region.start_s, region.start_s if region.end_s is None else region.end_s


def spoken(start_s: float, end_s: float) -> str:
    """Seconds in words: "0:04.2 to 0:06.8", or "at 0:04.2" where they are one moment."""
    start, end = clock(start_s), clock(end_s)
    return f"at {start}" if start == end else f"{start} to {end}"


def is_one_look(evidence: Evidence) -> bool:
    """Whether evidence is the heat map of one look at a person or of one window of sound, which a timeline shows.

    Findings on some seconds of a person, or on a whole track, are none.
    """
    region, found = evidence.region, seconds(evidence.region)
    if evidence.heat_map is None or found is None:
        return False
    return found[0] == found[1] if region.track is not None else region.box_px is None


def away(video: Video, track: Track) -> Iterator[tuple[float, float]]:
    """The seconds between which the person is not there, from the last look before to the first after."""
    for before, after in pairwise(runs(video, track)):
        yield before[-1].time_s, after[0].time_s


def _side_by_side(stretches: Sequence[Stretch]) -> list[Stretch]:
    ordered = sorted(stretches, key=lambda stretch: (stretch.start_s + stretch.end_s, stretch.start_s))
    middles = [(stretch.start_s + stretch.end_s) / 2 for stretch in ordered]
    edges = [-math.inf, *((a + b) / 2 for a, b in pairwise(middles)), math.inf]
    found = []
    for index, stretch in enumerate(ordered):
        start_s, end_s = max(stretch.start_s, edges[index]), min(stretch.end_s, edges[index + 1])
        if end_s > start_s:
            found.append(Stretch(start_s=start_s, end_s=end_s, probability=stretch.probability))
    return found


def _highest_of_parts(beside: Sequence[Stretch], duration_s: float, count: int) -> list[Stretch | None]:
    """What stands for each equal part of the sound; a step is in each that holds a quarter of it, or it of them."""
    part_s = max(duration_s, beside[-1].end_s) / count
    found: list[Stretch | None] = [None] * count
    for step in beside:
        enough_s = min(step.end_s - step.start_s, part_s) / 4
        for index in range(max(0, int(step.start_s / part_s)), min(count, int(step.end_s / part_s) + 1)):
            start_s, end_s = max(step.start_s, index * part_s), min(step.end_s, (index + 1) * part_s)
            if end_s - start_s < enough_s:
                continue
            if (other := found[index]) is not None:
                start_s, end_s = min(start_s, other.start_s), max(end_s, other.end_s)
            judged = [one.probability for one in (step, other) if one and one.probability is not None]
            found[index] = Stretch(start_s=start_s, end_s=end_s, probability=max(judged, default=None))
    return found


def around_highest(logits: Sequence[float]) -> tuple[int, int, int]:
    """Of scores in the order of time: the first of the run around the highest, the highest, and the last.

    The run goes on as long as scores lie nearer to the highest than to the middle one.
    """
    top = max(range(len(logits)), key=logits.__getitem__)
    least = (logits[top] + median(logits)) / 2
    first = last = top
    while first > 0 and logits[first - 1] >= least:
        first -= 1
    while last + 1 < len(logits) and logits[last + 1] >= least:
        last += 1
    return first, top, last


def _between(times_s: Sequence[float], start_s: float, end_s: float) -> bool:
    return any(start_s + _SAME_S < time_s < end_s - _SAME_S for time_s in times_s)

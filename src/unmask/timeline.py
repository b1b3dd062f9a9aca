"""One person of a video over its seconds: where they are seen, where not, and what each look said.

A person is away where a frame that was looked at does not show them. Frames of the closer second look say nothing of
others than the person they were chosen for, so only the frames spread over the whole video count as such.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from unmask.types import Evidence, Moment, Region, Track, Video
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
    """Whether evidence is the heat map of one look at a person, and not a finding on some seconds or a whole track."""
    found = seconds(evidence.region)
    alone = evidence.region.track is not None and found is not None and found[0] == found[1]
    return alone and evidence.heat_map is not None


def away(video: Video, track: Track) -> Iterator[tuple[float, float]]:
    """The seconds between which the person is not there, from the last look before to the first after."""
    for before, after in pairwise(runs(video, track)):
        yield before[-1].time_s, after[0].time_s


def _between(times_s: Sequence[float], start_s: float, end_s: float) -> bool:
    return any(start_s + _SAME_S < time_s < end_s - _SAME_S for time_s in times_s)

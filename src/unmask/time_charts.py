"""Numbers over seconds as shapes for a page.

All coordinates are percent of the drawing, whose height runs downwards, so a page can stretch it to the room there is;
lines and dots keep their thickness, and words stand beside it as text of the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np

from unmask import timeline
from unmask.types import Curve, ModelUsed, Moment, Track, Video, Voice
from unmask.wording import clock, decimals

_MOST_ROWS: Final = 100
_MOST_POINTS: Final = 1000
_TORN: Final = 4.0
"""A line breaks where its next point is this many times the usual distance away: two bursts are no one curve."""


@dataclass(frozen=True)
class Tick:
    """A time on the axis; one that is `spare` may be left out where room is scarce."""

    x: float
    text: str
    spare: bool


@dataclass(frozen=True)
class Axis:
    """Seconds from left to right."""

    start_s: float
    end_s: float

    def x(self, time_s: float) -> float:
        """Where a time lies; times beyond an end lie on it."""
        length = max(self.end_s - self.start_s, 1e-9)
        return round(100 * min(1.0, max(0.0, (time_s - self.start_s) / length)), 3)

    def part(self, start_s: float, end_s: float) -> tuple[float, float]:
        """Left end and width of a stretch."""
        return self.x(start_s), round(self.x(end_s) - self.x(start_s), 3)

    @cached_property
    def ticks(self) -> tuple[Tick, ...]:
        """Round times."""
        found = timeline.ticks(self.start_s, self.end_s)
        return tuple(Tick(self.x(time_s), text, bool(index % 2)) for index, (time_s, text) in enumerate(found))


@dataclass(frozen=True)
class Dot:
    """One look: where it is drawn, what it says in words, and whether the face could be judged."""

    x: float
    y: float
    words: str
    judged: bool


@dataclass(frozen=True)
class Timeline:
    """The probability of one person over the seconds of the video.

    Attributes:
        track: The person.
        model: Whose thresholds make the bands, or None.
        axis: The seconds, alike for all persons of a video.
        there: Left end and width of each stretch in which the person is seen.
        path: The line through the looks, as SVG writes it; broken where the person is away or was not judged.
        dots: The looks.
        marked: Left end and width of the seconds that look most like a fake.
        most: Those seconds in words.
        words: All of it in words.
    """

    track: Track
    model: ModelUsed | None
    axis: Axis
    there: tuple[tuple[float, float], ...]
    path: str
    dots: tuple[Dot, ...]
    marked: tuple[float, float] | None
    most: str | None
    words: str


@dataclass(frozen=True)
class Line:
    """One curve, drawn over its own range of values."""

    curve: Curve
    path: str
    low: str
    high: str


@dataclass(frozen=True)
class Chart:
    """Curves of one detector on one person, drawn over one another.

    Attributes:
        detector: Who measured.
        person: The number of the person, or None where it is about the sound alone.
        axis: The seconds that were measured.
        lines: The curves.
        rows: Their numbers: a time and a value for each line.
        every: How many of the numbers one row stands for.
        words: What is drawn.
    """

    detector: str
    person: int | None
    axis: Axis
    lines: tuple[Line, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    every: int
    words: str


def draw(video: Video, track: Track, model: ModelUsed | None) -> Timeline:
    """The timeline of one person."""
    axis = Axis(0.0, max(video.duration_s, track.end_s))
    runs = timeline.runs(video, track)
    seconds = timeline.seconds(track.verdict.region)
    return Timeline(
        track=track,
        model=model,
        axis=axis,
        there=tuple(axis.part(*stretch) for stretch in timeline.stretches(video, track)),
        path="".join(_path((axis.x(m.time_s), _height(m)) for m in run) for run in runs),
        dots=tuple(_dot(axis, moment, model) for moment in track.moments),
        marked=axis.part(*seconds) if seconds else None,
        most=timeline.spoken(*seconds) if seconds else None,
        words=_in_words(video, track, model, seconds),
    )


def charts(media: Video | Voice) -> list[Chart]:
    """All curves: a chart each, but what was heard lies over what the same detector saw of a person meanwhile."""
    found = []
    for detector in dict.fromkeys(curve.detector for curve in media.curves):
        mine = [curve for curve in media.curves if curve.detector == detector and curve.times_s]
        sounds = [curve for curve in mine if curve.track is None]
        persons = [curve for curve in mine if curve.track is not None]
        found += [_chart([curve, *_meanwhile(curve, sounds)]) for curve in persons]
        found += [_chart([curve]) for curve in sounds if not persons]
    return found


def _meanwhile(curve: Curve, sounds: Iterable[Curve]) -> list[Curve]:
    """Of the curves of each name that one which has most of its times in the seconds of another curve."""
    start, end = min(curve.times_s), max(curve.times_s)
    best: dict[str, tuple[int, Curve]] = {}
    for sound in sounds:
        shared = sum(start <= time_s <= end for time_s in sound.times_s)
        if shared > best.get(sound.name, (0, sound))[0]:
            best[sound.name] = shared, sound
    return [sound for _, sound in best.values()]


def _chart(curves: Sequence[Curve]) -> Chart:
    first = curves[0]
    times = [time_s for curve in curves for time_s in curve.times_s]
    axis = Axis(min(times), max(max(times), min(times) + 0.1))
    names = " and ".join(curve.name for curve in curves)
    about = "the sound" if first.track is None else f"person {first.track}"
    ranges = "; ".join(f"{c.name} from {low} to {high}" for c in curves for low, high in [_range(c)])
    seconds = f"from {clock(axis.start_s)} to {clock(axis.end_s)}"
    rows, every = _rows(curves)
    return Chart(
        detector=first.detector,
        person=first.track,
        axis=axis,
        lines=tuple(Line(curve, _curve_path(axis, curve), *_range(curve)) for curve in curves),
        rows=rows,
        every=every,
        words=f"{names} of {about} {seconds}: {ranges}",
    )


def _range(curve: Curve) -> tuple[str, str]:
    values = [value for value in curve.values if value is not None]
    if not values:
        return "nothing", "nothing"
    unit = f" {curve.unit}" if curve.unit else ""
    return f"{min(values):.3g}", f"{max(values):.3g}{unit}"


def _curve_path(axis: Axis, whole: Curve) -> str:
    values = [value for value in whole.values if value is not None]
    if not values:
        return ""
    low, high = min(values), max(values)
    curve = _thinned(whole)
    usual = float(np.median(np.diff(curve.times_s))) if len(curve.times_s) > 1 else 0.0
    points: list[tuple[float, float | None]] = []
    for index, (time_s, value) in enumerate(zip(curve.times_s, curve.values, strict=True)):
        if index and time_s - curve.times_s[index - 1] > _TORN * usual:
            points.append((0.0, None))
        share = 0.5 if value is None or high == low else (value - low) / (high - low)
        points.append((axis.x(time_s), None if value is None else 100 * (1 - share)))
    return _path(points)


def _thinned(curve: Curve) -> Curve:
    """The curve in no more points than can be told apart: of each few neighbours, the middle one in height."""
    every = -(-len(curve.times_s) // _MOST_POINTS)
    if every <= 1:
        return curve
    groups = [slice(index, index + every) for index in range(0, len(curve.times_s), every)]
    heights = (sorted(value for value in curve.values[group] if value is not None) for group in groups)
    return curve.model_copy(
        update={
            "times_s": tuple(curve.times_s[group][0] for group in groups),
            "values": tuple(height[len(height) // 2] if height else None for height in heights),
        }
    )


def _rows(curves: Sequence[Curve]) -> tuple[tuple[tuple[str, tuple[str, ...]], ...], int]:
    by_time = [dict(zip(curve.times_s, curve.values, strict=True)) for curve in curves]
    times = sorted(set().union(*by_time))
    every = -(-len(times) // _MOST_ROWS)
    cells = (tuple(_cell(values.get(time_s)) for values in by_time) for time_s in times[::every])
    return tuple((f"{time_s:.2f}", row) for time_s, row in zip(times[::every], cells, strict=True)), every


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _height(moment: Moment) -> float | None:
    return None if moment.probability is None else 100 * (1 - moment.probability)


def _dot(axis: Axis, moment: Moment, model: ModelUsed | None) -> Dot:
    height = _height(moment)
    said = "not judged" if moment.probability is None else f"probability of fake {_number(moment.probability, model)}"
    y = 100.0 if height is None else round(height, 2)
    return Dot(axis.x(moment.time_s), y, f"{clock(moment.time_s)}: {said}", height is not None)


def _in_words(video: Video, track: Track, model: ModelUsed | None, marked: tuple[float, float] | None) -> str:
    count = len(track.moments)
    said = [f"Person {track.number}: probability of fake in {count} {'look' if count == 1 else 'looks'}"]
    said[0] += f" from {clock(track.start_s)} to {clock(track.end_s)}"
    judged = sorted((m.probability, m.time_s) for m in track.moments if m.probability is not None)
    if judged:
        (low, low_s), (high, high_s) = judged[0], judged[-1]
        said.append(
            f"highest {_number(high, model)} at {clock(high_s)}, lowest {_number(low, model)} at {clock(low_s)}"
        )
    else:
        said.append("none could be judged")
    if marked:
        said.append(f"most like a fake {timeline.spoken(*marked)}")
    gaps = [f"{clock(start)} and {clock(end)}" for start, end in timeline.away(video, track)]
    if gaps:
        said.append(f"away between {', '.join(gaps)}")
    return "; ".join(said)


def _number(probability: float, model: ModelUsed | None) -> str:
    return decimals(probability, (model.fake_above, model.real_below) if model else ())


def _path(points: Iterable[tuple[float, float | None]]) -> str:
    """A line through points, as SVG writes it; a point without a height breaks it."""
    written = []
    listed: list[tuple[float, float | None]] = [(0.0, None), *points]
    for (_, before), (x, y) in pairwise(listed):
        if y is not None:
            written.append(f"{'M' if before is None else 'L'}{x:g} {round(y, 2):g}")
    return "".join(written)

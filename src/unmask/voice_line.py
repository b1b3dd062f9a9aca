"""A voice over the seconds, as a page draws it: the probability of each window of speech, with gaps between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from unmask import timeline
from unmask.time_charts import Axis
from unmask.types import ModelUsed, Stretch, Voice
from unmask.wording import clock, decimals

_MOST_STEPS: Final = 400
_MOST_ROWS: Final = 100
_SAME_S: Final = 1e-3

Seconds = tuple[float, float]


@dataclass(frozen=True)
class VoiceLine:
    """The probability over the seconds. All coordinates are percent of the drawing, whose height runs downwards.

    Attributes:
        axis: The seconds.
        judged: Left end and width of the seconds that were judged.
        path: A step for each window, as SVG writes it; broken where nobody speaks or no window was fit.
        unfit: A line at the foot, likewise, below windows that were not fit to be judged.
        marked: Left end and width of the seconds that look most like a fake.
        rows: Start, end and probability of the windows, in words.
        every: How many windows one row stands for, by the highest of them.
        merged: Whether one step of the path stands for the highest of several windows.
        words: All of it in words.
    """

    axis: Axis
    judged: tuple[tuple[float, float], ...]
    path: str
    unfit: str
    marked: tuple[float, float] | None
    rows: tuple[tuple[str, str, str], ...]
    every: int
    merged: bool
    words: str


def draw(voice: Voice, model: ModelUsed | None, axis: Axis, marked: Seconds | None) -> VoiceLine:
    """The line of one voice.

    Args:
        voice: Whose; it has been listened to.
        model: Whose thresholds the numbers are told from, or None.
        axis: The seconds that are drawn.
        marked: Those that look most like a fake.
    """
    steps = timeline.steps(voice, _MOST_STEPS)
    every = -(-len(voice.stretches) // _MOST_ROWS)
    groups = (voice.stretches[index : index + every] for index in range(0, len(voice.stretches), every))
    return VoiceLine(
        axis=axis,
        judged=tuple(axis.part(*run) for run in _runs(s for s in steps if s.probability is not None)),
        path=_path(axis, steps),
        unfit="".join(
            f"M{left:g} 98h{width:g}"
            for left, width in (axis.part(*run) for run in _runs(s for s in steps if s.probability is None))
        ),
        marked=axis.part(*marked) if marked else None,
        rows=tuple(_row(max(group, key=_height), model) for group in groups),
        every=every,
        merged=len(voice.stretches) > _MOST_STEPS,
        words=_in_words(voice, model, marked),
    )


def _path(axis: Axis, steps: Sequence[Stretch]) -> str:
    written, end_s = [], -1.0
    for step in steps:
        if step.probability is None:
            continue
        y = round(100 * (1 - step.probability), 1)
        joined = abs(step.start_s - end_s) < _SAME_S
        written.append(f"{f'V{y:g}' if joined else f'M{axis.x(step.start_s):g} {y:g}'}H{axis.x(step.end_s):g}")
        end_s = step.end_s
    return "".join(written)


def _runs(steps: Iterator[Stretch]) -> list[Seconds]:
    """Starts and ends of steps that follow each other."""
    found: list[Seconds] = []
    for step in steps:
        if found and abs(step.start_s - found[-1][1]) < _SAME_S:
            found[-1] = found[-1][0], step.end_s
        else:
            found.append((step.start_s, step.end_s))
    return found


def _row(stretch: Stretch, model: ModelUsed | None) -> tuple[str, str, str]:
    said = "not judged" if stretch.probability is None else _number(stretch.probability, model)
    return clock(stretch.start_s), clock(stretch.end_s), said


def _height(stretch: Stretch) -> float:
    return -1.0 if stretch.probability is None else stretch.probability


def _in_words(voice: Voice, model: ModelUsed | None, marked: Seconds | None) -> str:
    judged = sorted((s for s in voice.stretches if s.probability is not None), key=_height)
    count, lost = len(judged), len(voice.stretches) - len(judged)
    said = [f"Voice: probability of fake in {count:,} {'window' if count == 1 else 'windows'}"]
    if judged:
        ends = [f"{_number(s.probability or 0, model)} at {clock(s.start_s)}" for s in (judged[-1], judged[0])]
        said.append(f"highest {ends[0]}, lowest {ends[1]}")
    if marked:
        said.append(f"most like a fake {timeline.spoken(*marked)}")
    if lost:
        said.append(f"{lost:,} could not be judged")
    return "; ".join(said)


def _number(probability: float, model: ModelUsed | None) -> str:
    return decimals(probability, (model.fake_above, model.real_below) if model else ())

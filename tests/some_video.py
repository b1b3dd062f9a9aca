"""Reports on videos, made by hand: person 1 looks fake at 0.8 to 1.2 s, person 2 is away in the middle."""

from __future__ import annotations

from typing import Any

from unmask.types import Box, Label, ModelUsed, Moment, Region, Report, Score, Source, Status, Track, Verdict, Video

LOOKED_AT_S = tuple(round(0.2 * index, 3) for index in range(11))
FACE: Box = (10, 20, 50, 70)
OTHER: Box = (70, 20, 110, 70)
MODEL = ModelUsed(
    name="track", version="1", sha256="ab" * 32, calibration_set="val set 7", fake_above=0.83, real_below=0.12
)


def moments(values: dict[float, float | None], box: Box = FACE) -> tuple[Moment, ...]:
    """Looks at one person: probability by time."""
    return tuple(Moment(time_s=time_s, box_px=box, probability=value) for time_s, value in values.items())


def verdict(label: Label, probability: float, region: Region | None) -> Verdict:
    """What is said of one person."""
    return Verdict(label=label, probability=probability, reason="so the scores say", detector="track", region=region)


def first() -> Track:
    """Fake; seen all the time, not judged once."""
    values = dict.fromkeys(LOOKED_AT_S, 0.5) | {0.0: 0.06, 0.4: None, 0.8: 0.9, 1.0: 0.97, 1.2: 0.88}
    said = verdict(Label.FAKE, 0.93, Region(start_s=0.8, end_s=1.2, track=1, box_px=FACE))
    return Track(number=1, start_s=0.0, end_s=2.0, verdict=said, moments=moments(values))


def second() -> Track:
    """Real; seen in the first three frames that were looked at and in the last two."""
    values: dict[float, float | None] = dict.fromkeys((0.0, 0.2, 0.4, 1.8, 2.0), 0.04)
    said = verdict(Label.REAL, 0.04, Region(start_s=0.2, end_s=0.2, track=2, box_px=OTHER))
    return Track(number=2, start_s=0.0, end_s=2.0, verdict=said, moments=moments(values, OTHER))


def video(**changes: Any) -> Video:
    """Two persons in two seconds."""
    values: dict[str, Any] = {
        "duration_s": 2.1,
        "frames": 21,
        "looked_at_s": LOOKED_AT_S,
        "tracks": (first(), second()),
    }
    return Video(**values | changes)


def judged(**changes: Any) -> Report:
    """A report on such a video."""
    values: dict[str, Any] = {
        "source": Source(path="clip.mp4", sha256="ef" * 32, bytes=1234, format="mov", width_px=128, height_px=96),
        "status": Status.OK,
        "verdict": first().verdict,
        "faces": 2,
        "scores": {"track": Score(logit=2.6, probability=0.93)},
        "models": (MODEL,),
        "video": video(),
    }
    return Report(**values | changes)

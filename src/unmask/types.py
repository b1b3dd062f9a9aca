"""What a report says, as small frozen values. Nothing here reads a file or knows a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Self

from pydantic import Field, model_validator

from unmask.statements import Entry, Finding, Kind, Provenance, Skipped, Spared
from unmask.words import (
    RATE_HZ,
    Backing,
    Box,
    Declaration,
    Evidence,
    Extent,
    Label,
    Map,
    Passage,
    Pixels,
    Region,
    Samples,
    Score,
    Segment,
    Status,
    Value,
    Verdict,
)

__all__ = [
    "RATE_HZ",
    "REPORT_VERSION",
    "Backing",
    "Box",
    "ChangedCopy",
    "Curve",
    "Declaration",
    "Entry",
    "Evidence",
    "Extent",
    "Finding",
    "Kind",
    "Label",
    "Map",
    "ModelUsed",
    "Moment",
    "Passage",
    "Pixels",
    "Provenance",
    "Region",
    "Report",
    "Samples",
    "Score",
    "Segment",
    "Skipped",
    "Source",
    "Spared",
    "Stability",
    "Status",
    "Stretch",
    "Track",
    "Value",
    "Verdict",
    "Video",
    "Voice",
]

REPORT_VERSION: Final = 2
"""Version of the wire form of `Report`. It grows when a field changes its meaning or goes away.

2: a verdict may be real or fake without a probability, where the file itself declares that a model made it, or where
the user's list of known files names it."""


class ChangedCopy(Value):
    """What came of a slightly changed copy of the file.

    Attributes:
        change: What was done to it, as an end of the sentence "the probability is ... once ...".
        label: What its own verdict says; None where it was not judged by the same detector, and so has no say.
        probability: Likewise.
    """

    change: str
    label: Label | None = None
    probability: float | None = Field(default=None, ge=0.0, le=1.0)


class Stability(Value):
    """How the verdict stood small changes that leave the truth as it is.

    Attributes:
        raw: The verdict on the file itself. The report's own differs from it only where `overturned` says why.
        copies: The changed copies.
        overturned: Why the raw verdict does not hold, or None.
    """

    raw: Verdict
    copies: tuple[ChangedCopy, ...]
    overturned: str | None = None


class Moment(Value):
    """One look at one face of a video.

    Attributes:
        time_s: Of the frame, from the start of the video.
        box_px: Around what the detector saw, in the upright frame.
        probability: Of fake, of this moment alone; None where the face was not fit to be judged.
    """

    time_s: float
    box_px: Box
    probability: float | None = Field(default=None, ge=0.0, le=1.0)


class Curve(Value):
    """Numbers over seconds, as a page draws them; None where nothing could be measured.

    Attributes:
        detector: Who measured.
        name: What: "opening of the mouth".
        unit: Of the values; empty for a plain number.
        track: The person it is about; None for the sound.
        times_s: From the start of the video.
        values: As many.
    """

    detector: str
    name: str
    unit: str = ""
    track: int | None = None
    times_s: tuple[float, ...]
    values: tuple[float | None, ...]


class Track(Value):
    """One person of a video, wherever in it they were seen.

    Attributes:
        number: From 1, in the order of their say in the verdict.
        start_s: The first frame that shows them.
        end_s: The last.
        verdict: On them alone; its region holds the seconds that look most like a fake.
        moments: What was looked at, in order of time.
    """

    number: int = Field(ge=1)
    start_s: float
    end_s: float
    verdict: Verdict
    moments: tuple[Moment, ...]


class Video(Value):
    """What a report says of a video besides its verdict.

    Attributes:
        duration_s: From the first frame to the end of the last.
        frames: How many the file holds; None where that was not counted.
        looked_at_s: Times of the frames that were looked at, spread over the whole video.
        looked_closer_s: Times of those that were added around the highest scores.
        has_sound: Whether there is a sound track.
        tracks: The persons in it, the most suspicious first.
        curves: What other detectors measured over time, where evidence was asked for.
        notes: What the reader must know of how it was read: that the file breaks off, for one.
    """

    duration_s: float
    frames: int | None = None
    looked_at_s: tuple[float, ...]
    looked_closer_s: tuple[float, ...] = ()
    has_sound: bool = False
    tracks: tuple[Track, ...] = ()
    curves: tuple[Curve, ...] = ()
    notes: tuple[str, ...] = ()


class Stretch(Value):
    """One window of speech that was listened to; windows overlap.

    Attributes:
        start_s: From the start of the sound; of a video, from its first picture.
        end_s: Likewise.
        probability: Of fake, of this window alone; None where it was not fit to be judged.
    """

    start_s: float
    end_s: float
    probability: float | None = Field(default=None, ge=0.0, le=1.0)


class Voice(Value):
    """What a report says of a recording, or of the sound of a video, besides its verdict.

    Attributes:
        duration_s: Of the sound.
        codec: How it was coded, as FFmpeg calls it.
        rate_hz: Samples a second in the file.
        channels: As many.
        speech_s: How long somebody speaks in it.
        verdict: On the sound alone; its region holds the seconds that look most like a fake.
        stretches: What was listened to, in the order of time.
        curves: What other detectors measured over time, where evidence was asked for.
        notes: What the reader must know of how it was read: that the file breaks off, for one.
    """

    duration_s: float
    codec: str
    rate_hz: int
    channels: int
    speech_s: float
    verdict: Verdict
    stretches: tuple[Stretch, ...] = ()
    curves: tuple[Curve, ...] = ()
    notes: tuple[str, ...] = ()


class Source(Value):
    """The file that was judged. `sha256` and `bytes` are None when it could not be read."""

    path: str
    sha256: str | None = None
    bytes: int | None = None
    format: str | None = None
    width_px: int | None = None
    height_px: int | None = None


class ModelUsed(Value):
    """What a reader needs to repeat or dispute a score: the model, and the rule that turned it into a label."""

    name: str
    version: str
    sha256: str
    calibration_set: str
    fake_above: float
    real_below: float


class Report(Value):
    """Everything found out about one file. `to_dict` is the one wire form.

    `status` and `verdict` never contradict: there is a verdict exactly when the status is ok. `stability` is there
    where changed copies were judged too; then `stability.raw` is the verdict without them. `video` is there where the
    file is one that was judged; then `faces` counts its persons. `voice` is there where a recording, or the sound of a
    video, was listened to; where nobody speaks in a video, it says so and has no probability. `provenance` is there
    where the file could be read: what it says about itself. Where it declares that a model made it, `verdict.declared`
    holds the declaration, and `provenance.raw` what the verdict would be without it. `skipped` says what was not done
    with the file, and why, where triage was asked for and made it unnecessary.
    """

    report_version: int = REPORT_VERSION
    source: Source
    status: Status
    message: str | None = None
    verdict: Verdict | None = None
    stability: Stability | None = None
    video: Video | None = None
    voice: Voice | None = None
    provenance: Provenance | None = None
    skipped: Skipped | None = None
    faces: int | None = None
    scores: Mapping[str, Score] = Field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    models: tuple[ModelUsed, ...] = ()
    versions: Mapping[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _status_and_verdict_agree(self) -> Self:
        if (self.status is Status.OK) != (self.verdict is not None):
            raise ValueError("a report has a verdict exactly when its status is ok")
        if (self.status is Status.OK) == (self.message is not None):
            raise ValueError("a report has a message exactly when its status is not ok")
        return self

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready values, in the form that `unmask schema` describes."""
        return self.model_dump(mode="json")

"""What the API takes and gives, as frozen records; its description is made of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field, StringConstraints

from unmask.types import Label, Report, Status, Value

Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{24}$")]
Kind = Literal["photo", "video", "voice", "none"]
"""What a file was judged as; "none" where it could not be judged."""


def _is_time(value: object) -> object:
    if isinstance(value, str) and not _TIME.match(value):
        raise ValueError("must be a time such as 2026-01-31T12:00:00Z")
    return value


_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")
Time = Annotated[AwareDatetime, BeforeValidator(_is_time)]
"""A time with its zone, as RFC 3339 writes it; bare numbers are none."""


def moment(seconds: float) -> datetime:
    """A time of the store as the API tells it."""
    return datetime.fromtimestamp(round(seconds, 3), UTC)


class JobState(StrEnum):
    """How far a job is. A file of a job is waiting, done or cancelled."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class Summary(Value):
    """One line of the list of reports.

    Attributes:
        id: Of the report.
        name: Of the file, as it was uploaded.
        sha256: Of the file.
        bytes: Of the file.
        kind: What it was judged as.
        status: Whether it could be judged.
        label: What the verdict says.
        probability: Of fake.
        created: When it was judged.
        kept: Whether the file is still there.
    """

    id: Id
    name: str
    sha256: str
    bytes: int
    kind: Kind
    status: Status
    label: Label | None
    probability: float | None
    created: datetime
    kept: bool


class Scanned(Summary):
    """A report with what the store knows of it.

    Attributes:
        stored: Whether it was made earlier, of the same file by the same models.
        report: What was found out.
    """

    stored: bool
    report: Report


class Listing(Value):
    """A page of the list of reports, newest first; `next` is the cursor of the following one."""

    reports: tuple[Summary, ...]
    next: str | None


class JobFile(Value):
    """One file of a job."""

    name: str
    sha256: str
    bytes: int
    state: Literal["waiting", "done", "cancelled"]
    report: Id | None


class Job(Value):
    """A job and its files.

    Attributes:
        id: Of the job.
        state: How far it is.
        stage: What is being done, in words.
        percent: Of the whole job.
        message: Why it failed.
        attempts: How often it was begun; more than once where a worker was lost.
        created: When it was posted.
        started: When it was begun last.
        finished: When it ended.
        files: In the order in which they were posted.
    """

    id: Id
    state: JobState
    stage: str
    percent: int = Field(ge=0, le=100)
    message: str | None
    attempts: int
    created: datetime
    started: datetime | None
    finished: datetime | None
    files: tuple[JobFile, ...]


class Jobs(Value):
    """The newest jobs."""

    jobs: tuple[Job, ...]


class FeedbackIn(Value):
    """What a person says of a verdict.

    Attributes:
        says: Whether the verdict was right.
        true_label: What the file is, where that is known.
        note: How that is known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    says: Literal["right", "wrong", "unsure"]
    true_label: Literal["real", "fake"] | None = None
    note: str | None = Field(default=None, max_length=4000)


class Feedback(FeedbackIn):
    """The same as it is kept."""

    id: Id
    created: datetime


class Feedbacks(Value):
    """All that was said of one report, oldest first."""

    feedback: tuple[Feedback, ...]


class Model(Value):
    """A detector in use, or the rule by which several decide together; `card` is the whole model card."""

    name: str
    version: str
    sha256: str
    summary: str
    licence: str | None
    modality: Literal["image", "video", "audio"] | None
    calibration_set: str
    fake_above: float
    real_below: float
    card: dict[str, object] | None


class Models(Value):
    """All detectors in use. `fingerprint` changes with any of them, or with the version of unmask."""

    fingerprint: str
    models: tuple[Model, ...]


class Health(Value):
    """Whether the server lives, or is ready; `waits_for` says what is missing."""

    status: Literal["ok", "starting"]
    waits_for: tuple[str, ...] = ()

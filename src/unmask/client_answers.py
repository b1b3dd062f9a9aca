"""What a server answers, as the client gives it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from unmask.types import Report

_ENDED: Final = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class Scanned:
    """A report, and what the server knows of it.

    Attributes:
        id: Names it on the server.
        stored: Whether it was made earlier, of the same file by the same models.
        kept: Whether the server still has the file.
        created: When it was judged.
        report: What was found out.
    """

    id: str
    stored: bool
    kept: bool
    created: datetime
    report: Report


@dataclass(frozen=True)
class JobFile:
    """One file of a job; `report` names its report once there is one."""

    name: str
    sha256: str
    state: str
    report: str | None


@dataclass(frozen=True)
class Job:
    """A job.

    Attributes:
        id: Names it on the server.
        state: "queued", "running", "done", "failed" or "cancelled".
        stage: What is being done, in words.
        percent: Of the whole job.
        message: Why it failed.
        files: In the order in which they were sent.
    """

    id: str
    state: str
    stage: str
    percent: int
    message: str | None
    files: tuple[JobFile, ...]

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in _ENDED


def scanned(found: dict[str, Any]) -> Scanned:
    """From the JSON of a report."""
    return Scanned(
        id=found["id"],
        stored=found["stored"],
        kept=found["kept"],
        created=datetime.fromisoformat(found["created"]),
        report=Report.model_validate(found["report"]),
    )


def job_of(found: dict[str, Any]) -> Job:
    """From the JSON of a job."""
    files = (JobFile(file["name"], file["sha256"], file["state"], file["report"]) for file in found["files"])
    return Job(found["id"], found["state"], found["stage"], found["percent"], found["message"], tuple(files))

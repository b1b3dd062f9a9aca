"""Jobs as they are kept: who holds one, until when, and what came of each of its files.

A worker claims a job for some seconds and renews that while it works. One that is killed stops renewing, and another
claims the job anew. Who has lost a job can store nothing more for it: every step checks who holds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from unmask.server import tables
from unmask.server.problems import Refusal
from unmask.server.report_store import Asked, new_id
from unmask.server.uploads import Upload
from unmask.server.wire import ENDED, Job, JobFile, JobState, moment

_J, _F = tables.jobs.c, tables.job_files.c


@dataclass(frozen=True)
class Claim:
    """A job in a worker's hands.

    Attributes:
        id: Of the job.
        owner: Whose it is.
        holder: Who holds it; no two claims have the same.
        asked: What its reports shall hold.
        files: Those still to be judged, by position.
        total: How many it has in all.
    """

    id: str
    owner: str
    holder: str
    asked: Asked
    files: dict[int, Upload]
    total: int


def add(connection: Connection, owner: str, uploads: Sequence[Upload], asked: Asked, now_s: float) -> str:
    """Store a job that nobody has begun."""
    job_id = new_id()
    row = {"id": job_id, "owner": owner, "state": JobState.QUEUED, "asked": str(asked), "created_s": now_s}
    connection.execute(insert(tables.jobs).values(**row, stage="waiting"))
    files = [
        {
            "job_id": job_id,
            "position": position,
            "name": upload.name,
            "media": upload.media,
            "sha256": upload.sha256,
            "bytes": upload.bytes,
            "state": "waiting",
        }
        for position, upload in enumerate(uploads)
    ]
    connection.execute(insert(tables.job_files), files)
    return job_id


def claim(
    connection: Connection, job_id: str, holder: str, now_s: float, lease_s: float, attempts: int
) -> Claim | None:
    """Take a job that nobody holds; None where there is nothing to take.

    One that was begun too often ends here as failed: it is what kills its workers.
    """
    free = (_J.state == JobState.QUEUED) | ((_J.state == JobState.RUNNING) & (_J.lease_s < now_s))
    row = connection.execute(select(tables.jobs).where(_J.id == job_id, free).with_for_update()).first()
    if row is None:
        return None
    if row.cancel:
        _end(connection, job_id, JobState.CANCELLED, now_s)
        return None
    if row.attempts >= attempts:
        message = f"it was begun {row.attempts} times, and each time its worker was lost"
        _end(connection, job_id, JobState.FAILED, now_s, message)
        return None
    connection.execute(
        update(tables.jobs)
        .where(_J.id == job_id)
        .values(
            state=JobState.RUNNING,
            stage="starting",
            worker=holder,
            started_s=now_s,
            lease_s=now_s + lease_s,
            attempts=row.attempts + 1,
        )
    )
    files = connection.execute(select(tables.job_files).where(_F.job_id == job_id).order_by(_F.position)).all()
    waiting = {
        file.position: Upload(file.name, file.media or "", file.sha256, file.bytes)
        for file in files
        if file.state == "waiting"
    }
    return Claim(job_id, row.owner, holder, Asked(row.asked == "evidence"), waiting, len(files))


def renew(connection: Connection, held: Claim, now_s: float, lease_s: float, stage: str, percent: int) -> bool | None:
    """Hold on to a job, and say how far it is; whether it shall be cancelled, or None where it has been lost."""
    mine = (_J.id == held.id) & (_J.worker == held.holder) & (_J.state == JobState.RUNNING)
    told = {"lease_s": now_s + lease_s, "stage": stage[:100], "percent": percent}
    if connection.execute(update(tables.jobs).where(mine).values(told)).rowcount != 1:
        return None
    return bool(connection.execute(select(_J.cancel).where(_J.id == held.id)).scalar_one())


def still_holds(connection: Connection, held: Claim) -> bool:
    """Whether a worker may store anything for a job; if so, nobody takes it away before the transaction ends."""
    mine = (_J.id == held.id) & (_J.worker == held.holder) & (_J.state == JobState.RUNNING)
    return connection.execute(select(_J.id).where(mine).with_for_update()).first() is not None


def file_done(connection: Connection, held: Claim, position: int, report_id: str, media: str | None) -> None:
    """One file of a job has its report."""
    place = (_F.job_id == held.id) & (_F.position == position)
    done = {"state": "done", "report_id": report_id, "media": media}
    connection.execute(update(tables.job_files).where(place).values(done))


def finish(connection: Connection, held: Claim, state: JobState, now_s: float, message: str | None = None) -> bool:
    """End a job that is held; whether it was."""
    if not still_holds(connection, held):
        return False
    _end(connection, held.id, state, now_s, message)
    return True


def release(connection: Connection, held: Claim) -> None:
    """Give a job back unharmed, as when a worker is stopped in good order."""
    mine = (_J.id == held.id) & (_J.worker == held.holder) & (_J.state == JobState.RUNNING)
    back = {"state": JobState.QUEUED, "worker": None, "lease_s": None, "attempts": _J.attempts - 1, "stage": "waiting"}
    connection.execute(update(tables.jobs).where(mine).values(back))


def cancel(connection: Connection, job_id: str, sees: str | None, now_s: float) -> None:
    """Ask for a job to be ended; one that nobody has begun ends at once.

    Raises:
        Refusal: There is none, or it has ended.
    """
    row = connection.execute(select(tables.jobs).where(_J.id == job_id).with_for_update()).first()
    if row is None or sees not in (None, row.owner):
        raise Refusal("not-found", "there is no job of this id")
    if row.state in ENDED:
        raise Refusal("finished", f"the job is {row.state}")
    connection.execute(update(tables.jobs).where(_J.id == job_id).values(cancel=True))
    if row.state == JobState.QUEUED:
        _end(connection, job_id, JobState.CANCELLED, now_s)


def claimable(connection: Connection, now_s: float, most: int = 100) -> list[str]:
    """Jobs that nobody holds, the oldest first."""
    free = (_J.state == JobState.QUEUED) | ((_J.state == JobState.RUNNING) & (_J.lease_s < now_s))
    return list(connection.execute(select(_J.id).where(free).order_by(_J.created_s).limit(most)).scalars())


def get(connection: Connection, job_id: str, sees: str | None) -> Job:
    """One job with its files.

    Raises:
        Refusal: There is none, or it is somebody else's.
    """
    row = connection.execute(select(tables.jobs).where(_J.id == job_id)).first()
    if row is None or sees not in (None, row.owner):
        raise Refusal("not-found", "there is no job of this id")
    files = connection.execute(select(tables.job_files).where(_F.job_id == job_id).order_by(_F.position))
    return _job(row, files.all())


def newest(connection: Connection, sees: str | None, most: int) -> list[Job]:
    """The newest jobs."""
    query = select(tables.jobs).order_by(_J.created_s.desc(), _J.id).limit(most)
    rows = connection.execute(query if sees is None else query.where(_J.owner == sees)).all()
    wanted = select(tables.job_files).where(_F.job_id.in_([row.id for row in rows])).order_by(_F.position)
    files: dict[str, list[Row[Any]]] = {row.id: [] for row in rows}
    for file in connection.execute(wanted):
        files[file.job_id].append(file)
    return [_job(row, files[row.id]) for row in rows]


def media_of_ended(connection: Connection, most: int = 500) -> list[str]:
    """Files of jobs that ended before they were judged; forgotten here, so that the caller removes them."""
    ended = select(_F.media).join(tables.jobs, _J.id == _F.job_id)
    ended = ended.where(_F.media.is_not(None), _F.state != "done", _J.state.in_(ENDED)).limit(most)
    names = list(connection.execute(ended).scalars())
    connection.execute(update(tables.job_files).where(_F.media.in_(names)).values(media=None))
    return [name for name in names if name]


def _end(connection: Connection, job_id: str, state: JobState, now_s: float, message: str | None = None) -> None:
    said = {"state": state, "stage": state.value, "finished_s": now_s, "message": message, "worker": None}
    whole = {"percent": 100} if state is JobState.DONE else {}
    connection.execute(update(tables.jobs).where(_J.id == job_id).values(**said, **whole))
    left = (_F.job_id == job_id) & (_F.state == "waiting")
    connection.execute(update(tables.job_files).where(left).values(state="cancelled"))


def _job(row: Row[Any], files: Sequence[Row[Any]]) -> Job:
    return Job(
        id=row.id,
        state=row.state,
        stage=row.stage,
        percent=row.percent,
        message=row.message,
        attempts=row.attempts,
        created=moment(row.created_s),
        started=moment(row.started_s) if row.started_s else None,
        finished=moment(row.finished_s) if row.finished_s else None,
        files=tuple(
            JobFile(name=file.name, sha256=file.sha256, bytes=file.bytes, state=file.state, report=file.report_id)
            for file in files
        ),
    )

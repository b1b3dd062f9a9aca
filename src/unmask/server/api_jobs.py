"""Routes of jobs: how far one is, its events, and its end before time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Security
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from unmask.server import audit_log, job_store, keys
from unmask.server.auth import Caller, allowed, bearer
from unmask.server.problems import Refusal, documented
from unmask.server.service import Service, service_of
from unmask.server.wire import ENDED, Id, Job, Jobs

router = APIRouter(tags=["jobs"], dependencies=[Security(bearer)])

MayScan = Annotated[Caller, Depends(allowed("scan"))]
JobId = Annotated[Id, Path(description="As `POST /v1/jobs` gave it.")]

_LOOK_S: Final = 0.3
_SIGN_OF_LIFE_S: Final = 15.0
_EVENTS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "Events `progress` and `end`, each with the job.", "content": {"text/event-stream": {}}}
}


@router.get("/v1/jobs", response_model=Jobs, responses=documented(), summary="The newest jobs")
def newest(request: Request, caller: MayScan, limit: Annotated[int, Query(ge=1, le=100)] = 20) -> Jobs:
    """Newest first."""
    with service_of(request).database.reading() as connection:
        return Jobs(jobs=tuple(job_store.newest(connection, caller.sees, limit)))


@router.get("/v1/jobs/{job_id}", response_model=Job, responses=documented(404), summary="How far a job is")
def get(request: Request, caller: MayScan, job_id: JobId) -> Job:
    """Its files name their reports as soon as there are some."""
    with service_of(request).database.reading() as connection:
        return job_store.get(connection, job_id, caller.sees)


@router.post(
    "/v1/jobs/{job_id}/cancel",
    status_code=202,
    response_model=Job,
    responses=documented(404, 409),
    summary="End a job before time",
)
def cancel(request: Request, caller: MayScan, job_id: JobId) -> Job:
    """What was judged until then stays. A worker stops within a second or two; until then the job is running."""
    database = service_of(request).database
    with database.writing() as connection:
        job_store.cancel(connection, job_id, caller.sees, database.clock())
        audit_log.write(connection, database.clock(), caller, "cancel", subject=job_id)
        return job_store.get(connection, job_id, caller.sees)


@router.get(
    "/v1/jobs/{job_id}/events",
    response_class=StreamingResponse,
    responses=documented(404) | _EVENTS,
    summary="Follow a job",
)
async def events(request: Request, caller: MayScan, job_id: JobId) -> StreamingResponse:
    """Server-sent events, each time something changes, until the job has ended or the key is revoked."""
    service = service_of(request)
    if service.streams >= service.settings.streams:
        raise Refusal("busy", f"{service.streams} event streams are open", "Ask for the job itself.", retry_s=5)
    first = await run_in_threadpool(_look, service, job_id, caller)
    return StreamingResponse(_stream(service, job_id, caller, first), media_type="text/event-stream")


async def _stream(service: Service, job_id: str, caller: Caller, job: Job) -> AsyncIterator[str]:
    service.streams += 1
    try:
        said_s = time.monotonic()
        yield _event(job)
        while job.state not in ENDED:
            await asyncio.sleep(_LOOK_S)
            try:
                now = await run_in_threadpool(_look, service, job_id, caller)
            except Refusal:  # the key was revoked meanwhile
                return
            if now != job:
                job, said_s = now, time.monotonic()
                yield _event(job)
            elif time.monotonic() - said_s > _SIGN_OF_LIFE_S:
                said_s = time.monotonic()
                yield ": still there\n\n"
    finally:
        service.streams -= 1


def _look(service: Service, job_id: str, caller: Caller) -> Job:
    with service.database.reading() as connection:
        if caller.key is not None and not keys.is_valid(connection, caller.key.id):
            raise Refusal("bad-key", "the key was revoked")
        return job_store.get(connection, job_id, caller.sees)


def _event(job: Job) -> str:
    return f"event: {'end' if job.state in ENDED else 'progress'}\ndata: {job.model_dump_json()}\n\n"

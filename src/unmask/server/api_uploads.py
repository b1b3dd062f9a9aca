"""Routes that take files: `POST /v1/scan` and `POST /v1/jobs`."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Request, Response, Security
from starlette.concurrency import run_in_threadpool

from unmask.server import audit_log, job_store, posts, quotas
from unmask.server.auth import Caller, allowed, bearer
from unmask.server.problems import Refusal, documented
from unmask.server.report_store import Asked
from unmask.server.scanning import scan as scan_file
from unmask.server.service import Service, service_of
from unmask.server.uploads import Form
from unmask.server.wire import Job, Scanned

router = APIRouter(tags=["scan"], dependencies=[Security(bearer)])

MayScan = Annotated[Caller, Depends(allowed("scan"))]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="Any text of your own; the same request with the same key is done once, and answered the same.",
    ),
]

_EVIDENCE: Final = {"type": "boolean", "description": "Ask every detector, and give heat maps."}
_KEEP: Final = {"type": "boolean", "description": "Keep the file, so that the page can show it."}


def _form(file: dict[str, Any], evidence: bool, keep: bool | None) -> dict[str, Any]:
    """How the body is described. It is read as it comes, which the framework's own forms cannot do."""
    properties = {"file": file, "evidence": _EVIDENCE | {"default": evidence}}
    if keep is not None:
        properties["keep"] = _KEEP | {"default": keep}
    schema = {"type": "object", "required": ["file"], "properties": properties}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


_FILE: Final = {"type": "string", "format": "binary", "description": "A photo, a video or a recording."}


@router.post(
    "/v1/scan",
    response_model=Scanned,
    responses=documented(408, 409, 413, 415, 507),
    openapi_extra=_form(_FILE, evidence=False, keep=False),
    summary="Judge one small file at once",
)
async def scan(request: Request, caller: MayScan, idempotency_key: IdempotencyKey = None) -> Response:
    """A file that cannot be judged gets a report, too: its `status` and `message` say why."""
    service = service_of(request)
    async with service.intake.form(request, service.settings.scan_bytes, most_files=1) as form:
        evidence, keep = _flag(form, "evidence", False), _flag(form, "keep", False)
        found = await scan_file(service, caller, form, Asked(evidence), keep=keep, idempotency_key=idempotency_key)
    return Response(found, media_type="application/json")


@router.post(
    "/v1/jobs",
    status_code=202,
    response_model=Job,
    responses=documented(404, 408, 409, 413, 415, 507),
    openapi_extra=_form({"type": "array", "items": _FILE, "minItems": 1}, evidence=True, keep=None),
    summary="Have large or many files judged",
)
async def post_job(
    request: Request, response: Response, caller: MayScan, idempotency_key: IdempotencyKey = None
) -> Job:
    """Files are kept until they are deleted or old enough. Follow the job by its id, or by its events."""
    service = service_of(request)
    settings = service.settings
    async with service.intake.form(request, settings.job_bytes, settings.job_files) as form:
        job = await begin_job(service, caller, form, Asked(_flag(form, "evidence", True)), idempotency_key)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return job


async def begin_job(
    service: Service, caller: Caller, form: Form, asked: Asked, idempotency_key: str | None = None
) -> Job:
    """Store a job of the files of a form, which belong to it from then on, and wake a worker."""
    job, new = await run_in_threadpool(_add, service, caller, form, asked, idempotency_key)
    if new:
        form.files.clear()
        await run_in_threadpool(service.wake_worker, job.id)
    return job


def _add(service: Service, caller: Caller, form: Form, asked: Asked, idempotency_key: str | None) -> tuple[Job, bool]:
    mark = posts.fingerprint("job", [(one.sha256, one.name) for one in form.files], str(asked))
    with service.database.writing() as connection:
        now_s = service.database.clock()
        if made := posts.begin(connection, caller.owner, idempotency_key, mark, now_s):
            return job_store.get(connection, made, caller.owner), False
        quotas.spend(connection, caller.key, len(form.files), sum(one.bytes for one in form.files), now_s)
        job_id = job_store.add(connection, caller.owner, form.files, asked, now_s)
        for upload in form.files:
            audit_log.write(connection, now_s, caller, "job", sha256=upload.sha256, subject=job_id)
        posts.end(connection, caller.owner, idempotency_key, job_id)
        return job_store.get(connection, job_id, caller.owner), True


def _flag(form: Form, name: str, default: bool) -> bool:
    text = form.fields.get(name)
    if text in (None, "true", "false"):
        return default if text is None else text == "true"
    raise Refusal(
        "not-valid", "some fields of the form are not what they should be", errors=(f"{name}: true or false",)
    )

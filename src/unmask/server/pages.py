"""The page: drop a file, see what came of it. Written here, on the server; scripts only make it smoother.

Everything works without a script: a form uploads, a page that reloads itself shows how far the job is, and the report
is a page. No address but our own is named, and nothing runs or is styled inside the markup.
"""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from unmask import answers
from unmask.server import api_reports, audit_log, job_store, keys, report_store, report_view
from unmask.server.api_uploads import begin_job
from unmask.server.auth import COOKIE, Caller, allowed
from unmask.server.opened import drawn
from unmask.server.problems import Refusal
from unmask.server.rendering import render
from unmask.server.report_store import Asked, Wanted
from unmask.server.service import Service, service_of
from unmask.server.wire import ENDED, FeedbackIn, Id
from unmask.types import Label

router = APIRouter(include_in_schema=False)

MayScan = Annotated[Caller, Depends(allowed("scan"))]
MayRead = Annotated[Caller, Depends(allowed("read"))]
MayDelete = Annotated[Caller, Depends(allowed("delete"))]
MaySay = Annotated[Caller, Depends(allowed("feedback"))]

_HISTORY: Final = 24
_FORM_BYTES: Final = 20_000


@router.get("/")
def home(
    request: Request,
    caller: MayRead,
    label: Label | None = None,
    after: Annotated[str | None, Query(pattern=report_store.CURSOR)] = None,
) -> Response:
    """Where files are dropped, and what was judged before."""
    service = service_of(request)
    with service.database.reading() as connection:
        rows, following = report_store.listed(connection, caller.sees, Wanted(label=label), after, _HISTORY)
        jobs = [] if after else job_store.newest(connection, caller.sees, 5)
    asked = {"label": label.value} if label else {}
    return render(
        "home.html.j2",
        caller=caller,
        history=[report_store.summary(row) for row in rows],
        older=urlencode({**asked, "after": following}) if following else None,
        first=after is None,
        label=label,
        jobs=[job for job in jobs if job.state not in ENDED],
        settings=service.settings,
        words=answers.short,
    )


@router.post("/upload")
async def upload(request: Request, caller: MayScan) -> Response:
    """What the form does without a script."""
    service = service_of(request)
    async with service.intake.form(request, service.settings.job_bytes, service.settings.job_files) as form:
        job = await begin_job(service, caller, form, Asked(evidence=True))
    return RedirectResponse(f"/jobs/{job.id}", 303)


@router.get("/jobs/{job_id}")
def job(request: Request, caller: MayScan, job_id: Id) -> Response:
    """How far a job is; of one with a single file, its report once there is one."""
    with service_of(request).database.reading() as connection:
        found = job_store.get(connection, job_id, caller.sees)
    if found.state in ENDED and len(found.files) == 1 and found.files[0].report:
        return RedirectResponse(f"/reports/{found.files[0].report}", 303)
    return render("job.html.j2", caller=caller, job=found, ended=found.state in ENDED)


@router.post("/jobs/{job_id}/cancel")
def cancel(request: Request, caller: MayScan, job_id: Id) -> Response:
    """What the button does without a script."""
    database = service_of(request).database
    with database.writing() as connection:
        job_store.cancel(connection, job_id, caller.sees, database.clock())
        audit_log.write(connection, database.clock(), caller, "cancel", subject=job_id)
    return RedirectResponse(f"/jobs/{job_id}", 303)


@router.get("/reports/{report_id}")
async def report(request: Request, caller: MayRead, report_id: Id) -> Response:
    """A report with all its evidence."""
    service = service_of(request)
    row, said = await run_in_threadpool(_report, service, caller, report_id)
    await drawn(service, row)
    view = await run_in_threadpool(report_view.of, service.media, row, service.models)
    return render("report.html.j2", caller=caller, view=view, said=said, row=report_store.summary(row))


@router.post("/reports/{report_id}/feedback")
async def feedback(request: Request, caller: MaySay, report_id: Id) -> Response:
    """What the form does."""
    fields = await _fields(request)
    try:
        said = FeedbackIn.model_validate({name: value for name, value in fields.items() if value})
    except ValidationError as error:
        raise Refusal("not-valid", "say whether the verdict was right, wrong, or that you are unsure") from error
    await run_in_threadpool(_say, service_of(request), caller, report_id, said)
    return RedirectResponse(f"/reports/{report_id}#said", 303)


@router.post("/reports/{report_id}/delete")
def delete(request: Request, caller: MayDelete, report_id: Id) -> Response:
    """What the button does."""
    api_reports.remove(request, caller, report_id)
    return RedirectResponse("/", 303)


@router.get("/models")
def models(request: Request, caller: MayRead) -> Response:
    """The detectors in use, with their cards."""
    return render("models.html.j2", caller=caller, models=service_of(request).models)


@router.get("/api")
def api(request: Request) -> Response:
    """The description of the API, as a page of our own."""
    return render("api.html.j2", caller=None, api=request.app.openapi())


@router.get("/sign-in")
def sign_in(request: Request) -> Response:
    """Where people give their key."""
    return render("sign_in.html.j2", caller=None, wrong=False)


@router.post("/sign-in")
async def signed_in(request: Request) -> Response:
    """Open a session; the key itself stays out of the browser."""
    service, fields = service_of(request), await _fields(request)
    token = await run_in_threadpool(_session, service, fields.get("key", "").strip())
    if token is None:
        return render("sign_in.html.j2", 401, caller=None, wrong=True)
    answer = RedirectResponse("/", 303)
    answer.set_cookie(
        COOKIE,
        token,
        max_age=int(keys.SESSION_S),
        httponly=True,
        samesite="strict",
        secure="https" in (request.url.scheme, request.headers.get("x-forwarded-proto")),
    )
    return answer


@router.post("/sign-out")
def sign_out(request: Request) -> Response:
    """End the session."""
    if token := request.cookies.get(COOKIE):
        with service_of(request).database.writing() as connection:
            keys.close_session(connection, token)
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(COOKIE)
    return answer


def of_problem(request: Request, refusal: Refusal) -> Response | None:
    """A refusal as a page, where a person asks for one."""
    if request.url.path.startswith("/v1/") or "text/html" not in request.headers.get("accept", ""):
        return None
    if refusal.problem.status == 401 and request.method == "GET":
        return RedirectResponse("/sign-in", 303)
    answer = render("problem.html.j2", refusal.problem.status, caller=None, problem=refusal.problem)
    answer.headers.update(refusal.headers)
    return answer


async def _fields(request: Request) -> dict[str, str]:
    """Fields of a small form."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _FORM_BYTES:
            raise Refusal("too-large", "the form is too long", "Write a shorter note.")
    try:
        return {name: values[-1] for name, values in parse_qs(body.decode("ascii"), max_num_fields=20).items()}
    except ValueError as error:
        raise Refusal("bad-body", "the form cannot be read") from error


def _report(service: Service, caller: Caller, report_id: str) -> tuple[Any, list[Any]]:
    with service.database.reading() as connection:
        row = report_store.get(connection, report_id, caller.sees)
        return row, api_reports.feedback_on(connection, report_id)


def _say(service: Service, caller: Caller, report_id: str, said: FeedbackIn) -> None:
    with service.database.writing() as connection:
        api_reports.add_feedback(connection, caller, report_id, said, service.database.clock())


def _session(service: Service, text: str) -> str | None:
    with service.database.writing() as connection:
        key = keys.check(connection, text)
        return keys.open_session(connection, key, service.database.clock()) if key else None

"""Routes of reports: reading, listing, deleting, and what people say of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response, Security
from fastapi.responses import FileResponse
from sqlalchemy import Connection, insert, select

from unmask.server import audit_log, report_store, tables
from unmask.server.auth import Caller, allowed, bearer
from unmask.server.opened import media_response, page_of, picture_of
from unmask.server.problems import Refusal, documented
from unmask.server.report_store import Wanted
from unmask.server.scanning import scanned
from unmask.server.service import service_of
from unmask.server.wire import Feedback, FeedbackIn, Feedbacks, Id, Kind, Listing, Scanned, Time, moment
from unmask.types import Label, Status

router = APIRouter(tags=["reports"], dependencies=[Security(bearer)])

MayRead = Annotated[Caller, Depends(allowed("read"))]
MayDelete = Annotated[Caller, Depends(allowed("delete"))]
MaySay = Annotated[Caller, Depends(allowed("feedback"))]
ReportId = Annotated[Id, Path(description="As a scan, a job or the list gave it.")]

_HTML: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"text/html": {}}}}
_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The file.", "content": {"application/octet-stream": {}, "image/*": {}, "video/*": {}}},
    206: {"description": "The part of it that was asked for."},
    416: {"description": "It has no such part."},
}
_PICTURE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The picture.", "content": {"image/jpeg": {}, "image/png": {}, "application/json": {}}}
}


@router.get("/v1/reports", response_model=Listing, responses=documented(), summary="List reports")
def listed(
    request: Request,
    caller: MayRead,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str | None, Query(pattern=report_store.CURSOR, description="`next` of the page before.")] = None,
    label: Label | None = None,
    kind: Kind | None = None,
    status: Status | None = None,
    sha256: Annotated[str | None, Query(pattern="^[0-9a-f]{64}$")] = None,
    name: Annotated[str | None, Query(max_length=200, description="A part of the file's name.")] = None,
    since: Annotated[Time | None, Query(description="Judged at this time or later.")] = None,
    until: Annotated[Time | None, Query(description="Judged before this time.")] = None,
) -> Listing:
    """Newest first, without what they hold."""
    wanted = Wanted(label, kind, status, sha256, name and name.replace("\0", ""), _seconds(since), _seconds(until))
    with service_of(request).database.reading() as connection:
        rows, following = report_store.listed(connection, caller.sees, wanted, after, limit)
    return Listing(reports=tuple(report_store.summary(row) for row in rows), next=following)


@router.get(
    "/v1/reports/{report_id}",
    response_model=Scanned,
    responses=documented(404) | _HTML,
    summary="One report, as JSON or as a page",
)
async def get(
    request: Request, caller: MayRead, report_id: ReportId, form: Literal["json", "html"] = "json"
) -> Response:
    """The page is one file with all pictures, to keep and to send; it is what `unmask scan --html` writes."""
    if form == "html":
        return await page_of(service_of(request), caller, report_id)
    with service_of(request).database.reading() as connection:
        row = report_store.get(connection, report_id, caller.sees)
    return Response(scanned(row, stored=True), media_type="application/json")


@router.delete(
    "/v1/reports/{report_id}", status_code=204, responses=documented(404), summary="Delete a report and its file"
)
def remove(request: Request, caller: MayDelete, report_id: ReportId) -> Response:
    """The file, all pictures made of it, the report and what was said of it. The audit log keeps that it was there."""
    service = service_of(request)
    with service.database.writing() as connection:
        row = report_store.remove(connection, report_id, caller.sees)
        now_s = service.database.clock()
        audit_log.write(connection, now_s, caller, "delete", sha256=row.sha256, subject=report_id)
    if row.media:
        service.media.drop(row.media)
    service.media.drop_pictures(report_id)
    return Response(status_code=204)


@router.get(
    "/v1/reports/{report_id}/media",
    response_class=FileResponse,
    responses=documented(404) | _FILE,
    summary="The file that was judged",
)
def media(request: Request, caller: MayRead, report_id: ReportId) -> Response:
    """As it was uploaded; players may ask for parts."""
    service = service_of(request)
    with service.database.reading() as connection:
        return media_response(service, report_store.get(connection, report_id, caller.sees))


@router.get(
    "/v1/reports/{report_id}/pictures/{name}",
    response_class=FileResponse,
    responses=documented(404) | _PICTURE,
    summary="A picture that was made of it",
)
async def picture(
    request: Request,
    caller: MayRead,
    report_id: ReportId,
    name: Annotated[str, Path(max_length=40, description='"thumbnail.jpg", "picture.jpg", "heat-0.png", ...')],
) -> Response:
    """`notes.json` says which there are and where they lie in each other."""
    return await picture_of(service_of(request), caller, report_id, name)


@router.post(
    "/v1/reports/{report_id}/feedback",
    status_code=201,
    response_model=Feedback,
    responses=documented(404, 413),
    summary="Say whether the verdict was right",
)
def say(request: Request, caller: MaySay, report_id: ReportId, said: FeedbackIn) -> Feedback:
    """Kept with the report; nothing learns from it by itself."""
    database = service_of(request).database
    with database.writing() as connection:
        return add_feedback(connection, caller, report_id, said, database.clock())


@router.get(
    "/v1/reports/{report_id}/feedback",
    response_model=Feedbacks,
    responses=documented(404),
    summary="What was said of a report",
)
def said(request: Request, caller: MayRead, report_id: ReportId) -> Feedbacks:
    """Oldest first."""
    with service_of(request).database.reading() as connection:
        report_store.get(connection, report_id, caller.sees)
        return Feedbacks(feedback=tuple(feedback_on(connection, report_id)))


def add_feedback(connection: Connection, caller: Caller, report_id: str, said: FeedbackIn, now_s: float) -> Feedback:
    """Keep what a person says.

    Raises:
        Refusal: There is no such report.
    """
    row = report_store.get(connection, report_id, caller.sees)
    note = said.note.replace("\0", "") if said.note else None
    kept = Feedback(**said.model_dump(exclude={"note"}), note=note, id=report_store.new_id(), created=moment(now_s))
    values = {"report_id": report_id, "owner": caller.owner, "created_s": now_s}
    connection.execute(insert(tables.feedback).values(**kept.model_dump(exclude={"created"}), **values))
    audit_log.write(connection, now_s, caller, "feedback", sha256=row.sha256, subject=report_id)
    return kept


def feedback_on(connection: Connection, report_id: str) -> list[Feedback]:
    """What people said of a report, oldest first."""
    table = tables.feedback.c
    rows = connection.execute(
        select(tables.feedback).where(table.report_id == report_id).order_by(table.created_s, table.id)
    )
    return [
        Feedback(id=row.id, says=row.says, true_label=row.true_label, note=row.note, created=moment(row.created_s))
        for row in rows
    ]


def _seconds(time: datetime | None) -> float | None:
    if time is None:
        return None
    try:
        return time.timestamp()
    except (OverflowError, ValueError, OSError) as error:
        raise Refusal("not-valid", "a time is out of range", errors=("since, until: out of range",)) from error

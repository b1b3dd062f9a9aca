"""Answers that hold the media or what was drawn of it. Whatever must be decoded is decoded in the process for that."""

from __future__ import annotations

import asyncio
from pathlib import PurePosixPath
from typing import Any, Final

from fastapi import Response
from fastapi.responses import FileResponse
from sqlalchemy import Row
from starlette.concurrency import run_in_threadpool

from unmask.server import report_store
from unmask.server.auth import Caller
from unmask.server.errands import Failed, Gone
from unmask.server.media import NOTES
from unmask.server.problems import Refusal
from unmask.server.service import Service
from unmask.types import Report

_PAGE: Final = "page.html"
_SANDBOX: Final = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Of pages and files that are shown by themselves: no script, no address, and no part in our origin."""

_FORMATS: Final = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "AVIF": "image/avif",
    "mov": "video/mp4",
    "matroska": "video/webm",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
    "aac": "audio/aac",
}
"""What browsers are told of files, by what our own readers found them to be; of others nothing."""

_PICTURES: Final = {".jpg": "image/jpeg", ".png": "image/png", ".json": "application/json"}


def type_of(report: Report) -> str:
    """The media type of a judged file."""
    found = _FORMATS.get(report.source.format or "", "application/octet-stream")
    if report.voice and not report.video and found.startswith("video/"):
        return found.replace("video", "audio")
    return found


def media_response(service: Service, row: Row[Any]) -> FileResponse:
    """The file itself.

    Raises:
        Refusal: It is no longer kept.
    """
    path = service.media.path(row.media) if row.media else None
    if path is None or not path.is_file():
        raise Refusal("gone", "the file was removed")
    kind = type_of(Report.model_validate_json(row.body))
    shown = "inline" if kind != "application/octet-stream" else "attachment"
    headers = {"Content-Security-Policy": _SANDBOX}
    return FileResponse(path, 200, headers, kind, filename=row.name, content_disposition_type=shown)


async def picture_of(service: Service, caller: Caller, report_id: str, name: str) -> FileResponse:
    """A picture that was made of the file; made now if it was not asked for before.

    Raises:
        Refusal: There is none.
    """
    row = await run_in_threadpool(_row, service, caller, report_id)
    if service.media.picture(report_id, NOTES) is None:
        await drawn(service, row)
    path = service.media.picture(report_id, name)
    kind = _PICTURES.get(PurePosixPath(name).suffix)
    if path is None or kind is None:
        raise Refusal("not-found", "the report has no picture of this name", "`notes.json` says which there are.")
    return FileResponse(path, 200, None, kind)


async def drawn(service: Service, row: Row[Any]) -> None:
    """Have the pictures of a file made, if it is still there; one that cannot be drawn has none."""
    path = service.media.path(row.media) if row.media else None
    if path is None or not path.is_file() or service.media.picture(row.id, NOTES):
        return
    try:
        report = Report.model_validate_json(row.body).to_dict()
        pictures = await asyncio.wrap_future(service.judging.draw(report, path))
        await run_in_threadpool(service.media.keep_pictures, row.id, pictures)
    except Failed:
        return
    except Gone as error:
        raise Refusal("no-judge", str(error), retry_s=5) from error


async def page_of(service: Service, caller: Caller, report_id: str) -> Response:
    """The report as one self-contained page."""
    row = await run_in_threadpool(_row, service, caller, report_id)
    headers = {"Content-Security-Policy": _SANDBOX}
    known = service.media.picture(report_id, _PAGE)
    if known:
        return FileResponse(known, 200, headers, "text/html; charset=utf-8")
    path = service.media.path(row.media) if row.media else service.media.path("0" * 32)  # there is no such file
    try:
        text = await asyncio.wrap_future(service.judging.page(Report.model_validate_json(row.body).to_dict(), path))
    except Failed as error:
        raise Refusal("gone", f"its page cannot be drawn: {error}", "Read it as JSON.") from error
    except Gone as error:
        raise Refusal("no-judge", str(error), retry_s=5) from error
    if row.media:
        await run_in_threadpool(service.media.keep_pictures, report_id, {_PAGE: text.encode()})
    return Response(text, 200, headers, "text/html; charset=utf-8")


def _row(service: Service, caller: Caller, report_id: str) -> Row[Any]:
    with service.database.reading() as connection:
        return report_store.get(connection, report_id, caller.sees)

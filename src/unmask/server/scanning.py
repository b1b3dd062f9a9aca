"""One small file, judged while the sender waits; what the same models have judged before comes from the store."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from sqlalchemy import Row
from starlette.concurrency import run_in_threadpool

from unmask.server import audit_log, posts, quotas, report_store
from unmask.server.auth import Caller
from unmask.server.errands import Failed, Gone
from unmask.server.problems import Refusal
from unmask.server.report_store import Asked
from unmask.server.service import Service
from unmask.server.uploads import Form, Upload
from unmask.types import Report


async def scan(
    service: Service, caller: Caller, form: Form, asked: Asked, *, keep: bool, idempotency_key: str | None
) -> str:
    """Judge the one file of a form; the answer is the JSON of a `wire.Scanned`.

    Raises:
        Refusal: A quota is used up, the server is busy, or nothing can be judged now.
    """
    upload = form.files[0]
    mark = posts.fingerprint("scan", upload.sha256, upload.name, str(asked), keep)
    row = await run_in_threadpool(_begin, service, caller, upload, asked, idempotency_key, mark)
    if row is not None:
        report = Report.model_validate_json(row.body)
        found, kept = await run_in_threadpool(
            _store, service, caller, upload, asked, report, idempotency_key, keep=keep, known=row
        )
        service.meters.scanned.labels("stored").inc()
    else:
        try:
            report, once = await _judge(service, upload, asked)
        except BaseException:
            await run_in_threadpool(_forget, service, caller, idempotency_key)
            raise
        found, kept = await run_in_threadpool(
            _store, service, caller, upload, asked, report, idempotency_key, keep=keep, once=once
        )
        service.meters.scanned.labels(str(report.verdict.label) if report.verdict else report.status.value).inc()
    if kept:
        form.files.clear()  # it belongs to the report now
    return scanned(found, stored=row is not None)


def scanned(row: Row[Any], *, stored: bool) -> str:
    """A report as the API gives it: the JSON of a `wire.Scanned`, around that of the report as it was stored."""
    known = report_store.summary(row).model_dump_json()
    return f'{known[:-1]},"stored":{"true" if stored else "false"},"report":{row.body}}}'


def _begin(
    service: Service, caller: Caller, upload: Upload, asked: Asked, idempotency_key: str | None, mark: str
) -> Row[Any] | None:
    """The report that answers at once, if there is one; else the file counts as begun."""
    database, models = service.database, service.models.fingerprint
    if caller.key is None and idempotency_key is None:
        with database.reading() as connection:
            return report_store.same(connection, caller.owner, upload.sha256, models, asked)
    with database.writing() as connection:
        now_s = database.clock()
        if made := posts.begin(connection, caller.owner, idempotency_key, mark, now_s):
            return report_store.get(connection, made, caller.owner)
        quotas.spend(connection, caller.key, 1, upload.bytes, now_s)
        return report_store.same(connection, caller.owner, upload.sha256, models, asked)


async def _judge(service: Service, upload: Upload, asked: Asked) -> tuple[Report, str | None]:
    """A report; of a file that could not be opened, one that stands for this time only."""
    judging = service.judging
    if judging.waiting >= service.settings.waiting:
        raise Refusal("busy", f"{judging.waiting} files are waiting", retry_s=3)
    try:
        judged = judging.judge(service.media.path(upload.media), evidence=asked.evidence)
        found = await asyncio.wrap_future(judged)
        return report_store.named(Report.model_validate(found), upload), None
    except Failed as error:
        return report_store.unjudged(upload, str(error)), secrets.token_hex(8)
    except Gone as error:
        raise Refusal("no-judge", str(error), retry_s=5) from error


def _store(
    service: Service,
    caller: Caller,
    upload: Upload,
    asked: Asked,
    report: Report,
    idempotency_key: str | None,
    *,
    keep: bool,
    once: str | None = None,
    known: Row[Any] | None = None,
) -> tuple[Row[Any], bool]:
    """Store what came of a file, or that it was asked for again; the row, and whether the file belongs to it."""
    with service.database.writing() as connection:
        now_s = service.database.clock()
        if known is None:
            report_id, kept = report_store.add(
                connection,
                caller.owner,
                upload,
                service.models.fingerprint,
                asked,
                report,
                now_s,
                keep=keep,
                once=once,
            )
        else:
            report_id = known.id
            kept = keep and report_store.attach(connection, report_id, upload.media)
        audit_log.write(connection, now_s, caller, "scan", sha256=upload.sha256, subject=report_id)
        posts.end(connection, caller.owner, idempotency_key, report_id)
        return report_store.get(connection, report_id, caller.owner), kept


def _forget(service: Service, caller: Caller, idempotency_key: str | None) -> None:
    if idempotency_key is not None:
        with service.database.writing() as connection:
            posts.end(connection, caller.owner, idempotency_key, None)

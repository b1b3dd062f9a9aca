"""Reports as they are kept: one on a file by the same models, whoever tries to store a second."""

from __future__ import annotations

import math
import secrets
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, or_, select, tuple_, update

from unmask.server import tables
from unmask.server.database import insert_once
from unmask.server.problems import Refusal
from unmask.server.uploads import Upload
from unmask.server.wire import Kind, Summary, moment
from unmask.types import Report, Source, Status

_T = tables.reports.c
CURSOR: Final = r"^[0-9a-f]{40}$"
_LINE = [column for column in tables.reports.c if column.name != "body"]


@dataclass(frozen=True)
class Asked:
    """What a report was asked for, which with the file and the models says what it holds."""

    evidence: bool

    def __str__(self) -> str:
        """As it is kept."""
        return "evidence" if self.evidence else "verdict"


@dataclass(frozen=True)
class Wanted:
    """Which reports a list shall hold; None for any."""

    label: str | None = None
    kind: str | None = None
    status: str | None = None
    sha256: str | None = None
    name: str | None = None
    since_s: float | None = None
    until_s: float | None = None


def new_id() -> str:
    """An id that nobody guesses."""
    return secrets.token_hex(12)


def same(connection: Connection, owner: str, sha256: str, models: str, asked: Asked) -> Row[Any] | None:
    """The report that an owner has on a file, by the same models, asked the same."""
    mine = (_T.owner == owner) & (_T.sha256 == sha256) & (_T.models == models) & (_T.asked == str(asked))
    return connection.execute(select(tables.reports).where(mine)).first()


def add(
    connection: Connection,
    owner: str,
    upload: Upload,
    models: str,
    asked: Asked,
    report: Report,
    now_s: float,
    *,
    keep: bool,
    once: str | None = None,
) -> tuple[str, bool]:
    """Store a report, unless there is one: then it is that one that counts.

    Args:
        connection: In whose transaction.
        owner: Whose.
        upload: The file.
        models: What judged it.
        asked: What for.
        report: What came of it; its path is that of the sender.
        now_s: When.
        keep: Whether the file stays.
        once: Of a report that is no answer for later, as when time was up: what it is unique by instead.

    Returns:
        Its id, and whether the file now belongs to it.
    """
    asked_for = f"{asked}!{once}" if once else str(asked)
    verdict = report.verdict
    row = {
        "id": new_id(),
        "owner": owner,
        "sha256": upload.sha256,
        "models": models,
        "asked": asked_for,
        "name": upload.name,
        "kind": kind_of(report),
        "status": report.status.value,
        "label": verdict.label.value if verdict else None,
        "probability": verdict.probability if verdict else None,
        "bytes": upload.bytes,
        "created_s": now_s,
        "media": upload.media if keep else None,
        "body": report.model_dump_json(),
    }
    if insert_once(connection, tables.reports, row):
        return str(row["id"]), keep
    mine = (_T.owner == owner) & (_T.sha256 == upload.sha256) & (_T.models == models) & (_T.asked == asked_for)
    found = connection.execute(select(_T.id).where(mine)).scalar_one()
    return found, keep and attach(connection, found, upload.media)


def attach(connection: Connection, report_id: str, media: str) -> bool:
    """Keep a file with a report that has none; whether it now belongs to it."""
    bare = (_T.id == report_id) & or_(_T.media.is_(None), _T.media == media)
    return connection.execute(update(tables.reports).where(bare).values(media=media)).rowcount == 1


def get(connection: Connection, report_id: str, sees: str | None) -> Row[Any]:
    """One report.

    Raises:
        Refusal: There is none, or it is somebody else's.
    """
    row = connection.execute(select(tables.reports).where(_T.id == report_id)).first()
    if row is None or sees not in (None, row.owner):
        raise Refusal("not-found", "there is no report of this id")
    return row


def listed(
    connection: Connection, sees: str | None, wanted: Wanted, after: str | None, most: int
) -> tuple[list[Row[Any]], str | None]:
    """Some reports, newest first, without what they hold, and the cursor of those that follow.

    Args:
        connection: To the store.
        sees: Whose; None for everybody's.
        wanted: Which.
        after: A cursor that this gave; it matches `CURSOR`.
        most: How many.
    """
    query = select(*_LINE).order_by(_T.created_s.desc(), _T.id.desc()).limit(most + 1)
    if sees is not None:
        query = query.where(_T.owner == sees)
    for name in ("label", "kind", "status", "sha256"):
        if (value := getattr(wanted, name)) is not None:
            query = query.where(_T[name] == value)
    if wanted.name:
        query = query.where(_T.name.icontains(wanted.name, autoescape=True))
    if wanted.since_s is not None:
        query = query.where(_T.created_s >= wanted.since_s)
    if wanted.until_s is not None:
        query = query.where(_T.created_s < wanted.until_s)
    if after is not None:
        query = query.where(tuple_(_T.created_s, _T.id) < _place(after))
    rows = connection.execute(query).all()
    return list(rows[:most]), _cursor(rows[most - 1]) if len(rows) > most else None


def remove(connection: Connection, report_id: str, sees: str | None) -> Row[Any]:
    """Remove a report and what was said of it; the caller removes its files.

    Raises:
        Refusal: There is none, or it is somebody else's.
    """
    row = get(connection, report_id, sees)
    connection.execute(delete(tables.feedback).where(tables.feedback.c.report_id == report_id))
    used = tables.job_files.c.report_id == report_id
    connection.execute(update(tables.job_files).where(used).values(report_id=None))
    connection.execute(delete(tables.reports).where(_T.id == report_id))
    return row


def expire(connection: Connection, before_s: float, most: int = 500) -> Sequence[Any]:
    """Let the files of old reports go; the caller removes them. The reports stay."""
    old = select(_T.id, _T.sha256, _T.media).where(_T.media.is_not(None), _T.created_s < before_s).limit(most)
    rows = connection.execute(old).all()
    connection.execute(update(tables.reports).where(_T.id.in_([row.id for row in rows])).values(media=None))
    return rows


def summary(row: Row[Any]) -> Summary:
    """A line of the list."""
    return Summary(
        id=row.id,
        name=row.name,
        sha256=row.sha256,
        bytes=row.bytes,
        kind=row.kind,
        status=row.status,
        label=row.label,
        probability=row.probability,
        created=moment(row.created_s),
        kept=row.media is not None,
    )


def kind_of(report: Report) -> Kind:
    """What a file was judged as."""
    if report.status is not Status.OK:
        return "none"
    return "video" if report.video else "voice" if report.voice else "photo"


def named(report: Report, upload: Upload) -> Report:
    """The report under the sender's name for the file; ours tells nobody anything."""
    source = report.source.model_copy(update={"path": upload.name, "sha256": upload.sha256, "bytes": upload.bytes})
    return report.model_copy(update={"source": source})


def unjudged(upload: Upload, why: str) -> Report:
    """The report on a file that could not be opened at all."""
    source = Source(path=upload.name, sha256=upload.sha256, bytes=upload.bytes)
    return Report(source=source, status=Status.UNREADABLE, message=why)


def _cursor(row: Row[Any]) -> str:
    """Time and id of a report: what is listed after it has less of either, wherever it itself may be by then."""
    return struct.pack(">d", row.created_s).hex() + str(row.id)


def _place(cursor: str) -> tuple[float, str]:
    (created_s,) = struct.unpack(">d", bytes.fromhex(cursor[:16]))
    return (created_s if math.isfinite(created_s) else 0.0), cursor[16:]

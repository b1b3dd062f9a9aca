"""Who scanned, read, deleted which file and when. Rows are added, never changed; file contents and names stay out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select

from unmask.server import tables
from unmask.server.auth import Caller

_PAGE: Final = 1000


def write(
    connection: Connection,
    now_s: float,
    caller: Caller,
    action: str,
    *,
    sha256: str | None = None,
    subject: str | None = None,
) -> None:
    """Note one deed.

    Args:
        connection: In whose transaction; what is not done is not noted.
        now_s: When.
        caller: Who.
        action: "scan", "job", "cancel", "delete", "feedback", "expire".
        sha256: Of the file.
        subject: Id of the report or the job.
    """
    connection.execute(
        insert(tables.audit).values(
            at_s=now_s,
            owner=caller.owner,
            who=caller.name,
            action=action,
            sha256=sha256,
            subject=subject,
            address=caller.address,
        )
    )


def read(connection: Connection, sha256: str | None = None) -> Iterator[Row[Any]]:
    """All rows, or those about one file, oldest first."""
    wanted = select(tables.audit).order_by(tables.audit.c.id)
    if sha256 is not None:
        wanted = wanted.where(tables.audit.c.sha256 == sha256)
    yield from connection.execution_options(yield_per=_PAGE).execute(wanted)

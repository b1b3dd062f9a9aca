"""API keys: made once, shown once, kept as hashes; and the sessions of people who gave one to the page.

A key is `unmask_ID_SECRET`. The secret is 256 bits of chance, so one round of SHA-256 is enough to keep it: there is
nothing to guess that a slow hash would protect, as there is with passwords.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from unmask.errors import UsageError
from unmask.server import tables

SCOPES: Final = {
    "scan": "upload files, follow and cancel jobs",
    "read": "read reports, see media",
    "feedback": "say whether a verdict was right",
    "delete": "delete reports with their media",
    "metrics": "read /metrics",
    "all": "see and delete what other keys made",
}
USUAL: Final = ("scan", "read", "feedback", "delete")
SESSION_S: Final = 12 * 3600.0
_PREFIX: Final = "unmask"
_NOBODY: Final = "0" * 64


@dataclass(frozen=True)
class Key:
    """One key, without its secret.

    Attributes:
        id: Its public part.
        name: Whose it is.
        scopes: What it may do.
        per_minute: Requests; None for as many as come.
        files_per_day: Likewise, files.
        bytes_per_day: Likewise.
        created_s: When it was made.
        revoked_s: When it was revoked, or None.
    """

    id: str
    name: str
    scopes: frozenset[str]
    per_minute: int | None
    files_per_day: int | None
    bytes_per_day: int | None
    created_s: float
    revoked_s: float | None


def add(
    connection: Connection,
    name: str,
    now_s: float,
    scopes: tuple[str, ...] = USUAL,
    per_minute: int | None = None,
    files_per_day: int | None = None,
    bytes_per_day: int | None = None,
) -> str:
    """Make a key; what is returned is its only copy.

    Raises:
        UsageError: No such scope, or no name.
    """
    for scope in scopes:
        if scope not in SCOPES:
            raise UsageError(f'there is no scope "{scope}"; there are: {", ".join(SCOPES)}')
    if not name.strip() or len(name) > 100:
        raise UsageError("a key needs a name of 1 to 100 characters")
    identity, secret = secrets.token_hex(5), secrets.token_urlsafe(32)
    connection.execute(
        insert(tables.keys).values(
            id=identity,
            name=name,
            digest=_digest(secret),
            scopes=" ".join(dict.fromkeys(scopes)),
            per_minute=per_minute,
            files_per_day=files_per_day,
            bytes_per_day=bytes_per_day,
            created_s=now_s,
        )
    )
    return f"{_PREFIX}_{identity}_{secret}"


def check(connection: Connection, text: str) -> Key | None:
    """The key behind what somebody sent, or None; takes as long for an unknown key as for a wrong secret."""
    prefix, identity, secret = (*text.split("_", 2), "", "")[:3]
    row = connection.execute(select(tables.keys).where(tables.keys.c.id == identity[:16])).first()
    same = hmac.compare_digest(row.digest if row else _NOBODY, _digest(secret))
    if row is None or not same or prefix != _PREFIX or row.revoked_s is not None:
        return None
    return _key(row)


def listed(connection: Connection) -> list[Key]:
    """All keys, oldest first."""
    return [_key(row) for row in connection.execute(select(tables.keys).order_by(tables.keys.c.created_s))]


def any_valid(connection: Connection) -> bool:
    """Whether anybody could use the server with a key."""
    valid = select(func.count()).select_from(tables.keys).where(tables.keys.c.revoked_s.is_(None))
    return bool(connection.execute(valid).scalar())


def is_valid(connection: Connection, identity: str) -> bool:
    """Whether a key has not been revoked."""
    valid = (tables.keys.c.id == identity) & tables.keys.c.revoked_s.is_(None)
    return connection.execute(select(tables.keys.c.id).where(valid)).first() is not None


def revoke(connection: Connection, identity: str, now_s: float) -> None:
    """End a key, and all sessions that were opened with it.

    Raises:
        UsageError: There is none of this id, or it was revoked before.
    """
    valid = (tables.keys.c.id == identity) & tables.keys.c.revoked_s.is_(None)
    if connection.execute(update(tables.keys).where(valid).values(revoked_s=now_s)).rowcount != 1:
        raise UsageError(f'there is no valid key "{identity}"; `unmask keys list` shows them')
    connection.execute(delete(tables.sessions).where(tables.sessions.c.key_id == identity))


def open_session(connection: Connection, key: Key, now_s: float) -> str:
    """A token for a browser's cookie."""
    token = secrets.token_urlsafe(32)
    connection.execute(delete(tables.sessions).where(tables.sessions.c.expires_s < now_s))
    row = {"digest": _digest(token), "key_id": key.id, "expires_s": now_s + SESSION_S}
    connection.execute(insert(tables.sessions).values(row))
    return token


def of_session(connection: Connection, token: str, now_s: float) -> Key | None:
    """The key with which a session was opened; None once it has ended."""
    joined = select(tables.keys).join(tables.sessions, tables.sessions.c.key_id == tables.keys.c.id)
    row = connection.execute(
        joined.where(tables.sessions.c.digest == _digest(token), tables.sessions.c.expires_s >= now_s)
    ).first()
    return _key(row) if row and row.revoked_s is None else None


def close_session(connection: Connection, token: str) -> None:
    """End a session."""
    connection.execute(delete(tables.sessions).where(tables.sessions.c.digest == _digest(token)))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _key(row: Row[Any]) -> Key:
    return Key(
        id=row.id,
        name=row.name,
        scopes=frozenset(row.scopes.split()),
        per_minute=row.per_minute,
        files_per_day=row.files_per_day,
        bytes_per_day=row.bytes_per_day,
        created_s=row.created_s,
        revoked_s=row.revoked_s,
    )

"""Idempotency keys: a request that is sent again, because its answer was lost, is answered again and not done twice.

As the draft of the IETF has it (draft-ietf-httpapi-idempotency-key-header): the same key for another request is
refused, and so is one whose first request is still under way.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from sqlalchemy import Connection, delete, select, update

from unmask.server import tables
from unmask.server.database import insert_once
from unmask.server.problems import Refusal

KEPT_S: Final = 24 * 3600.0
_UNDER_WAY_S: Final = 300.0  # after that, who began it was lost
_P = tables.posts.c


def fingerprint(*parts: Any) -> str:
    """What makes one request the same as another."""
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()


def begin(connection: Connection, owner: str, key: str | None, mark: str, now_s: float) -> str | None:
    """Begin a request; what an earlier one made, or None where it is to be done.

    Raises:
        Refusal: The key was used for another request, or the first one is under way.
    """
    if key is None:
        return None
    mine = (_P.owner == owner) & (_P.key == key)
    connection.execute(delete(tables.posts).where(mine, _P.created_s < now_s - KEPT_S))
    lost = _P.made.is_(None) & (_P.created_s < now_s - _UNDER_WAY_S)
    connection.execute(delete(tables.posts).where(mine, lost))
    row = {"owner": owner, "key": key, "fingerprint": mark, "created_s": now_s}
    if insert_once(connection, tables.posts, row):
        return None
    found = connection.execute(select(_P.fingerprint, _P.made).where(mine)).one()
    if found.fingerprint != mark:
        raise Refusal("other-request", "its file or its options were others")
    if found.made is None:
        raise Refusal("under-way", "the first one has no answer yet", retry_s=2)
    return str(found.made)


def end(connection: Connection, owner: str, key: str | None, made: str | None) -> None:
    """Note what came of it; a request that failed is forgotten, so that it can be sent again."""
    if key is None:
        return
    mine = (_P.owner == owner) & (_P.key == key)
    if made is None:
        connection.execute(delete(tables.posts).where(mine, _P.made.is_(None)))
    else:
        connection.execute(update(tables.posts).where(mine).values(made=made))


def forget_old(connection: Connection, now_s: float) -> None:
    """Forget keys that nobody sends again."""
    connection.execute(delete(tables.posts).where(_P.created_s < now_s - KEPT_S))

"""How much a key may ask for: requests a minute, counted in this process; files and bytes a day, in the store."""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

from sqlalchemy import Connection, delete, select, update

from unmask.server import tables
from unmask.server.database import Clock, insert_once
from unmask.server.keys import Key
from unmask.server.problems import Refusal

_MINUTE_S: Final = 60.0
_DAY_S: Final = 86_400.0
_KEPT_DAYS: Final = 90


class Rates:
    """Requests of each key in the minute that ends now. Servers beside each other count for themselves."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[str, deque[float]] = {}

    def count(self, key: Key) -> None:
        """Count one request.

        Raises:
            Refusal: It is one too many.
        """
        if key.per_minute is None:
            return
        now_s = self._clock()
        with self._lock:
            seen = self._seen.setdefault(key.id, deque())
            while seen and seen[0] <= now_s - _MINUTE_S:
                seen.popleft()
            if len(seen) >= key.per_minute:
                wait_s = _MINUTE_S if not seen else seen[0] + _MINUTE_S - now_s
                raise Refusal("too-often", f"this key may send {key.per_minute} requests a minute", retry_s=wait_s)
            seen.append(now_s)


def spend(connection: Connection, key: Key | None, files: int, size: int, now_s: float) -> None:
    """Count files that a key has uploaded; to be rolled back with the rest where it refuses.

    Raises:
        Refusal: More than the key may upload in a day.
    """
    if key is None or (key.files_per_day is None and key.bytes_per_day is None):
        return
    day = int(now_s // _DAY_S)
    mine = (tables.usage.c.owner == key.id) & (tables.usage.c.day == day)
    insert_once(connection, tables.usage, {"owner": key.id, "day": day, "files": 0, "bytes": 0})
    more = {"files": tables.usage.c.files + files, "bytes": tables.usage.c.bytes + size}
    connection.execute(update(tables.usage).where(mine).values(more))
    used = connection.execute(select(tables.usage.c.files, tables.usage.c.bytes).where(mine)).one()
    wait_s = (day + 1) * _DAY_S - now_s
    if key.files_per_day is not None and used.files > key.files_per_day:
        raise Refusal("quota", f"this key may upload {key.files_per_day:,} files a day", retry_s=wait_s)
    if key.bytes_per_day is not None and used.bytes > key.bytes_per_day:
        raise Refusal("quota", f"this key may upload {key.bytes_per_day:,} bytes a day", retry_s=wait_s)


def forget_old(connection: Connection, now_s: float) -> None:
    """Forget what was used long ago."""
    connection.execute(delete(tables.usage).where(tables.usage.c.day < int(now_s // _DAY_S) - _KEPT_DAYS))

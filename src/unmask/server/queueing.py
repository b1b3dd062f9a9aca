"""The queue that wakes workers: huey, in SQLite on one machine, in Redis between several.

It holds nothing but ids of jobs. What a job is, who holds it and whether it is done stands in the store; an id that is
lost here is queued again by a worker, and one that is queued twice is claimed once.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import Any, Final

from huey import Huey, RedisHuey, SqliteHuey
from huey.consumer import Consumer
from huey.registry import Message
from huey.serializer import Serializer

from unmask.errors import MissingExtraError, UsageError
from unmask.server.settings import Settings

_NAME: Final = "unmask"
_LONGEST_NAP_S: Final = 0.5


class JsonSerializer(Serializer):  # type: ignore[misc]
    """Messages as JSON. Huey's own serializer pickles: whoever can write to the queue could run code in workers."""

    def _serialize(self, data: Any) -> bytes:
        values = data._asdict() if isinstance(data, Message) else {"value": data}
        return json.dumps(values).encode()

    def _deserialize(self, data: bytes) -> Any:
        values = json.loads(data)
        if "value" in values:
            return values["value"]
        return Message(**values | {"args": tuple(values["args"]), "kwargs": dict(values["kwargs"] or {})})


class JobQueue:
    """Ids of jobs that wait for a worker.

    Args:
        settings: Where the queue is.
        work: What a worker does with an id; only workers need it.

    Raises:
        UsageError: The queue cannot be reached.
    """

    def __init__(self, settings: Settings, work: Callable[[str], None] | None = None) -> None:
        self._huey = _huey(settings)

        def judge_job(job_id: str) -> None:
            if work is not None:
                work(job_id)

        self._task = self._huey.task(name="judge_job")(judge_job)

    def put(self, job_id: str) -> None:
        """Wake a worker for a job."""
        self._task(job_id)

    def clear(self) -> None:
        """Forget all ids; workers queue again what the store knows to be undone."""
        self._huey.flush()

    @property
    def length(self) -> int:
        """How many ids wait."""
        return int(self._huey.pending_count())

    def consumer(self, threads: int) -> Consumer:
        """What takes ids and works on them, in so many threads, until it is stopped."""
        return Consumer(
            self._huey,
            workers=threads,
            periodic=False,
            initial_delay=0.05,
            max_delay=_LONGEST_NAP_S,
            backoff=1.3,
            graceful_signal="TERM",  # Ctrl-C gives jobs back at once, instead of waiting until they are done
        )


def _huey(settings: Settings) -> Huey:
    if settings.queue is None:
        path = settings.folder / "queue.db"
        try:
            return SqliteHuey(_NAME, filename=str(path), results=False, serializer=JsonSerializer(), timeout=30)
        except sqlite3.Error as error:
            raise UsageError(f"the queue {path} cannot be used: {error}; move the file away, no job is lost") from error
    try:
        huey = RedisHuey(_NAME, url=settings.queue, results=False, serializer=JsonSerializer())
        huey.storage.queue_size()
    except ImportError as error:
        raise MissingExtraError("a queue in Redis", "teams") from error
    except Exception as error:
        if type(error).__name__ == "ConfigurationError":
            raise MissingExtraError("a queue in Redis", "teams") from error
        raise UsageError(f"the queue cannot be reached: {' '.join(str(error).split())[:200]}") from error
    return huey

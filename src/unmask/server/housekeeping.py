"""What must be done now and then: lost jobs, media that were kept long enough, files that belong to nobody."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from unmask.server import audit_log, job_store, posts, quotas, report_store, tables
from unmask.server.auth import THE_SERVER
from unmask.server.database import Database
from unmask.server.media import Media
from unmask.server.queueing import JobQueue
from unmask.server.settings import Settings

_EVERY_S: Final = 2.0
_SELDOM_S: Final = 600.0
_DAY_S: Final = 86_400.0
_STRAY_S: Final = 24 * 3600.0  # longer than any upload takes


class Housekeeping:
    """Runs beside a worker; several of them do no harm to each other."""

    def __init__(self, settings: Settings, database: Database, media: Media, queue: JobQueue) -> None:
        self._settings, self._database, self._media, self._queue = settings, database, media, queue

    def run(self, stop: threading.Event) -> None:
        """Until told to stop; what fails now is done next time."""
        seldom_s = 0.0
        while not stop.is_set():
            with suppress(SQLAlchemyError, OSError):
                self.find_lost()
                if time.monotonic() >= seldom_s:
                    self.expire()
                    self.sweep()
                    seldom_s = time.monotonic() + _SELDOM_S
            stop.wait(_EVERY_S)

    def find_lost(self) -> list[str]:
        """Queue jobs again that nobody holds and no queue knows: their server or worker was killed."""
        if self._queue.length:
            return []
        with self._database.reading() as connection:
            lost = job_store.claimable(connection, self._database.clock())
        for job_id in lost:
            self._queue.put(job_id)
        return lost

    def expire(self) -> int:
        """Remove media that were kept long enough, with the pictures made of them; how many."""
        if self._settings.keep_days <= 0:
            return 0
        now_s, count = self._database.clock(), 0
        while True:
            with self._database.writing() as connection:
                rows = report_store.expire(connection, now_s - self._settings.keep_days * _DAY_S)
                for row in rows:
                    audit_log.write(connection, now_s, THE_SERVER, "expire", sha256=row.sha256, subject=row.id)
            for row in rows:
                self._media.drop(row.media)
                self._media.drop_pictures(row.id)
            count += len(rows)
            if not rows:
                return count

    def sweep(self) -> None:
        """Remove files that no report and no job knows: of uploads or deletions that a crash has cut short."""
        now_s = self._database.clock()
        with self._database.writing() as connection:
            posts.forget_old(connection, now_s)
            quotas.forget_old(connection, now_s)
            for name in job_store.media_of_ended(connection):
                self._media.drop(name)
        for name in self._media.stray(time.time() - _STRAY_S):
            with self._database.reading() as connection:
                known = any(
                    connection.execute(select(table.c.media).where(table.c.media == name)).first()
                    for table in (tables.reports, tables.job_files)
                )
            if not known:
                self._media.drop(name)
        for report_id in self._media.stray_pictures(time.time() - _STRAY_S):
            with self._database.reading() as connection:
                if connection.execute(select(tables.reports.c.id).where(tables.reports.c.id == report_id)).first():
                    continue
            self._media.drop_pictures(report_id)

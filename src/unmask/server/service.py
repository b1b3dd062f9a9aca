"""All that an answer may need, opened once: the store, files, the process that judges, the queue."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any, cast

from fastapi import Request

from unmask.errors import UnmaskError
from unmask.server import catalogue
from unmask.server.database import Database
from unmask.server.judging import Judging
from unmask.server.media import Media
from unmask.server.metrics import Meters
from unmask.server.queueing import JobQueue
from unmask.server.quotas import Rates
from unmask.server.settings import Settings
from unmask.server.uploads import Intake
from unmask.server.wire import Models


@dataclass
class Service:
    """What the routes share."""

    settings: Settings
    database: Database
    media: Media
    intake: Intake
    judging: Judging
    queue: JobQueue
    models: Models
    rates: Rates
    meters: Meters = field(default_factory=Meters)
    streams: int = 0

    @classmethod
    def opened(cls, settings: Settings) -> Service:
        """Open everything, and bring the tables up to date.

        Raises:
            UsageError: Folder, database, queue or models cannot be used.
            BundleError: A model is damaged.
        """
        settings.prepare_folder()
        models = catalogue.of(settings.models)
        database = Database(settings.database_url)
        database.upgrade()
        media = Media(settings.media, settings.drawn, settings.free_bytes)
        try:
            queue = JobQueue(settings)
        except UnmaskError:
            database.close()
            raise
        return cls(
            settings=settings,
            database=database,
            media=media,
            intake=Intake(settings, media),
            judging=Judging(settings),
            queue=queue,
            models=models,
            rates=Rates(database.clock),
        )

    def wake_worker(self, job_id: str) -> None:
        """Queue a job. A queue that cannot be reached loses nothing: workers look into the store, too."""
        with contextlib.suppress(Exception):
            self.queue.put(job_id)

    def close(self) -> None:
        """Let go of everything."""
        self.judging.close()
        self.database.close()


def service_of(request: Request) -> Service:
    """The service behind the app that got a request."""
    state: Any = request.app.state
    return cast(Service, state.service)

"""What Prometheus may ask: requests, files judged, how long both take, and what waits."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from sqlalchemy import func, select

from unmask.server import tables
from unmask.server.database import Database
from unmask.server.judging import Judging
from unmask.server.wire import JobState

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS: Final = (0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 120.0)


class Meters:
    """The meters of one server; a registry of its own, so that two servers in one process do not add up."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "unmask_requests", "Requests answered.", ("method", "route", "status"), registry=self._registry
        )
        self.seconds = Histogram(
            "unmask_request_seconds", "From head to answer.", ("route",), buckets=_SECONDS, registry=self._registry
        )
        self.scanned = Counter(
            "unmask_scans", "Files of POST /v1/scan, by what came of them.", ("outcome",), registry=self._registry
        )
        self._waiting = Gauge("unmask_judging_waiting", "Files judged or waiting here now.", registry=self._registry)
        self._restarts = Gauge(
            "unmask_judging_restarts", "How often the process that judges here was lost.", registry=self._registry
        )
        self._jobs = Gauge("unmask_jobs", "Jobs in the store.", ("state",), registry=self._registry)
        self._reports = Gauge("unmask_reports", "Reports in the store.", registry=self._registry)

    def text(self, database: Database, judging: Judging) -> bytes:
        """All of them, as Prometheus reads them."""
        self._waiting.set(judging.waiting)
        self._restarts.set(max(0, judging.restarts))
        with database.reading() as connection:
            counted = select(tables.jobs.c.state, func.count()).group_by(tables.jobs.c.state)
            found = {str(state): int(count) for state, count in connection.execute(counted)}
            reports = connection.execute(select(func.count()).select_from(tables.reports)).scalar_one()
        for state in JobState:
            self._jobs.labels(state.value).set(found.get(state.value, 0))
        self._reports.set(reports)
        return bytes(generate_latest(self._registry))

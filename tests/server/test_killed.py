"""Killed without a word, server or worker: every job is finished once, none is lost, none is stored twice."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.server import films
from tests.server.running import begin, end, kill, served, until_gone
from unmask.server import tables
from unmask.server.database import Database
from unmask.server.settings import Settings

FILES = 5


@pytest.fixture
def batch(tmp_path: Path) -> list[Path]:
    """Recordings that take some seconds together."""
    found = [tmp_path / f"{number}.wav" for number in range(FILES)]
    said = films.recording(tmp_path / "said.wav", 5.0)
    for number, path in enumerate(found):
        path.write_bytes(said.read_bytes() + b"z" * number)
    return found


def stored(settings: Settings) -> tuple[int, int, int]:
    """Reports, how many files were judged according to the audit log, and files that are done."""
    store = Database(settings.database_url)
    with store.reading() as connection:
        reports = connection.execute(select(func.count()).select_from(tables.reports)).scalar_one()
        judged = select(func.count()).select_from(tables.audit).where(tables.audit.c.action == "judged")
        done = select(func.count()).select_from(tables.job_files).where(tables.job_files.c.state == "done")
        found = reports, connection.execute(judged).scalar_one(), connection.execute(done).scalar_one()
    store.close()
    return found


def until_some_are_done(settings: Settings, most: int = FILES) -> None:
    limit = time.monotonic() + 60
    while not 0 < stored(settings)[2] < most:
        assert time.monotonic() < limit, "no file was judged in time"
        time.sleep(0.05)


def test_a_killed_worker(tmp_path: Path, batch: list[Path]) -> None:
    settings = Settings(folder=tmp_path / "data", port=0, free_bytes=0, lease_s=2)
    with served(settings) as found:
        job = str(found.post("/v1/jobs", *batch).json()["id"])
        until_some_are_done(settings)
        (worker,) = found.children("unmask.server.hired")
        kill(worker)
        ended = found.until_job_ended(job)
        assert ended["state"] == "done"
        assert ended["attempts"] == 2
        assert found.children("unmask.server.hired") != [worker]
    assert stored(settings) == (FILES, FILES, FILES)


def test_a_killed_server(tmp_path: Path, batch: list[Path]) -> None:
    settings = Settings(folder=tmp_path / "data", port=0, free_bytes=0, lease_s=2)
    found = begin(settings)
    try:
        found.until_ready()
        job = str(found.post("/v1/jobs", *batch).json()["id"])
        until_some_are_done(settings)
        left = found.children("unmask.server")
        assert len(left) >= 3  # worker, and both their processes that judge
        kill(found.process.pid)
        until_gone(left)
    finally:
        end(found)
    (settings.folder / "queue.db").unlink()  # even what the queue knew
    with served(settings) as again:
        ended = again.until_job_ended(job)
        assert ended["state"] == "done"
    assert stored(settings) == (FILES, FILES, FILES)


def test_two_workers_over_postgresql_and_redis_of_which_one_is_killed(
    tmp_path: Path, batch: list[Path], postgres_url: str, redis_url: str
) -> None:
    store = Database(postgres_url)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    store.close()
    settings = Settings(
        folder=tmp_path / "data", port=0, free_bytes=0, lease_s=2, database=postgres_url, queue=redis_url
    )
    with served(settings) as found, served(replace(settings, port=0)) as other:
        jobs = [str(found.post("/v1/jobs", *batch[part::2]).json()["id"]) for part in (0, 1)]
        until_some_are_done(settings)
        (worker,) = other.children("unmask.server.hired")
        kill(worker)
        assert [found.until_job_ended(job)["state"] for job in jobs] == ["done", "done"]
    assert stored(settings) == (FILES, FILES, FILES)


def test_a_server_that_stops_in_good_order_gives_its_job_back(tmp_path: Path, batch: list[Path]) -> None:
    settings = Settings(folder=tmp_path / "data", port=0, free_bytes=0)
    with served(settings) as found:
        job = str(found.post("/v1/jobs", *batch).json()["id"])
        until_some_are_done(settings)
    store = Database(settings.database_url)
    with store.reading() as connection:
        row = connection.execute(select(tables.jobs).where(tables.jobs.c.id == job)).one()
    store.close()
    assert (row.state, row.worker) == ("queued", None)

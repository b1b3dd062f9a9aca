"""`unmask worker`: takes jobs, has their files judged, stores the reports. Any number may run, on any machine."""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from unmask.server import audit_log, catalogue, housekeeping, job_store, report_store
from unmask.server.auth import Caller
from unmask.server.database import Database
from unmask.server.errands import Failed, Gone
from unmask.server.job_store import Claim
from unmask.server.judging import Judging
from unmask.server.media import NOTES, Media
from unmask.server.problems import Refusal
from unmask.server.queueing import JobQueue
from unmask.server.report_store import Asked
from unmask.server.settings import Settings
from unmask.server.uploads import Upload
from unmask.server.wire import JobState
from unmask.types import Report

_FILES_AT_ONCE: Final = 4
_HEARTBEAT_S: Final = 0.5
_STAGES: Final = {
    "looking for faces": (0, 55),
    "judging persons": (55, 60),
    "looking closer": (60, 70),
    "listening": (70, 90),
    "drawing": (92, 92),
}
"""From which to which per cent of one file each stage goes. Of a recording, listening is nearly all."""


class Worker:
    """Everything that a worker needs, opened.

    Args:
        settings: The same as the server's.

    Raises:
        UsageError: Database, queue or models cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        settings.prepare_folder()
        self.settings = settings
        self.models = catalogue.of(settings.models).fingerprint
        self.queue = JobQueue(settings, self.work)
        self.database = Database(settings.database_url)
        self.database.upgrade()
        self.media = Media(settings.media, settings.drawn, settings.free_bytes)
        self._name = f"{socket.gethostname()[:40]}-{os.getpid()}"
        self._judges: SimpleQueue[Judging] = SimpleQueue()
        self._stop = threading.Event()
        self.judges = [Judging(settings, f"judging-{number}") for number in range(settings.workers)]
        for judging in self.judges:
            self._judges.put(judging)
        self._held: dict[str, Claim] = {}

    def run(self) -> None:
        """Work until a signal says to stop; what was under way is given back. To be called by the main thread."""
        keeper = housekeeping.Housekeeping(self.settings, self.database, self.media, self.queue)
        thread = threading.Thread(target=keeper.run, args=(self._stop,), name="housekeeping", daemon=True)
        thread.start()
        try:
            self.queue.consumer(self.settings.workers).run()
        finally:
            self.close()

    def close(self) -> None:
        """Give back what is under way, and end the processes."""
        self._stop.set()
        for held in list(self._held.values()):
            with self.database.writing() as connection:
                job_store.release(connection, held)
        for judging in self.judges:
            judging.close()
        self.database.close()

    def work(self, job_id: str) -> None:
        """Do one job, if nobody else has."""
        now_s, holder = self.database.clock(), f"{self._name}-{secrets.token_hex(4)}"
        with self.database.writing() as connection:
            held = job_store.claim(connection, job_id, holder, now_s, self.settings.lease_s, self.settings.attempts)
        if held is None:
            return
        judging = self._judges.get()
        self._held[job_id] = held
        try:
            _Run(self, held, judging).do()
        finally:
            self._held.pop(job_id, None)
            self._judges.put(judging)


class _Run:
    """One job in hand."""

    def __init__(self, worker: Worker, held: Claim, judging: Judging) -> None:
        self._worker, self._held, self._judging = worker, held, judging
        self._done = held.total - len(held.files)
        self._shares: dict[int, tuple[str, float]] = {}
        self._over = threading.Event()
        self._cancelled, self._lost = False, False

    def do(self) -> None:
        """All of its files."""
        beat = threading.Thread(target=self._keep_hold, name="heartbeat", daemon=True)
        beat.start()
        message = None
        try:
            with ThreadPoolExecutor(_FILES_AT_ONCE, thread_name_prefix="file") as pool:
                for future in [pool.submit(self._file, *file) for file in self._held.files.items()]:
                    future.result()
        except Gone as error:
            message = str(error)
        except Exception as error:
            message = f"the worker failed: {type(error).__name__}"
            raise
        finally:
            self._over.set()
            beat.join()
            self._finish(message)

    def _finish(self, message: str | None) -> None:
        if self._lost or self._worker._stop.is_set():
            return
        state = JobState.CANCELLED if self._cancelled else JobState.FAILED if message else JobState.DONE
        with self._worker.database.writing() as connection:
            told = None if self._cancelled else message
            job_store.finish(connection, self._held, state, self._worker.database.clock(), told)

    def _keep_hold(self) -> None:
        """Renew the claim, say how far the job is, and hear whether it shall be cancelled or was lost."""
        while not self._over.wait(_HEARTBEAT_S):
            stage, percent = self._progress()
            settings, database = self._worker.settings, self._worker.database
            try:
                with database.writing() as connection:
                    cancel = job_store.renew(connection, self._held, database.clock(), settings.lease_s, stage, percent)
            except SQLAlchemyError:  # out of reach for a moment; if for longer, the claim runs out
                continue
            if cancel is not False:
                self._cancelled, self._lost = bool(cancel), cancel is None
                self._judging.abandon()
                self._over.set()

    def _progress(self) -> tuple[str, int]:
        under_way = [(where, share) for where, share in list(self._shares.values()) if share < 1]
        parts = self._done + sum(share for _, share in under_way)
        stage = under_way[0][0] if len(under_way) == 1 else f"{self._done} of {self._held.total} files done"
        return stage, min(99, round(100 * parts / max(1, self._held.total)))

    def _file(self, position: int, upload: Upload) -> None:
        if self._over.is_set():
            return
        database, asked = self._worker.database, self._held.asked
        with database.reading() as connection:
            row = report_store.same(connection, self._held.owner, upload.sha256, self._worker.models, asked)
        if row is None:
            report, once = self._judge(position, upload)
            report_id = self._store(position, upload, report, asked, once)
        else:
            report, report_id = Report.model_validate_json(row.body), row.id
            self._answer_from_store(position, upload, report_id)
        if report_id is not None:
            self._shares[position] = ("drawing", 0.92)
            draw(self._judging, self._worker.media, report_id, report, self._kept(report_id))
        self._shares.pop(position, None)
        self._done += 1

    def _judge(self, position: int, upload: Upload) -> tuple[Report, str | None]:
        """A report; of a file that could not be opened, one that stands for this time only."""

        def told(doing: str, share: float) -> None:
            low, high = _STAGES.get(doing, (0, 90))
            before = self._shares.get(position, ("", 0.0))[1]
            self._shares[position] = (doing, max(before, (low + share * (high - low)) / 100))

        self._shares[position] = ("opening the file", 0.0)
        path = self._worker.media.path(upload.media)
        if not path.is_file():
            return report_store.unjudged(upload, "the file was gone before it could be judged"), self._once(position)
        try:
            found = self._judging.judge(path, evidence=self._held.asked.evidence, progress=told).result()
            return report_store.named(Report.model_validate(found), upload), None
        except Failed as error:
            return report_store.unjudged(upload, str(error)), self._once(position)

    def _once(self, position: int) -> str:
        return f"{self._held.id}.{position}"

    def _store(self, position: int, upload: Upload, report: Report, asked: Asked, once: str | None) -> str | None:
        """Store what came of a file, unless the job has been lost meanwhile: then whoever has it does so."""
        worker, held = self._worker, self._held
        with worker.database.writing() as connection:
            if not job_store.still_holds(connection, held):
                return None
            now_s = worker.database.clock()
            report_id, kept = report_store.add(
                connection, held.owner, upload, worker.models, asked, report, now_s, keep=True, once=once
            )
            job_store.file_done(connection, held, position, report_id, upload.media if kept else None)
            caller = Caller(held.owner, f"job {held.id}", frozenset())
            audit_log.write(connection, now_s, caller, "judged", sha256=upload.sha256, subject=report_id)
        if not kept:
            worker.media.drop(upload.media)
        return report_id

    def _answer_from_store(self, position: int, upload: Upload, report_id: str) -> None:
        worker, held = self._worker, self._held
        with worker.database.writing() as connection:
            if not job_store.still_holds(connection, held):
                return
            kept = report_store.attach(connection, report_id, upload.media)
            job_store.file_done(connection, held, position, report_id, upload.media if kept else None)
        if not kept:
            worker.media.drop(upload.media)

    def _kept(self, report_id: str) -> str | None:
        with suppress(Refusal), self._worker.database.reading() as connection:
            return str(report_store.get(connection, report_id, None).media or "") or None
        return None  # its report was deleted meanwhile, which is no reason to give the job up


def draw(judging: Judging, media: Media, report_id: str, report: Report, name: str | None) -> None:
    """Have pictures made of a file, unless they are there or it is not; a page without them is still a page."""
    if name is None or media.picture(report_id, NOTES) or not media.path(name).is_file():
        return
    try:
        media.keep_pictures(report_id, judging.draw(report.model_dump(mode="json"), media.path(name)).result())
    except Failed:
        return


def end_with_parent(ended: Callable[[], Any]) -> None:
    """Call back when whoever holds the other end of stdin is gone, however it went."""

    def wait() -> None:
        while os.read(0, 4096):
            pass
        ended()

    threading.Thread(target=wait, name="parent", daemon=True).start()

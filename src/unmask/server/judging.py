"""The parent's side of the process that opens files (`child`): what is asked of it, and what becomes of it.

A file that makes the process die, or takes longer than it may, ends its own request with a sentence. All others that
were under way then are asked again: first those that were begun, one at a time, so that the one that kills is found.
A file for which memory was short is asked again alone, and then in a fresh process: what was short may have been taken
by another.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from unmask.server.errands import Errand, Failed, Gone, Line, fail, settle, taken
from unmask.server.life import AHEAD, CHILD, Life, start
from unmask.server.settings import Settings
from unmask.words import Progress

_LOOK_S: Final = 0.25
_LONGEST: Final = 64 * 2**20
"""Characters of one line; pictures of a video take some millions."""

_REST_S: Final = (0.0, 0.5, 2.0, 5.0)


class Judging:
    """One process that judges, started anew whenever it ends; for many threads.

    Args:
        settings: What it may take, and with which models.
        name: For its threads.
        command: Starts the process.
    """

    def __init__(self, settings: Settings, name: str = "judging", command: Sequence[str] = CHILD) -> None:
        self._settings, self._command = settings, command
        self._lock = threading.RLock()
        self._waiting: deque[Errand] = deque()
        self._suspects: deque[Errand] = deque()
        self._number = 0
        self._life: Life | None = None
        self._closed = threading.Event()
        self.restarts = -1
        self._unfit: str | None = None
        self._thread = threading.Thread(target=self._live_on, name=name, daemon=True)
        self._thread.start()
        threading.Thread(target=self._watch, name=f"{name}-watch", daemon=True).start()

    @property
    def ready(self) -> bool:
        """Whether the models are loaded."""
        life = self._life
        return life is not None and life.ready

    @property
    def unfit(self) -> str | None:
        """Why it cannot start, if it cannot."""
        return self._unfit

    @property
    def process_id(self) -> int | None:
        """Of the process that runs now."""
        life = self._life
        return life.process.pid if life else None

    @property
    def waiting(self) -> int:
        """Requests that are waiting or under way."""
        with self._lock:
            return len(self._waiting) + len(self._suspects) + (len(self._life.sent) if self._life else 0)

    def wait_ready(self, timeout_s: float) -> bool:
        """Wait until the models are loaded; whether they are."""
        end_s = time.monotonic() + timeout_s
        while not self.ready and self._unfit is None and time.monotonic() < end_s:
            time.sleep(0.02)
        return self.ready

    def judge(self, path: Path, *, evidence: bool, progress: Progress | None = None) -> Future[dict[str, Any]]:
        """A report as JSON values; `Failed` where the file ended the process, or took too long."""
        asked = self._ask({"do": "judge", "path": str(path), "evidence": evidence}, progress)
        return taken(asked, lambda line: line["report"])

    def draw(self, report: dict[str, Any], path: Path) -> Future[dict[str, bytes]]:
        """Pictures of a judged file, by name."""
        asked = self._ask({"do": "draw", "path": str(path), "report": report})
        return taken(
            asked, lambda line: {name: base64.b64decode(data) for name, data in dict(line["pictures"]).items()}
        )

    def page(self, report: dict[str, Any], path: Path) -> Future[str]:
        """A report as one self-contained page."""
        return taken(self._ask({"do": "page", "path": str(path), "report": report}), lambda line: str(line["page"]))

    def abandon(self) -> None:
        """Give up all that is waiting or under way; whoever waits for it gets `Gone`."""
        with self._lock:
            given_up = [*self._waiting, *self._suspects]
            self._waiting.clear()
            self._suspects.clear()
            if self._life:
                given_up += self._life.sent.values()
                self._life.sent.clear()
                self._life.process.kill()
        for asked in given_up:
            fail(asked, Gone("it was given up"))

    def close(self) -> None:
        """End the process."""
        self._closed.set()
        self.abandon()
        self._thread.join(timeout=10)

    def _ask(self, line: Line, progress: Progress | None = None) -> Future[Line]:
        if self._closed.is_set() or self._unfit is not None:
            raise Gone(self._unfit or "it is closed")
        asked = Errand(line, Future(), progress)
        with self._lock:
            self._waiting.append(asked)
            self._send()
        return asked.answer

    def _send(self) -> None:
        """Send what may be sent: of suspects one at a time and nothing beside it, of others a few ahead."""
        life = self._life
        if life is None or not life.ready or life.process.stdin is None:
            return
        alone = bool(self._suspects) or any(asked.suspect for asked in life.sent.values())
        most = 1 if alone else life.most
        while len(life.sent) < most and (self._suspects or self._waiting):
            if alone and not self._suspects:
                return
            asked = self._suspects.popleft() if self._suspects else self._waiting.popleft()
            self._number += 1
            asked.begun_s = None
            life.sent[self._number] = asked
            try:
                life.process.stdin.write(json.dumps(asked.line | {"id": self._number}) + "\n")
                life.process.stdin.flush()
            except OSError:  # it has just died: `_live_on` sees to all that was sent
                return

    def _live_on(self) -> None:
        """Start the process, read what it says until it ends, and start another."""
        failures = 0
        while not self._closed.is_set():
            life = Life(start(self._command, self._settings))
            with self._lock:
                self._life = life
                self.restarts += 1
                if self._closed.is_set():
                    life.process.kill()
            self._listen(life)
            life.process.kill()
            life.process.wait()
            for pipe in (life.process.stdin, life.process.stdout):
                with suppress(OSError):
                    pipe and pipe.close()
            self._bury(life)
            failures = 0 if life.ready else failures + 1
            if life.unfit or failures >= len(_REST_S):
                self._unfit = life.unfit or "the process that judges cannot be started; more memory may be needed"
                self.abandon()
                return
            self._closed.wait(_REST_S[failures])

    def _listen(self, life: Life) -> None:
        """Hear what it says until it ends, or says what only a process in foreign hands would say."""
        assert life.process.stdout is not None
        with suppress(ValueError, TypeError, KeyError, AttributeError):
            while (written := life.process.stdout.readline(_LONGEST)).endswith("\n"):
                self._hear(life, json.loads(written))

    def _hear(self, life: Life, line: Line) -> None:
        if "started" in line or "unfit" in line:
            with self._lock:
                life.ready, life.unfit = "started" in line, line.get("unfit")
                life.most = AHEAD + int(line.get("cores", 0))
                self._send()
            return
        with self._lock:
            asked = life.sent.get(line.get("id", -1))
            if asked is None:
                return
            if "waits" in line:
                asked.begun_s = None
                return
            if "begun" in line:
                asked.begun_s = time.monotonic()
                asked.most_s = self._settings.film_s if line["begun"] == "film" else self._settings.photo_s
                return
            if "doing" not in line:
                del life.sent[line["id"]]
                if "short" in line and not (asked.suspect and life.fresh):
                    if asked.suspect:
                        life.process.kill()  # it was alone, but others may have left their traces
                    asked.suspect = True
                    self._suspects.append(asked)
                    line = {"again": True}
                life.fresh = False
                self._send()
        if "again" in line:
            return
        if "doing" in line:
            if asked.progress:
                asked.progress(str(line["doing"]), float(line["share"]))
        elif "failed" in line or "short" in line:
            fail(asked, Failed(str(line.get("failed", line.get("short")))))
        else:
            settle(asked.answer, value=line)

    def _bury(self, life: Life) -> None:
        """What was under way when the process ended: the culprit is told, the rest is asked again."""
        with self._lock:
            lost = list(life.sent.values())
            life.sent.clear()
            self._life = None
            begun = [asked for asked in lost if asked.begun_s is not None]
            guilty = begun if len(begun) == 1 else []
            for asked in reversed(lost):
                if asked in guilty:
                    continue
                if asked.begun_s is None:
                    self._waiting.appendleft(asked)
                else:
                    asked.suspect = True
                    self._suspects.appendleft(asked)
        for asked in guilty:
            fail(asked, Failed("opening the file ended the process that did so: it is broken, or too large"))

    def _watch(self) -> None:
        """End the process when a file takes longer than it may."""
        while not self._closed.wait(_LOOK_S):
            with self._lock:
                life, now_s = self._life, time.monotonic()
                late = [
                    (number, asked)
                    for number, asked in (life.sent.items() if life else ())
                    if asked.begun_s is not None and now_s - asked.begun_s > asked.most_s
                ]
                if life and late:
                    for number, _ in late:
                        del life.sent[number]
                    life.process.kill()
            for _, asked in late:
                fail(asked, Failed(f"judging the file took longer than {asked.most_s:g} s"))

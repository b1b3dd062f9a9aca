"""The process that opens files: it decodes, judges and draws, and can be lost without losing anything else.

Its parent (`judging`) speaks with it in lines of JSON over pipes, never in pickles: whoever takes this process over by
a broken file can send text, and nothing that the parent would execute. It knows no key, no database and no other job;
its address space is limited; it may write no files, and ends when its parent does.
"""

from __future__ import annotations

import base64
import json
import os
import queue
import re
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Final

from unmask import bundles, ensemble, provenance
from unmask.errors import UnmaskError
from unmask.judge import Judge
from unmask.kinds import is_sound, is_video
from unmask.limits import DEFAULT_LIMITS
from unmask.prepared import Prepared
from unmask.runtime import usable_cores
from unmask.server import drawing
from unmask.server.errands import Line
from unmask.types import Report

_TOGETHER: Final = 8
_TOO_MUCH: Final = "it needs more memory than one file may take"
_MEMORY: Final = re.compile(r"MemoryError|bad_alloc|Cannot allocate memory|more memory than")
_FILES: Final = 256
_TOLD_EVERY: Final = 0.02
_LIMITS: Final = replace(DEFAULT_LIMITS, video_decode_s=600.0, sound_decode_s=600.0)


class Child:
    """Loaded models, and threads that work on what the parent asks.

    Args:
        judges: By whether evidence is wanted.
        write: Sends a line to the parent.
    """

    def __init__(self, judges: dict[bool, Judge], write: Callable[[str], None]) -> None:
        self._judges, self._write = judges, write
        self._photos = ThreadPoolExecutor(usable_cores(), thread_name_prefix="photos")
        self._films = ThreadPoolExecutor(1, thread_name_prefix="films")
        self._ready: queue.SimpleQueue[tuple[int, bool, Prepared]] = queue.SimpleQueue()

    def take(self, asked: Line) -> None:
        """Begin what a line asks for; the answer comes when it is ready."""
        self._photos.submit(self._sort, asked)

    def score_for_ever(self) -> None:
        """Score what is prepared: whatever is ready shares a batch."""
        while True:
            files = [self._ready.get()]
            with suppress(queue.Empty):
                while len(files) < _TOGETHER:
                    files.append(self._ready.get_nowait())
            for evidence in (False, True):
                mine = [(number, prepared) for number, wanted, prepared in files if wanted is evidence]
                if mine:
                    self._score(evidence, mine)

    def _say(self, line: Line) -> None:
        self._write(written(line))

    def _score(self, evidence: bool, files: Sequence[tuple[int, Prepared]]) -> None:
        try:
            reports = self._judges[evidence].reports([prepared for _, prepared in files])
        except Exception as error:
            for number, _ in files:
                self._say({"id": number, "short": f"judging failed: {type(error).__name__}: {error}"[:500]})
            return
        for (number, _), report in zip(files, reports, strict=True):
            self._write(f'{{"id":{number},"report":{report.model_dump_json()}}}\n')

    def _sort(self, asked: Line) -> None:
        """Films wait for each other, so that photos need not wait for them. Telling them apart opens the file."""
        self._say({"id": asked["id"], "begun": "photo"})
        path = Path(asked["path"])
        try:
            film = is_video(path, _LIMITS) or is_sound(path, _LIMITS)
        except Exception:  # judging it will say what is wrong with it
            film = False
        if not film:
            self._work(asked)
            return
        self._say({"id": asked["id"], "waits": True})
        self._films.submit(self._work, asked, film=True)

    def _work(self, asked: Line, film: bool = False) -> None:
        if film:
            self._say({"id": asked["id"], "begun": "film"})
        try:
            {"judge": self._prepare, "draw": self._draw, "page": self._page}[asked["do"]](asked)
        except MemoryError:
            self._say({"id": asked["id"], "short": _TOO_MUCH})
        except Exception as error:
            self._say({"id": asked["id"], "failed": f"{type(error).__name__}: {error}"[:500]})

    def _prepare(self, asked: Line) -> None:
        last = ("", -1.0)

        def tell(doing: str, share: float) -> None:
            nonlocal last
            if doing != last[0] or share - last[1] >= _TOLD_EVERY:
                last = (doing, share)
                self._say({"id": asked["id"], "doing": doing, "share": round(share, 3)})

        judge = self._judges[asked["evidence"]].asked(evidence=asked["evidence"], progress=tell)
        prepared = judge.prepare(Path(asked["path"]), judge.shared_finder)
        if prepared.problem and _MEMORY.search(prepared.problem[1]):
            self._say({"id": asked["id"], "short": _TOO_MUCH})  # which may be the fault of another file
            return
        self._ready.put((asked["id"], asked["evidence"], prepared))

    def _draw(self, asked: Line) -> None:
        drawn = drawing.of(Report.model_validate(asked["report"]), Path(asked["path"]), _LIMITS)
        pictures = {name: base64.b64encode(data).decode() for name, data in drawn.items()}
        self._say({"id": asked["id"], "pictures": pictures})

    def _page(self, asked: Line) -> None:
        report = Report.model_validate(asked["report"])
        self._say({"id": asked["id"], "page": drawing.page(report, Path(asked["path"]), _LIMITS)})


def main() -> None:
    """Load the models, limit what this process may take, then work until the parent is gone."""
    lines, answers = _pipes()
    lock = threading.Lock()

    def write(line: str) -> None:
        with lock:
            answers.write(line)
            answers.flush()

    settings = json.loads(lines.readline())
    try:
        chosen = _chosen(settings["models"])
        judge = Judge(chosen, ensemble.of(chosen), _LIMITS, evidence=False, trust=provenance.load(()))
        judges = {evidence: judge.asked(evidence=evidence) for evidence in (False, True)}
    except UnmaskError as error:
        write(written({"unfit": str(error)}))
        return
    _limit(settings["memory_bytes"])
    child = Child(judges, write)
    threading.Thread(target=child.score_for_ever, name="score", daemon=True).start()
    write(written({"started": os.getpid(), "cores": usable_cores()}))
    for line in lines:
        child.take(json.loads(line))
    os._exit(0)  # the parent is gone: nobody waits for what is under way


def written(line: Line) -> str:
    """A line as it goes over the pipe."""
    return json.dumps(line, separators=(",", ":")) + "\n"


def _pipes() -> tuple[IO[str], IO[str]]:
    """The parent's lines and where answers go; what a library prints goes to neither."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return sys.stdin, answers


def _chosen(models: Sequence[str]) -> tuple[bundles.Bundle, ...]:
    return tuple(one for model in models for one in bundles.find_all(model)) if models else bundles.shipped()


def _limit(memory_bytes: int) -> None:
    """What this process may take from now on. Systems without such limits have only the parent's watch."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for what, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CORE, 0),  # a dump would hold pictures
        (resource.RLIMIT_FSIZE, 0),  # it writes no files
        (resource.RLIMIT_NOFILE, _FILES),
    ):
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard),) * 2)


if __name__ == "__main__":
    main()

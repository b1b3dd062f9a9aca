"""Long work on many items that survives being stopped: what is done is noted at once, and not done again.

A journal is a file of JSON lines, a note an item. A stop may tear the last line; it is then passed over, and its item
is done again.
"""

from __future__ import annotations

import errno
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from unmask.errors import UnmaskError
from unmask.manifest import located

Note = dict[str, Any]
"""What is remembered of one item. "path" says which, "reason" why it was left out, or is None."""

Progress = Callable[[int, int], None]
Task = TypeVar("Task")


@dataclass(frozen=True)
class Written:
    """What came of it: the new manifest, how many items it has, and how many were left out, by reason."""

    manifest: Path
    items: int
    left_out: dict[str, int]


_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_CHUNK: Final = 8


def key(path: Path) -> str:
    """The same file is known again from any working directory. The file itself may be a link to nowhere."""
    return str(located(path))


def read(journal: Path) -> dict[str, Note]:
    """The notes by path, the latest of each; none where there is no journal yet."""
    if not journal.is_file():
        return {}
    notes = {}
    with journal.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                note = json.loads(line)
                notes[note["path"]] = note
            except (ValueError, TypeError, KeyError):  # empty, or torn: what was being written at an interruption
                continue
    return notes


def work(
    journal: Path, one: Callable[[Task], Note], waiting: Sequence[Task], jobs: int, progress: Progress | None = None
) -> dict[str, Note]:
    """Do each task, and note it as soon as it is done.

    Args:
        journal: Where to note.
        one: Does one task; a function of a module where there are several jobs.
        waiting: What is still to do.
        jobs: Processes.
        progress: Called with tasks done and tasks in all.

    Returns:
        The new notes by path.

    Raises:
        UnmaskError: The disk is full, or a process was ended from outside. What was done stays, and is not done again.
    """
    done: dict[str, Note] = {}
    with room(journal.parent), journal.open("a", encoding="utf-8") as file:
        file.write("\n")  # ends a line that an interruption may have left torn
        for count, note in enumerate(_each(one, waiting, jobs), start=1):
            file.write(json.dumps(note) + "\n")
            file.flush()
            done[note["path"]] = note
            if progress:
                progress(count, len(waiting))
    return done


def left_out(notes: Iterable[Note]) -> dict[str, int]:
    """How many items were left out for which reason."""
    return dict(Counter(note["reason"] for note in notes if note["reason"]))


@contextmanager
def room(folder: Path) -> Iterator[None]:
    """A full disk becomes one sentence.

    Raises:
        UnmaskError: Nothing more could be written below the folder.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        what = f"the disk of {folder} is full: make room and give the same command again; what was done so far is kept"
        raise UnmaskError(what) from error


def _each(one: Callable[[Task], Note], waiting: Sequence[Task], jobs: int) -> Iterator[Note]:
    if jobs == 1 or len(waiting) < 2:
        yield from map(one, waiting)
        return
    with ProcessPoolExecutor(jobs) as pool:
        try:
            yield from pool.map(one, waiting, chunksize=_CHUNK)
        except BrokenProcessPool as error:
            what = "a working process was ended from outside, most likely for want of memory: give the same command "
            raise UnmaskError(what + "again with fewer --jobs; what was done so far is kept") from error
        finally:
            pool.shutdown(cancel_futures=True)

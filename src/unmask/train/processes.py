"""Several networks that learn at a time, each in a process of its own.

A stop ends all of them at once. They are only ever given work that survives being stopped at any moment.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from unmask.errors import UnmaskError

Task = TypeVar("Task")
Result = TypeVar("Result")


def each(work: Callable[[Task], Result], tasks: Sequence[Task], jobs: int) -> Iterator[Result]:
    """Do each task; what comes of it, as soon as it is there.

    Args:
        work: Does one task; it and the tasks must be able to travel to another process where there are several jobs.
        tasks: What to do.
        jobs: Processes; 1 does everything in this one, in order.

    Raises:
        UnmaskError: A process was ended from outside.
    """
    if jobs == 1 or len(tasks) < 2:
        yield from map(work, tasks)
        return
    others = set(multiprocessing.active_children())
    # A fork would wait for threads of torch that it does not have.
    pool = ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"), initializer=_leave_stops_alone)
    try:
        for done in as_completed([pool.submit(work, task) for task in tasks]):
            yield done.result()
    except BaseException as error:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        if isinstance(error, BrokenProcessPool):
            what = "a training process was ended from outside, most likely for want of memory: give the same command "
            raise UnmaskError(what + "again with fewer --jobs; what was done so far is kept") from error
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _leave_stops_alone() -> None:
    """At the beginning of a process: the one that began it ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

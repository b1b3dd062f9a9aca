"""A progress bar on stderr, where that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Move:
    """Moves a progress bar, if there is one."""

    def __init__(self, update: Callable[[str | None, int, int], None]) -> None:
        self._update = update

    def __call__(self, done: int, of: int) -> None:
        """Steps done, and steps in all."""
        self._update(None, done, of)

    def named(self, what: str, done: int, of: int) -> None:
        """The same, with what is going on."""
        self._update(what, done, of)


@contextmanager
def bar(what: str) -> Iterator[Move]:
    """A bar on stderr where that is a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield Move(lambda name, done, of: None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as drawn:
        task = drawn.add_task(what, total=None)
        yield Move(lambda name, done, of: drawn.update(task, description=name or what, completed=done, total=of))

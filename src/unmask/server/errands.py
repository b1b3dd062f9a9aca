"""Errands of the process that opens files: what it is asked, and how that ends."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from unmask.words import Progress

Line = dict[str, Any]
"""One line of what is said to that process and by it, as JSON values."""


class Failed(Exception):
    """A file could not be judged; the message is a sentence."""


class Gone(Exception):
    """There is no process that could judge now, or the caller has given up what it asked."""


@dataclass
class Errand:
    """One request on its way.

    Attributes:
        line: What is asked.
        answer: What comes of it.
        progress: Told how far it is.
        begun_s: When the process began it; None until then.
        most_s: How long it may take from then on.
        suspect: Whether it shall be alone, because a process ended or ran short with it.
    """

    line: Line
    answer: Future[Line]
    progress: Progress | None = None
    begun_s: float | None = None
    most_s: float = 0.0
    suspect: bool = False


def taken(answer: Future[Line], take: Callable[[Line], Any]) -> Future[Any]:
    """The future of a part of the answer."""
    found: Future[Any] = Future()

    def done(line: Future[Line]) -> None:
        try:
            value = take(line.result())
        except Exception as error:  # what the child says is not to be trusted: it may lack anything
            settle(found, error=error if isinstance(error, Failed | Gone) else Failed("the answer cannot be read"))
        else:
            settle(found, value=value)

    answer.add_done_callback(done)
    return found


def settle(future: Future[Any], value: Any = None, error: Exception | None = None) -> None:
    """End a future, unless nobody waits for it any more."""
    if future.set_running_or_notify_cancel():
        future.set_exception(error) if error else future.set_result(value)


def fail(errand: Errand, error: Exception) -> None:
    """End a request without an answer."""
    settle(errand.answer, error=error)

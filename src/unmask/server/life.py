"""The process that opens files, from its start to its end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from unmask.server.errands import Errand
from unmask.server.settings import Settings

CHILD: Final = (sys.executable, "-m", "unmask.server.child")
AHEAD: Final = 8
"""Requests sent beyond those that are worked on."""

_PASSED_ON: Final = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "TMPDIR", "SYSTEMROOT", "UNMASK_TRUST")
"""Of the environment; the rest may hold passwords, and this process may fall into foreign hands."""


@dataclass
class Life:
    """One such process.

    Attributes:
        process: It.
        ready: Whether its models are loaded.
        fresh: Whether it has answered nothing yet.
        most: How many requests it may have at a time.
        unfit: Why it cannot work at all, if it cannot.
        sent: Requests that it has, by their number.
    """

    process: subprocess.Popen[str]
    ready: bool = False
    fresh: bool = True
    most: int = AHEAD
    unfit: str | None = None
    sent: dict[int, Errand] = field(default_factory=dict)


def start(command: Sequence[str], settings: Settings) -> subprocess.Popen[str]:
    """Start it, and tell it what it may take."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # Ctrl-C is for the parent
    )
    told = {"models": settings.models, "memory_bytes": settings.memory_bytes}
    with suppress(OSError):
        assert process.stdin is not None
        process.stdin.write(json.dumps(told) + "\n")
        process.stdin.flush()
    return process

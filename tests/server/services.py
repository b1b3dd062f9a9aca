"""PostgreSQL and Redis as Debian ships them, started for the tests in a folder of their own and reached by loopback.

Where they are not installed, what needs them is skipped with a sentence; under CI, where `.ci/run` installs them, it
fails.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skip what needs something; under CI nothing may be missing."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing, and nothing may be under CI: see .ci/run")
    pytest.skip(f"{what} is not installed: apt-get install chromium postgresql redis-server")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def program(name: str, *folders: str) -> str:
    """Where a program is, or the end of the test."""
    found = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], *folders]))
    if found is None:
        missing(name)
    return found


@contextmanager
def postgres() -> Iterator[str]:
    """A server with an empty cluster; the URL of its database."""
    with tempfile.TemporaryDirectory(prefix="unmask-postgres-") as name:  # pytest's own folders are root's alone
        yield from _postgres(Path(name))


def _postgres(folder: Path) -> Iterator[str]:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    initdb, server = (program(name, *map(str, versions)) for name in ("initdb", "postgres"))
    data, port = folder / "cluster", free_port()
    other = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}  # never as root
    if other:
        shutil.chown(folder, "postgres", "postgres")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    begun = [initdb, "-D", str(data), "-U", "unmask", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run(begun, check=True, **quiet, **other)  # type: ignore[call-overload]
    command = [server, "-D", str(data), "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
    process = subprocess.Popen([*command, "-k", str(folder)], **quiet, **other)  # type: ignore[call-overload]
    try:
        _await(port, process)
        yield f"postgresql://unmask@127.0.0.1:{port}/postgres"
    finally:
        process.send_signal(signal.SIGINT)  # at once, whoever is connected
        process.wait(20)


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """An empty server; its URL."""
    port = free_port()
    command = [program("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _await(port, process)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(20)


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    pytest.fail("the service did not start")

"""`unmask serve` as a process of its own, as users run it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from unmask.server.settings import Settings

_CODE = """
import json, sys
from unmask.server import serving
from unmask.server.settings import Settings
settings = Settings.from_dict(json.loads(sys.argv[1]))
serving.serve(settings, lambda address: print(address, flush=True), with_worker=sys.argv[2] == "yes")
"""


@dataclass
class Served:
    """A server that runs: its address, its process, and a connection to it."""

    url: str
    process: subprocess.Popen[str]
    http: httpx.Client
    settings: Settings

    def children(self, module: str) -> list[int]:
        """Ids of processes of this server that run a module, by what the system knows of them."""
        return [pid for pid in _descendants(self.process.pid) if module in _command(pid)]

    def until_ready(self, seconds: float = 60) -> None:
        """Wait until it can judge."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(httpx.TransportError):
                if self.http.get("/readyz").status_code == 200:
                    return
            time.sleep(0.05)
        pytest.fail("the server was not ready in time")

    def until_job_ended(self, job_id: str, seconds: float = 90) -> dict[str, object]:
        """Wait for a job; what it says then."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(httpx.TransportError):
                job: dict[str, object] = self.http.get(f"/v1/jobs/{job_id}").json()
                if job.get("state") in ("done", "failed", "cancelled"):
                    return job
            time.sleep(0.1)
        pytest.fail("the job did not end in time")

    def post(self, path: str, *files: Path, **fields: str) -> httpx.Response:
        """Send files."""
        return self.http.post(path, files=[("file", (file.name, file.read_bytes())) for file in files], data=fields)


@contextmanager
def served(settings: Settings, *, with_worker: bool = True, ready: bool = True) -> Iterator[Served]:
    """A server until the block ends; then it must go in good order, and leave no process behind."""
    found = begin(settings, with_worker=with_worker)
    try:
        if ready:
            found.until_ready()
        yield found
    finally:
        end(found)


def begin(settings: Settings, *, with_worker: bool = True) -> Served:
    """Start a server, and read where it listens."""
    import json

    command = [sys.executable, "-c", _CODE, json.dumps(settings.to_dict()), "yes" if with_worker else "no"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert url.startswith("http://127.0.0.1:"), "the server did not start"
    return Served(url, process, httpx.Client(base_url=url, timeout=60, trust_env=False), settings)


def end(found: Served) -> None:
    """Stop a server that still runs."""
    left = _descendants(found.process.pid)
    found.http.close()
    if found.process.poll() is None:
        found.process.send_signal(signal.SIGINT)
    found.process.wait(30)
    assert found.process.stdout is not None
    found.process.stdout.close()
    until_gone(left)


def until_gone(process_ids: list[int], seconds: float = 15) -> None:
    """Processes must end by themselves once the server has."""
    limit = time.monotonic() + seconds
    while any(_command(pid) for pid in process_ids):
        assert time.monotonic() < limit, "a process was left behind"
        time.sleep(0.05)


def _command(process_id: int) -> str:
    try:
        return Path(f"/proc/{process_id}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def _descendants(process_id: int) -> list[int]:
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    found: list[int] = []
    waiting = [process_id]
    while waiting:
        mine = [pid for pid, parent in parents.items() if parent == waiting[0]]
        found += mine
        waiting = waiting[1:] + mine
    return found


def kill(process_id: int) -> None:
    """As the system does when it is short of memory: without a word."""
    os.kill(process_id, signal.SIGKILL)

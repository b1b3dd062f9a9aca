"""`unmask serve`: the web server, and beside it one worker, each started again when it ends before time."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Final

import uvicorn

from unmask.errors import UsageError
from unmask.server import keys
from unmask.server.app import create_app
from unmask.server.database import Database
from unmask.server.http_protocol import within
from unmask.server.service import Service
from unmask.server.settings import Settings

_IDLE_S: Final = 15
_BACKLOG: Final = 2048
_REST_S: Final = 1.0
_STOP_S: Final = 10.0


class HiredWorker:
    """A worker as a process of its own, started anew whenever it ends. It ends when this process does, however."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._closed = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._live_on, name="worker", daemon=True)
        self._thread.start()

    @property
    def process_id(self) -> int | None:
        """Of the process that runs now."""
        return self._process.pid if self._process else None

    def close(self) -> None:
        """Let it give back what it has in hand, and end it."""
        self._closed.set()
        if self._process:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._thread.join(_STOP_S)

    def _live_on(self) -> None:
        while not self._closed.is_set():
            self._process = subprocess.Popen(
                [sys.executable, "-m", "unmask.server.hired"], stdin=subprocess.PIPE, start_new_session=True
            )
            with suppress(OSError):
                assert self._process.stdin is not None
                self._process.stdin.write(json.dumps(self._settings.to_dict()).encode() + b"\n")
                self._process.stdin.flush()
            self._process.wait()
            self._closed.wait(_REST_S)


def check_keys(settings: Settings) -> None:
    """Refuse to let others reach a server that would answer anybody.

    Raises:
        UsageError: Keys are needed, and there are none.
    """
    if not settings.needs_keys:
        return
    settings.prepare_folder()
    database = Database(settings.database_url)
    database.upgrade()
    try:
        with database.reading() as connection:
            if keys.any_valid(connection):
                return
    finally:
        database.close()
    where = f"{settings.host} can be reached by others" if not settings.loopback else "this server asks for keys"
    raise UsageError(f"{where}, and no API key exists: make one first with `unmask keys add NAME`")


def serve(settings: Settings, started: Callable[[str], None], *, with_worker: bool = True) -> None:
    """Serve until a signal says to stop.

    Args:
        settings: How.
        started: Told the address once we listen.
        with_worker: Whether to start a worker beside it.

    Raises:
        UsageError: No keys where they are needed, or the address is taken.
    """
    check_keys(settings)
    with ExitStack() as stack:
        listening = stack.enter_context(_listen(settings))
        _allow_files()
        service = Service.opened(settings)
        stack.callback(service.close)
        if with_worker:
            stack.callback(HiredWorker(settings).close)
        config = uvicorn.Config(
            create_app(settings, service),
            http=within(settings.head_s),
            ws="none",
            lifespan="on",
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=_BACKLOG,
            timeout_keep_alive=_IDLE_S,
            timeout_graceful_shutdown=5,
        )
        host = settings.host.strip("[]")
        host = f"[{host}]" if ":" in host else host
        started(f"http://{host}:{listening.getsockname()[1]}/")
        with suppress(KeyboardInterrupt):  # Ctrl-C is how one stops it
            uvicorn.Server(config).run(sockets=[listening])


def _listen(settings: Settings) -> socket.socket:
    host = settings.host.strip("[]")
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, settings.port))
    except OSError as error:
        listening.close()
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"{settings.host}:{settings.port} cannot be listened on: {reason}; try --port") from error
    return listening


def _allow_files() -> None:
    """A thousand connections are a thousand open files; the usual limit is just that."""
    with suppress(ImportError, ValueError, OSError):  # no such limits on Windows
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536) if hard > 0 else 65_536, hard))

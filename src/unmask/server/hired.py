"""The worker that `unmask serve` starts: its settings come on the first line of stdin, and its end with the last."""

from __future__ import annotations

import json
import os
import signal
import sys

from unmask.errors import UnmaskError
from unmask.server.settings import Settings
from unmask.server.worker import Worker, end_with_parent


def main() -> None:
    """Work until told to stop, or until the server is gone."""
    line = b""
    while not line.endswith(b"\n"):  # no buffered reading: the rest of stdin belongs to `end_with_parent`
        piece = os.read(0, 1)
        if not piece:
            return
        line += piece
    try:
        worker = Worker(Settings.from_dict(json.loads(line)))
    except UnmaskError as error:
        sys.exit(f"unmask worker: {error}")
    end_with_parent(lambda: os.kill(os.getpid(), signal.SIGKILL))  # as the server did: claims run out by themselves
    worker.run()


if __name__ == "__main__":
    main()

"""Speaks as `unmask.server.child` does, and does what the name of a file says: dies, hangs, babbles, or is honest."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

at_work: list[int] = []


def say(**line: Any) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def work(asked: dict[str, Any]) -> None:
    name, number = Path(asked["path"]).name, asked["id"]
    at_work.append(number)
    try:
        answer(asked, name, number)
    finally:
        at_work.remove(number)


def answer(asked: dict[str, Any], name: str, number: int) -> None:
    if "unbegun" not in name:
        say(id=number, begun="photo")
    if "waits" in name:
        say(id=number, waits=True)
        time.sleep(1.8)
        say(id=number, begun="film")
    if "slow" in name:
        time.sleep(0.3)
    if "kill" in name:
        time.sleep(0.1)  # so that others are under way, too
        os.kill(os.getpid(), signal.SIGKILL)
    if "hang" in name:
        time.sleep(1000)
    if "greedy" in name and (number == 1 or len(at_work) > 1 or "hopeless" in name):
        say(id=number, short="it needs more memory")
        return
    if "lies" in name:
        say(id=number, nothing="that was asked for")
    elif "fails" in name:
        say(id=number, failed="it is broken")
    elif "strange" in name:
        sys.stdout.write(json.dumps([1, 2] if "list" in name else {"id": [], "begun": {}}) + "\n")
        sys.stdout.flush()
    elif "babble" in name:
        sys.stdout.write('{"id": \n')
        sys.stdout.flush()
    else:
        say(id=number, doing="looking", share=0.5)
        say(id=number, report={"path": name, "evidence": asked["evidence"], "process": os.getpid()})


if __name__ == "__main__":
    settings = json.loads(sys.stdin.readline())
    if settings["models"] == ["damaged"]:
        say(unfit="the model is damaged")
    elif settings["models"] == ["dies"]:
        sys.exit(1)
    else:
        say(started=os.getpid(), cores=2)
        for line in sys.stdin:
            threading.Thread(target=work, args=(json.loads(line),), daemon=True).start()

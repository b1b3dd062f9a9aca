"""Drawn files with bytes flipped, cut, doubled and announced larger than they are, read in a process of their own.

A process of its own, because native code that crashes takes its process along, and what it took of memory shows only
there. `python -m tests.mutations SEED FIRST COUNT FOLDER` is that process: it writes a line of JSON for each file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

ROOT: Final = Path(__file__).parent.parent
HANG_S: Final = 1.0
"""Reading one file may take no longer."""

MEMORY_MB: Final = 300.0
_MOST_FLIPS: Final = 40


@dataclass
class Outcome:
    """What became of many mutated files.

    Attributes:
        read: How many were read to an account.
        crashed: Numbers of those that ended the process.
        slowest_s: The longest time that one took.
        slowest: Its number.
        hardest_s: The longest time that the processor worked on one, whatever else it had to do.
        peak_mb: Memory of the process at most, in 10^6 bytes.
        base_mb: The same before the first mutated file, once everything was loaded.
        unforeseen: How many met an exception that no reader foresaw; it became a finding.
        codes: How often each finding came up.
        declared: How many still declare something.
    """

    read: int = 0
    crashed: list[int] = field(default_factory=list)
    slowest_s: float = 0.0
    slowest: int = -1
    hardest_s: float = 0.0
    peak_mb: float = 0.0
    base_mb: float = 0.0
    unforeseen: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    declared: int = 0


def mutated(data: bytes, seed: int) -> bytes:
    """A file with a few of its bytes changed; the same ones for the same seed.

    Metadata lies at the beginning and the end, so most flips do too.
    """
    rng = np.random.default_rng(seed)
    found = bytearray(data)
    for _ in range(int(rng.integers(1, _MOST_FLIPS))):
        near = int(rng.choice([len(found), min(len(found), 4096), min(len(found), 512)]))
        at = int(rng.integers(0, near))
        found[len(found) - 1 - at if rng.random() < 0.2 else at] ^= int(rng.integers(1, 256))
    change = rng.random()
    at = int(rng.integers(0, len(found)))
    if change < 0.15:
        del found[at:]
    elif change < 0.3:  # a length that announces far too much
        found[at : at + 4] = bytes(rng.choice([0xFF, 0x7F, 0x00], 4).astype(np.uint8))
    elif change < 0.4:
        found[at:at] = found[at // 2 : at]
    return bytes(found)


def run(count: int, folder: Path, seed: int = 0) -> Outcome:
    """Read as many mutated files; after a crash, a new process goes on with the next one."""
    outcome = Outcome()
    first = 0
    while first < count:
        command = [sys.executable, "-m", "tests.mutations", str(seed), str(first), str(count), str(folder)]
        paths = os.pathsep.join((str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")))
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": paths}, timeout=3600
        )
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        if not lines:
            raise RuntimeError(f"no file was read at all: {done.stderr[-2000:]}")
        for line in lines:
            _count(outcome, line)
        first = int(lines[-1]["number"]) + 1
        if first < count:
            outcome.crashed.append(first)
            first += 1
    return outcome


def _count(outcome: Outcome, line: dict[str, object]) -> None:
    number, seconds = int(str(line["number"])), float(str(line["seconds"]))
    outcome.peak_mb = max(outcome.peak_mb, float(str(line["peak_mb"])))
    if number < 0:
        outcome.base_mb = outcome.peak_mb
        return
    codes = [str(one) for one in line["codes"]] if isinstance(line["codes"], list) else []
    outcome.read += 1
    outcome.codes.update(set(codes))
    outcome.unforeseen += bool(line["unforeseen"])
    outcome.declared += bool(line["declared"])
    outcome.hardest_s = max(outcome.hardest_s, float(str(line["cpu_s"])))
    if seconds > outcome.slowest_s:
        outcome.slowest_s, outcome.slowest = seconds, number


def _main(arguments: Sequence[str]) -> None:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    from measured import own_peak_mb

    from tests.draw_provenance import KINDS
    from unmask.provenance.whole import read

    seed, first, count = (int(one) for one in arguments[:3])
    folder = Path(arguments[3])
    drawn = [draw() for draw in KINDS.values()]

    def once(number: int, suffix: str, data: bytes) -> None:
        path = folder / f"mutated{suffix}"
        path.write_bytes(data)
        begun, worked = time.perf_counter(), time.process_time()
        account, _ = read(path)
        seconds, cpu_s = time.perf_counter() - begun, time.process_time() - worked
        line = {
            "number": number,
            "seconds": seconds,
            "cpu_s": cpu_s,
            "peak_mb": own_peak_mb(),
            "codes": [one.code for one in account.findings],
            "unforeseen": any("reading it failed" in one.sentence for one in account.findings),
            "declared": any(one.declaration for one in account.findings),
        }
        print(json.dumps(line), flush=True)

    for suffix, data in drawn:  # so that everything is loaded before memory and time are looked at
        once(-1, suffix, data)
    for number in range(first, count):
        suffix, data = drawn[number % len(drawn)]
        once(number, suffix, mutated(data, seed * 1_000_003 + number))


if __name__ == "__main__":
    _main(sys.argv[1:])

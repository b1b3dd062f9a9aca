"""What the benchmarks share: a line of their tables, and how much memory a process took at most."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Row:
    """One measured line of the table."""

    what: str
    value: str
    goal: str
    met: bool | None = None


def show(title: str, rows: Iterable[Row]) -> None:
    """Print the table."""
    table = Table("what", "measured", "goal", "met", title=title)
    for row in rows:
        table.add_row(row.what, row.value, row.goal, "" if row.met is None else "yes" if row.met else "NO")
    Console(width=120).print(table)


def own_peak_mb() -> float:
    """Peak resident memory of this process in 10^6 bytes.

    On Linux from /proc, because `ru_maxrss` there also counts what the parent held when it started this process.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def peak_mb(path: Path) -> float:
    """Peak memory of a process of its own that judges one file."""
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import unmask; from measured import "
    code += f"own_peak_mb; unmask.scan({str(path)!r}); print(own_peak_mb())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)

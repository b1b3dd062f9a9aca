"""Mutated files against the reader of metadata: no crash, no hang, no flood of memory.

`python benchmarks/provenance_fuzz.py` draws one file of each kind that docs/provenance-findings.md lists, flips bytes
in copies of it by seed, and reads 2,000 of them in a process of their own. It exits with 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from measured import Row, show
from tests.mutations import HANG_S, MEMORY_MB, run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(wanted.files, Path(folder), wanted.seed)
    seconds = time.perf_counter() - begun
    rows = [
        Row("files read to an account", f"{outcome.read:,}", f"{wanted.files:,}", outcome.read == wanted.files),
        Row("crashes", str(len(outcome.crashed)), "0", not outcome.crashed),
        Row("longest time for one file", f"{1e3 * outcome.slowest_s:.0f} ms", "1 s", outcome.slowest_s < HANG_S),
        Row("memory at most", f"{outcome.peak_mb:.0f} MB", f"{MEMORY_MB:.0f} MB", outcome.peak_mb < MEMORY_MB),
        Row("  of that before the first file", f"{outcome.base_mb:.0f} MB", ""),
        Row("exceptions that no reader foresaw", str(outcome.unforeseen), "a finding each"),
        Row("files that still declare something", f"{outcome.declared:,}", ""),
        Row("all of it", f"{seconds:.0f} s", ""),
    ]
    show(f"{wanted.files:,} mutated files, seed {wanted.seed}", rows)
    for code, count in outcome.codes.most_common():
        sys.stdout.write(f"{count:>6,}  {code}\n")
    return 0 if all(row.met is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())

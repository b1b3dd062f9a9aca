"""How fast training is beside a bare PyTorch loop, and whether its memory is flat: `python benchmarks/training.py`.

The same network, batch, optimizer and precision, thrice: a bare loop over batches that lie ready in memory; our loop
with all pictures in memory; our loop with none, so that each is decoded from its JPEG file when it is shown. Each of
ours runs with the training of a recipe (moving average, clipped gradients, metrics), but without augmentation, which
the bare loop has none of. The three take turns, and medians count. Pictures are noise: speed does not ask what they
show. For memory, 100,000 files are linked from 500.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from measured import Row, own_peak_mb, show
from PIL import Image

from unmask import manifest
from unmask.manifest import FAKE, REAL, Item
from unmask.prepare import CUT, MANIFEST
from unmask.runtime import usable_cores
from unmask.train import loop
from unmask.train.models import build
from unmask.train.recipes import Recipe

SIZE_PX: Final = 128
BATCH: Final = 32
DISTINCT: Final = 500
ROUNDS: Final = 5


def recipe(backbone: str, pictures: int, epochs: int = 1) -> Recipe:
    """What both loops do."""
    off = dict.fromkeys(("flip", "zoom", "colour", "resize", "blur", "noise", "jpeg"), 0.0)
    return Recipe.model_validate(
        {
            "name": "speed",
            "summary": "A benchmark",
            "pooling": "mean",
            "cut": {"kind": "whole", "size_px": SIZE_PX},
            "data": {"made": 0.0},
            "augment": off,
            "model": {"backbone": {"name": backbone, "weights": "none"}},
            "train": {"epochs": epochs, "pictures_per_epoch": pictures, "batch": BATCH},
        }
    )


def make_prepared(folder: Path, count: int) -> Path:
    """A folder as `unmask prepare` would fill it, but of JPEG files: linked from a few, so that many cost nothing."""
    (folder / "segments").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(DISTINCT):
        coarse = Image.fromarray(rng.integers(0, 256, (24, 24, 3), np.uint8))
        coarse.resize((SIZE_PX, SIZE_PX), Image.Resampling.BICUBIC).save(folder / f"{number}.jpg", quality=90)
    items = []
    for number in range(count):
        path = folder / "segments" / f"{number:06}.jpg"
        os.link(folder / f"{number % DISTINCT}.jpg", path)
        split = "val" if number < 64 else "train"
        items.append(Item(path, (REAL, FAKE)[number % 2], source="drawn", split=split))
    manifest.write(folder / MANIFEST, items)
    (folder / CUT).write_text(recipe("resnet18", BATCH).cut.model_dump_json())
    return folder


def bare(chosen: Recipe) -> float:
    """Pictures a second of the loop that everybody writes first."""
    model = build(chosen.model).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    rng = np.random.default_rng(0)
    batches = [torch.from_numpy(rng.integers(0, 256, (BATCH, SIZE_PX, SIZE_PX, 3), np.uint8)) for _ in range(4)]
    labels = (torch.arange(BATCH) % 2).float()
    half = loop.precision() == "bf16-mixed"
    steps = chosen.train.pictures_per_epoch // BATCH
    began = time.perf_counter()
    for step in range(steps):
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            logits, _ = model(batches[step % len(batches)])
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
    return steps * BATCH / (time.perf_counter() - began)


def ours(chosen: Recipe, prepared: Path, memory_bytes: int, workers: int) -> float:
    """Pictures a second of our loop, as its log says: all of the epoch but looking at val."""
    with tempfile.TemporaryDirectory() as run:
        line = loop.train(chosen, prepared, Path(run), workers=workers, memory_bytes=memory_bytes).last
    return line["pictures_per_s"]


def speed(backbone: str, pictures: int) -> list[Row]:
    """The three loops, taking turns."""
    chosen = recipe(backbone, pictures)
    with tempfile.TemporaryDirectory() as name:
        prepared = make_prepared(Path(name, "prepared"), max(1000, pictures // 4))
        loops: dict[str, Any] = {
            "a bare PyTorch loop, batches in memory": lambda: bare(chosen),
            "our loop, pictures in memory": lambda: ours(chosen, prepared, 2**30, 0),
            "our loop, each from its JPEG file": lambda: ours(chosen, prepared, 0, 0),
            "our loop, each from its JPEG file, one worker": lambda: ours(chosen, prepared, 0, 1),
        }
        rates: dict[str, list[float]] = {what: [] for what in loops}
        for _ in range(ROUNDS):
            for what, run in loops.items():
                rates[what].append(run())
    middle = {what: statistics.median(found) for what, found in rates.items()}
    plain, memory, files, worker = middle.values()
    rows = [Row(f"{backbone}, {what}", f"{rate:.1f} pictures/s", "") for what, rate in middle.items()]
    rows.append(Row("  our loop, of the bare one", f"{memory / plain:.2f}", "0.90 or more", memory / plain >= 0.9))
    best = max(files, worker)
    rows.append(Row("  from files, of that in memory", f"{best / memory:.2f}", "0.85 or more", best / memory >= 0.85))
    return rows


def memory(count: int) -> list[Row]:
    """Peak memory of an epoch over few and over many files, each in a process of its own, pictures not kept."""
    with tempfile.TemporaryDirectory() as name:
        peaks = []
        for number in (count // 10, count):
            folder = make_prepared(Path(name, str(number)), number)
            command = [sys.executable, __file__, "--peak", str(folder)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            peaks.append(json.loads(done.stdout))
    rows = [Row(f"peak memory, {peak['files']:,} files", f"{peak['mb']:.0f} MB", "") for peak in peaks]
    growth, more = peaks[1]["mb"] - peaks[0]["mb"], peaks[1]["files"] - peaks[0]["files"]
    each = growth / more * 1e6
    what = "  growth a file, a line of the manifest included"
    return [*rows, Row(what, f"{each:,.0f} bytes", f"a picture has {3 * SIZE_PX**2:,}", each < 0.1 * 3 * SIZE_PX**2)]


def report_peak(prepared: Path) -> None:
    """Train a little on a folder, every picture shown once at most, and print this process's peak memory."""
    files = len(manifest.read(prepared / MANIFEST))
    ours(recipe("test_efficientnet", files - files % BATCH), prepared, 64 * 2**20, 0)
    sys.stdout.write(json.dumps({"files": files, "mb": own_peak_mb()}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="mobilenetv2_100")
    parser.add_argument("--pictures", type=int, default=640, help="in each timed run")
    parser.add_argument("--files", type=int, default=100_000, help="for memory")
    parser.add_argument("--peak", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        report_peak(options.peak)
        return
    show(
        f"training on {usable_cores()} cores, {loop.precision()}",
        [*speed(options.backbone, options.pictures), *memory(options.files)],
    )


if __name__ == "__main__":
    main()

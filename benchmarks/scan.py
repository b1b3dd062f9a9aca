"""How fast scanning is, and what it costs in memory: `python benchmarks/scan.py [--photos 500]`.

The photos are made on the spot from one public-domain portrait, at drawn sizes and qualities, in a temporary folder.
"The sum of its parts" is what a folder would take if each part ran alone, one after the other, on the same cores:
decoding the JPEG files, the face network, and the detectors that were asked, the last two bare in onnxruntime.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
from measured import Row, own_peak_mb, show
from numpy.typing import NDArray
from PIL import Image

from unmask import Scanner, Status, bundles, faces
from unmask.faces import FaceFinder
from unmask.modalities import image
from unmask.onnx_shapes import free_dimensions
from unmask.runtime import Session, usable_cores

SAMPLE: Final = 100
"""Photos on which the bare parts are timed."""

BATCH: Final = 2


def portrait() -> Image.Image:
    """The NASA portrait that scikit-image's wheel carries; the package is located, not imported."""
    spec = find_spec("skimage")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("the portrait is missing: pip install scikit-image")
    with Image.open(Path(spec.submodule_search_locations[0]) / "data" / "astronaut.png") as picture:
        return picture.convert("RGB")


def make_photos(folder: Path, count: int) -> list[Path]:
    """Write JPEG files of 0.4 to 2.6 megapixels, cut, mirrored and compressed as drawn from one seed."""
    rng = np.random.default_rng(0)
    source = portrait()
    paths = []
    for number in range(count):
        left, top = rng.integers(0, 100, 2)
        picture = source.crop((int(left), int(top), 512 - int(rng.integers(0, 100)), 512))
        side = int(rng.integers(640, 1600))
        picture = picture.resize((side, round(side * picture.height / picture.width)), Image.Resampling.BICUBIC)
        if rng.random() < 0.5:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        paths.append(folder / f"{number:05}.jpg")
        picture.save(paths[-1], quality=int(rng.integers(60, 96)))
    return paths


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def one_photo(path: Path) -> Row:
    """The median of 30 scans with the models loaded."""
    with Scanner() as scanner:
        for _ in range(3):
            report = scanner.scan(path)
        assert report.status is Status.OK
        median = statistics.median(seconds(lambda: scanner.scan(path)) for _ in range(30))
    what = f"one 1-megapixel JPEG, {report.faces} face, models loaded: median of 30"
    return Row(what, f"{median * 1e3:.0f} ms", "60 ms or less", median <= 0.06)


def cold_start(path: Path) -> Row:
    """The median of 5 runs of the whole command."""
    command = [str(Path(sys.executable).with_name("unmask")), "scan", "--json", str(path)]
    environment = os.environ | {"PYTHONWARNINGS": "default"}

    def run() -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)

    run()  # the first run may compile byte code, which an installer does for users
    median = statistics.median(seconds(run) for _ in range(5))
    return Row("`unmask scan` of that photo from a cold start: median of 5", f"{median:.2f} s", "1.2 s", median <= 1.2)


def folder(paths: Sequence[Path]) -> list[Row]:
    """Photos a second of the scan, of each bare part, and of their sum."""
    asked: set[str] = set()
    with Scanner() as scanner:
        scanner.scan(paths[0])
        started = time.perf_counter()
        for report in scanner.scan_many(paths):
            assert report.status is Status.OK, report.message
            asked |= set(report.scores)
        rate = len(paths) / (time.perf_counter() - started)
    costs = parts(paths[:SAMPLE], asked)
    bare = 1 / sum(costs.values())
    rows = [Row(f"a folder of {len(paths)} photos", f"{rate:.1f} photos/s", "")]
    rows += [Row(f"  {name} alone", f"{1 / cost:.1f} photos/s", "") for name, cost in costs.items()]
    rows.append(Row("  the sum of its parts", f"{bare:.1f} photos/s", ""))
    rows.append(Row("  share of that reached", f"{rate / bare:.2f}", "0.6 or more", rate / bare >= 0.6))
    return rows


def parts(paths: Sequence[Path], asked: set[str]) -> dict[str, float]:
    """Seconds a photo of each part, alone on all cores."""
    cores = usable_cores()
    finder = FaceFinder()
    photos = [image.load(path) for path in paths]
    found = [finder.find(photo.image)[0] for photo in photos]
    small = [_network_input(photo.image) for photo in photos]
    model = free_dimensions(faces.network_path().read_bytes(), "input.1", ("batch", 3, "height", "width"))
    with ThreadPoolExecutor(cores) as pool:
        network = Session(model, threads=1, many_sizes=True)
        costs = {
            "JPEG decoding": seconds(lambda: list(pool.map(image.load, paths))),
            "the face network": seconds(lambda: list(pool.map(network.run, small))),
        }
    for bundle in bundles.shipped():
        if bundle.card.name in asked and not bundle.card.graph:  # a graph that several heads share is run once
            cuts = [image.segments(photo, bundle.card.cut, seen) for photo, seen in zip(photos, found, strict=True)]
            pixels = np.stack([segment.pixels for segments in cuts for segment in segments])
            detector = Session(bundle.model_path)
            costs[f"the detector {bundle.card.name}"] = seconds(lambda p=pixels, d=detector: _batches(d, p))  # type: ignore[misc]
    return {name: cost / len(paths) for name, cost in costs.items()}


def _batches(detector: Session, pixels: NDArray[Any]) -> None:
    for start in range(0, len(pixels), BATCH):
        detector.run(pixels[start : start + BATCH])


def _network_input(picture: Image.Image) -> NDArray[np.float32]:
    """The copy that the face network looks at first: long side 256 px, sides in steps of 32 px."""
    scale = faces.SEARCH_SIDES_PX[0] / max(picture.size)
    width, height = (-(-round(side * scale) // 32) * 32 for side in picture.size)
    pixels = np.asarray(picture.resize((width, height)), np.float32)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])


def memory(folder: Path, count: int) -> list[Row]:
    """Peak resident memory of scanning half and all of the photos, each thrice in a process of its own.

    How many large photos happen to be decoded at once moves a peak by 50 MB; a leak would double with the photos.
    """
    half, all_of_them = (
        statistics.median(_peak_mb(folder, number) for _ in range(3)) for number in (count // 2, count)
    )
    growth = all_of_them - half
    return [
        Row(f"peak memory, {count} photos: median of 3", f"{all_of_them:.0f} MB", "under 700 MB", all_of_them < 700),
        Row(f"  growth from {count // 2} to {count} photos", f"{growth:+.0f} MB", "flat", growth < 50),
    ]


def _peak_mb(folder: Path, count: int) -> float:
    command = [sys.executable, __file__, "--peak", str(folder), "--photos", str(count)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def report_peak(folder: Path, count: int) -> None:
    """Scan the first photos of a folder, and print this process's peak resident memory in 10^6 bytes."""
    with Scanner() as scanner:
        for _ in scanner.scan_many(islice(sorted(folder.glob("*.jpg")), count)):
            pass
    sys.stdout.write(f"{own_peak_mb()}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=500)
    parser.add_argument("--peak", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not bundles.shipped():
        sys.exit("no detector ships with this installation yet, so there is nothing to measure")
    if options.peak:
        report_peak(options.peak, options.photos)
        return
    with tempfile.TemporaryDirectory() as name:
        paths = make_photos(Path(name), options.photos)
        single = Path(name, "one-megapixel.jpeg")
        portrait().resize((1000, 1000), Image.Resampling.BICUBIC).save(single, quality=90)
        rows = [one_photo(single), cold_start(single), *folder(paths), *memory(Path(name), options.photos)]
    show(f"unmask on {usable_cores()} cores", rows)


if __name__ == "__main__":
    main()

"""What the witness of compression costs: `python benchmarks/compression.py [--repeat 5]`.

JPEGs of 1 and of 12 megapixels, drawn on the spot, with a face said to be in their middle. Decoding and finding faces
are not timed: a scan has done both. At most one megapixel is looked at, so the larger one must not take longer.
"""

from __future__ import annotations

import argparse
import io
import time

import numpy as np
from measured import Row, show
from PIL import Image

from unmask.detectors import compression
from unmask.faces import Face

SIZES = {"1 megapixel": (1000, 1000), "12 megapixels": (4000, 3000)}


def main() -> None:
    """Measure, and print a table of the fastest of several runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    repeat = parser.parse_args().repeat
    rows = []
    for name, (width, height) in SIZES.items():
        header = Image.open(io.BytesIO(drawn(width, height)))
        picture = header.copy().convert("RGB")
        box = np.array([0.45 * width, 0.45 * height, 0.55 * width, 0.55 * height], np.float32)
        face = Face(box, np.zeros((5, 2), np.float32), 1.0)
        took = []
        for _ in range(repeat):
            began = time.perf_counter()
            compression.look(header, picture, [face])
            took.append(time.perf_counter() - began)
        rows.append(Row(f"a JPEG of {name}", f"{1000 * min(took):.0f} ms", ""))
    show("Compression", rows)


def drawn(width: int, height: int) -> bytes:
    """A JPEG with detail of two sizes, of quality 85."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 255, (height // 8, width // 8, 3), np.uint8)).resize((width, height))
    grain = rng.normal(0, 4, (height, width, 1))
    pixels = np.clip(np.asarray(coarse, np.float32) + grain, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=85)
    return file.getvalue()


if __name__ == "__main__":
    main()

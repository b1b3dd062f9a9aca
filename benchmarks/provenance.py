"""What reading a file's words about itself costs: `python benchmarks/provenance.py [--repeat 30]`.

The file is a JPEG of 5 MB with EXIF, a thumbnail and XMP, drawn on the spot. Only reading is timed: its bytes are in
memory already, as they are in a scan. It exits with 1 where the goal is missed.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from measured import Row, show
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests import draw_credentials as credentials
from tests import draw_provenance as drawn

from unmask import provenance
from unmask.modalities import image

GOAL_MS: Final = 15.0
_BYTES: Final = 5_000_000


def photo() -> bytes:
    """A JPEG of 5 MB with metadata of three kinds."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)).resize((3600, 2400))
    pixels = np.asarray(coarse, np.float32) + rng.normal(0, 14, (2400, 3600, 3)).astype(np.float32)
    picture = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    said = drawn.packet({"xmp:CreatorTool": "Ver.1.0", "photoshop:Credit": "Agency", "tiff:Make": "Canon"})
    exif = drawn.exif_with_thumbnail(picture.resize((160, 107)))
    for quality in range(98, 60, -1):
        found = drawn.saved(picture, "JPEG", quality=quality, exif=exif)
        if len(found) <= _BYTES:
            break
    segment = b"http://ns.adobe.com/xap/1.0/\0" + said
    return found[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + found[2:]


def best_and_middle_ms(work: Callable[[], object], repeat: int) -> tuple[float, float]:
    """The shortest and the middle time of a call, in milliseconds."""
    work()
    spans = []
    for _ in range(repeat):
        begun = time.perf_counter()
        work()
        spans.append(1e3 * (time.perf_counter() - begun))
    return min(spans), sorted(spans)[len(spans) // 2]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=30)
    repeat = parser.parse_args().repeat
    data = photo()
    decoded = Image.open(io.BytesIO(data)).convert("RGB")
    account = provenance.read(data)
    signed = credentials.sign(data, "image/jpeg", drawn.known_signer(), credentials.created())
    with tempfile.TemporaryDirectory() as folder:
        film, path = Path(folder) / "film.mp4", Path(folder) / "photo.jpg"
        film.write_bytes(drawn.KINDS["video of a phone"]()[1])
        path.write_bytes(data)
        spent = {
            "reading it": best_and_middle_ms(lambda: provenance.read(data), repeat),
            "comparing it with its pixels": best_and_middle_ms(lambda: provenance.against(account, decoded), repeat),
            "reading it, with Content Credentials": best_and_middle_ms(lambda: provenance.read(signed), repeat),
            "reading the tags of a film": best_and_middle_ms(lambda: provenance.read_film(film), repeat),
            "for comparison: file and its hash": best_and_middle_ms(lambda: image.read(path), repeat),
            "for comparison: decoding it": best_and_middle_ms(lambda: image.load(path), min(repeat, 5)),
        }
    both = spent["reading it"][1] + spent["comparing it with its pixels"][1]
    rows = [Row(what, f"{low:.1f} ms, middle {middle:.1f} ms", "") for what, (low, middle) in spent.items()]
    rows.append(Row("reading and comparing, middle", f"{both:.1f} ms", f"{GOAL_MS:.0f} ms", both <= GOAL_MS))
    show(f"A JPEG of {len(data) / 1e6:.1f} MB, {decoded.width} x {decoded.height} px", rows)
    return 0 if both <= GOAL_MS else 1


if __name__ == "__main__":
    sys.exit(main())

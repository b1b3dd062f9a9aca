"""What triage saves: `python benchmarks/triage.py [--photos 120]`.

A folder of photos, made on the spot from one public-domain portrait, of which 30 in 100 declare to be made by a model:
by a generator's parameters, by XMP, by Content Credentials. It is scanned as ever and with `--triage`, in turn, and the
reports on all others must be the same. It exits with 1 where they are not.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from measured import Row, show
from PIL import Image
from scan import make_photos

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests import draw_credentials as credentials
from tests import draw_provenance as drawn

from unmask import Report, Scanner

SHARE: Final = 0.3


def declare(path: Path, how: int) -> None:
    """Let a photo declare to be made by a model, in one of three ways."""
    if how == 0:
        with Image.open(path) as picture:
            path.with_suffix(".png").write_bytes(drawn.png({"parameters": drawn.A1111}, image=picture.convert("RGB")))
        path.unlink()
    elif how == 1:
        with Image.open(path) as picture:
            said = {"Iptc4xmpExt:DigitalSourceType": credentials.SOURCE_TYPES + "trainedAlgorithmicMedia"}
            data = drawn.saved(picture.convert("RGB"), "JPEG", quality=90, xmp=drawn.packet(said))
        path.write_bytes(data)
    else:
        signed = credentials.sign(path.read_bytes(), "image/jpeg", drawn.known_signer(), credentials.created())
        path.write_bytes(signed)


def folder_of(folder: Path, count: int) -> list[Path]:
    """The photos, those that declare spread among the others by one seed."""
    paths = make_photos(folder, count)
    chosen = np.random.default_rng(1).permutation(count)[: round(SHARE * count)]
    for number, index in enumerate(chosen):
        declare(paths[index], number % 3)
    return sorted(folder.iterdir())


def scanned(paths: Sequence[Path], *, triage: bool) -> tuple[float, float, list[Report]]:
    """Seconds of one scan with the models loaded, of the clock and of all cores, and its reports.

    Each file is scored by itself, so that the last digits of a score do not depend on which files shared a batch.
    """
    with Scanner(triage=triage) as scanner:
        scanner.scan(paths[0])
        begun, spent = time.perf_counter(), time.process_time()
        reports = list(scanner.scan_many(paths, alone=True))
        return time.perf_counter() - begun, time.process_time() - spent, reports


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=120)
    parser.add_argument("--repeat", type=int, default=3)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = folder_of(Path(folder), wanted.photos)
        plain, triaged = [], []
        for _ in range(wanted.repeat):
            plain.append(scanned(paths, triage=False))
            triaged.append(scanned(paths, triage=True))
    before, after = (min(span for span, _, _ in runs) for runs in (plain, triaged))
    before_cpu, after_cpu = (min(spent for _, spent, _ in runs) for runs in (plain, triaged))
    spared = [report for report in triaged[0][2] if report.skipped]
    rest = [(one, other) for one, other in zip(plain[0][2], triaged[0][2], strict=True) if other.skipped is None]
    changed = sum(one != other for one, other in rest)
    same_labels = all(
        one.verdict and other.verdict and one.verdict.label is other.verdict.label
        for one, other in zip(plain[0][2], triaged[0][2], strict=True)
    )
    rows = [
        Row("as ever", f"{before:.1f} s, {len(paths) / before:.1f} photos a second", ""),
        Row("with --triage", f"{after:.1f} s, {len(paths) / after:.1f} photos a second", ""),
        Row("saved of the time", f"{1 - after / before:.0%}", ""),
        Row("saved of what all cores worked", f"{1 - after_cpu / before_cpu:.0%}, {before_cpu - after_cpu:.1f} s", ""),
        Row("files that no network was asked about", f"{len(spared)} of {len(paths)}", f"{SHARE:.0%}"),
        Row("reports on the others that changed", str(changed), "0", changed == 0),
        Row("labels of all that changed", "none" if same_labels else "some", "none", same_labels),
    ]
    show(f"{len(paths)} photos of which {SHARE:.0%} declare to be made by a model", rows)
    return 0 if changed == 0 and same_labels else 1


if __name__ == "__main__":
    sys.exit(main())

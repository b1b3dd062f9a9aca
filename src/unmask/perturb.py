"""What happens to pictures on their way through the world: compression, scaling, blur. Alike for both classes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from unmask import h264
from unmask.errors import UsageError
from unmask.screenshot import screenshot

Change = Callable[[Image.Image], Image.Image]


@dataclass(frozen=True)
class Perturbation:
    """One way to change a picture.

    Attributes:
        family: Its kind; those of one family make a curve.
        strength: The number that the family varies: a JPEG quality, a CRF, a factor, a standard deviation in pixels
            (blur) or in levels of 255 (noise).
        change: What it does to the pixels.
        quality: Quality of the JPEG file that the copy is saved as, with Pillow's tables and 4:2:0; None saves it as
            PNG, without loss.
    """

    family: str
    strength: float
    change: Change = lambda picture: picture
    quality: int | None = None

    def save(self, picture: Image.Image, stem: Path) -> Path:
        """Write the changed picture; the suffix is added to `stem`."""
        path = stem.with_name(stem.name + (".jpg" if self.quality else ".png"))
        if self.quality:
            self.change(picture).save(path, "JPEG", quality=self.quality)
        else:
            self.change(picture).save(path, "PNG", compress_level=1)
        return path


def check(names: Iterable[str]) -> None:
    """Refuse names that are none, before the work and not in its midst.

    Raises:
        UsageError: There is no such perturbation; the message lists those there are.
    """
    unknown = sorted(set(names) - set(PERTURBATIONS))
    if unknown:
        raise UsageError(f"there is no perturbation {', '.join(unknown)}; there are: {', '.join(PERTURBATIONS)}")


def families(wanted: Iterable[str] = ()) -> dict[str, tuple[str, ...]]:
    """The names of each family, the least change first; all families but "alike" when none is named.

    Raises:
        UsageError: There is no such family; the message lists those there are.
    """
    every: dict[str, tuple[str, ...]] = {}
    for name, one in PERTURBATIONS.items():
        every[one.family] = (*every.get(one.family, ()), name)
    chosen = list(dict.fromkeys(wanted)) or [name for name in every if name != _ALIKE]
    unknown = sorted(set(chosen) - set(every))
    if unknown:
        raise UsageError(f"there is no family of perturbations {', '.join(unknown)}; there are: {', '.join(every)}")
    return {name: tuple(sorted(every[name], key=lambda one: _harm(PERTURBATIONS[one]))) for name in chosen}


def write(name: str, picture: Image.Image, stem: Path) -> Path:
    """Write a perturbed copy of an upright RGB picture.

    Args:
        name: One of `PERTURBATIONS`.
        picture: The picture.
        stem: Where to; the suffix is added.

    Returns:
        The path of the copy.

    Raises:
        UsageError: No such perturbation; the message lists those there are.
    """
    check([name])
    return PERTURBATIONS[name].save(picture, stem)


def _harm(one: Perturbation) -> float:
    """Rises with the damage: some families' numbers fall with it."""
    return -one.strength if one.family in ("jpeg", "resize", "brightness") else one.strength


def _scaled(factor: float) -> Change:
    def change(picture: Image.Image) -> Image.Image:
        size = (max(1, int(picture.width * factor)), max(1, int(picture.height * factor)))
        return picture.resize(size, Image.Resampling.BICUBIC)

    return change


def _blurred(sigma_px: float) -> Change:
    return lambda picture: picture.filter(ImageFilter.GaussianBlur(sigma_px))


def _noisy(sigma: float) -> Change:
    def change(picture: Image.Image) -> Image.Image:
        pixels = np.asarray(picture, np.float32)
        grain = _chance(picture).standard_normal(pixels.shape, np.float32) * sigma
        return Image.fromarray(np.clip(np.rint(pixels + grain), 0, 255).astype(np.uint8))

    return change


def _brighter(factor: float) -> Change:
    return lambda picture: ImageEnhance.Brightness(picture).enhance(factor)


def _small(picture: Image.Image) -> Image.Image:
    copy = picture.copy()
    copy.thumbnail((256, 256), Image.Resampling.LANCZOS)  # never larger than it was
    return copy


def _chance(picture: Image.Image) -> np.random.Generator:
    """Chance that the pixels decide: the same for one picture every time, another for every other."""
    return np.random.default_rng(np.frombuffer(hashlib.sha256(picture.tobytes()).digest(), np.uint32))


_ALIKE: Final = "alike"

PERTURBATIONS: Final[Mapping[str, Perturbation]] = MappingProxyType(
    {
        "jpeg-q50": Perturbation("jpeg", 50, quality=50),
        "half-size": Perturbation("resize", 0.5, _scaled(0.5)),
        "blur-sigma-1": Perturbation("blur", 1, _blurred(1)),
        "side-256-q75": Perturbation(_ALIKE, 256, _small, quality=75),
        **{f"jpeg-q{quality}": Perturbation("jpeg", quality, quality=quality) for quality in (90, 70, 30)},
        **{f"h264-crf{crf}": Perturbation("h264", crf, partial(h264.through, crf=crf)) for crf in (18, 23, 28, 34, 40)},
        **{f"resize-{factor}": Perturbation("resize", factor, _scaled(factor)) for factor in (0.75, 0.25)},
        **{f"blur-sigma-{sigma:g}": Perturbation("blur", sigma, _blurred(sigma)) for sigma in (0.5, 2)},
        **{f"noise-sigma-{sigma}": Perturbation("noise", sigma, _noisy(sigma)) for sigma in (2, 5, 10)},
        **{f"brightness-{factor}": Perturbation("brightness", factor, _brighter(factor)) for factor in (1.4, 0.6)},
        "screenshot": Perturbation("screenshot", 1, lambda picture: screenshot(picture, _chance(picture))),
    }
)
"""By name. JPEG files are of Pillow's tables and 4:2:0. Sides are scaled with an antialiased bicubic filter; blur is a
Gaussian; noise is white, of all colours, drawn from the content. H.264 is what a frame of a clip went through. The
family "alike" makes pictures of all sources alike in size and compression, so that neither can stand for the truth: a
long side of at most 256 px, JPEG of quality 75."""

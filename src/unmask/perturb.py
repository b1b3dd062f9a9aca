"""What happens to pictures on their way through the world: compression, scaling, blur. Alike for both classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from PIL import Image, ImageFilter

from unmask.errors import UsageError

Writer = Callable[[Image.Image, Path], None]


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
    if name not in PERTURBATIONS:
        raise UsageError(f'there is no perturbation "{name}"; there are: {", ".join(PERTURBATIONS)}')
    suffix, save = PERTURBATIONS[name]
    path = stem.with_name(stem.name + suffix)
    save(picture, path)
    return path


def _jpeg_q50(picture: Image.Image, path: Path) -> None:
    picture.save(path, "JPEG", quality=50)


def _half_size(picture: Image.Image, path: Path) -> None:
    size = (max(1, picture.width // 2), max(1, picture.height // 2))
    picture.resize(size, Image.Resampling.BICUBIC).save(path, "PNG", compress_level=1)


def _blur(picture: Image.Image, path: Path) -> None:
    picture.filter(ImageFilter.GaussianBlur(1)).save(path, "PNG", compress_level=1)


PERTURBATIONS: Final[Mapping[str, tuple[str, Writer]]] = MappingProxyType(
    {"jpeg-q50": (".jpg", _jpeg_q50), "half-size": (".png", _half_size), "blur-sigma-1": (".png", _blur)}
)
"""Name to suffix and writer. JPEG of quality 50 with Pillow's tables and 4:2:0; both sides halved with an antialiased
bicubic filter; Gaussian blur with a standard deviation of one pixel. The last two are written without loss."""

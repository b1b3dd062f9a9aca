"""What happens to pictures on their way through the world: compression, scaling, blur. Alike for both classes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from PIL import Image, ImageFilter

from unmask.errors import UsageError

Writer = Callable[[Image.Image, Path], None]


def check(names: Iterable[str]) -> None:
    """Refuse names that are none, before the work and not in its midst.

    Raises:
        UsageError: There is no such perturbation; the message lists those there are.
    """
    unknown = sorted(set(names) - set(PERTURBATIONS))
    if unknown:
        raise UsageError(f"there is no perturbation {', '.join(unknown)}; there are: {', '.join(PERTURBATIONS)}")


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


def _side_256_q75(picture: Image.Image, path: Path) -> None:
    copy = picture.copy()
    copy.thumbnail((256, 256), Image.Resampling.LANCZOS)  # never larger than it was
    copy.save(path, "JPEG", quality=75)


PERTURBATIONS: Final[Mapping[str, tuple[str, Writer]]] = MappingProxyType(
    {
        "jpeg-q50": (".jpg", _jpeg_q50),
        "half-size": (".png", _half_size),
        "blur-sigma-1": (".png", _blur),
        "side-256-q75": (".jpg", _side_256_q75),
    }
)
"""Name to suffix and writer. JPEG of quality 50 with Pillow's tables and 4:2:0; both sides halved with an antialiased
bicubic filter; Gaussian blur with a standard deviation of one pixel. Both are written without loss. The last makes
pictures of all sources alike in size and compression, so that neither can stand for the truth: a long side of at most
256 px, JPEG of quality 75."""

"""What a picture looks like, in words, as far as it can be counted: size, saving, light, sharpness, faces."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, JpegImagePlugin

from unmask import faces
from unmask.errors import MediaError
from unmask.faces import Face, FaceFinder
from unmask.limits import DEFAULT_LIMITS
from unmask.modalities import image as pictures

_CROP_PX: Final = 192
"""Faces are scaled to this side before their sharpness is measured, as the face detector sees them."""

_MARGIN: Final = 1.4
_DARK, _BRIGHT = 70, 180  # mean luma, of 255
_FLAT, _HARD = 30, 80  # standard deviation of the luma

_LUMINANCE_SUM: Final = 3673
"""Sum of the luminance table in annex K of the JPEG standard, which quality 50 stands for."""


def describe(path: Path) -> tuple[str, ...]:
    """What is known of a picture, phrase by phrase; of one that cannot be read, why.

    The order: size, how it was saved, light and contrast, then its faces with the main one's size, place and sharpness.
    """
    try:
        data, source = pictures.read(path)
        photo = pictures.decode(data, source).image
    except MediaError as error:
        return (f"not readable: {error}",)
    header = pictures.open_header(data, DEFAULT_LIMITS)  # it decoded, so its header is sound
    found, count = _finder().find(photo)
    return (f"{photo.width} x {photo.height} px", saving(header), light(photo), *_faces(photo, found, count))


def saving(header: Image.Image) -> str:
    """Format, and of a JPEG about which quality, told by its first table of quantisation."""
    if not isinstance(header, JpegImagePlugin.JpegImageFile):
        return str(header.format)
    return f"JPEG of quality {jpeg_quality(sum(next(iter(header.quantization.values()))))} or so"


def jpeg_quality(table_sum: float) -> int:
    """The quality, 1 to 100, for which the common encoder (IJG) writes a luminance table of about this sum."""
    scale = 100 * table_sum / _LUMINANCE_SUM
    quality = (200 - scale) / 2 if scale <= 100 else 5000 / scale
    return round(min(max(quality, 1), 100))


def light(picture: Image.Image) -> str:
    """Brightness and contrast in words, with their numbers."""
    luma = np.asarray(picture.convert("L"), np.float64)
    mean, spread = float(luma.mean()), float(luma.std())
    brightness = "dark" if mean < _DARK else "bright" if mean > _BRIGHT else "of medium brightness"
    contrast = "of little contrast" if spread < _FLAT else "of hard contrast" if spread > _HARD else ""
    return " and ".join(word for word in (brightness, contrast) if word) + f" (mean {mean:.0f}, spread {spread:.0f})"


def place(face: Face, width: int, height: int) -> str:
    """Where a face's middle lies, in one of nine fields."""
    x, y = (face.box[:2] + face.box[2:]) / 2 / np.array([width, height])
    across = "left" if x < 1 / 3 else "right" if x > 2 / 3 else ""
    down = "upper" if y < 1 / 3 else "lower" if y > 2 / 3 else ""
    return " ".join(word for word in (down, across) if word) or "in the middle"


def _faces(photo: Image.Image, found: list[Face], count: int) -> tuple[str, ...]:
    main = faces.main_face(found, *photo.size)
    if main is None:
        return (f"no face found, sharpness {faces.sharpness(np.asarray(photo, np.uint8)):.1f}",)
    crop = faces.cut(photo, faces.square_around(main, _MARGIN, photo.size), _CROP_PX)
    share = main.size_px / min(photo.size)
    who = "one face" if count == 1 else f"{count} faces, the main one"
    of = f"of {main.size_px:.0f} px ({share:.0%} of the shorter side), {place(main, *photo.size)}"
    return (f"{who} {of}, sharpness {faces.sharpness(crop):.1f}",)


@cache
def _finder() -> FaceFinder:
    """Loaded once; one thread, so that the boxes are those of a scan of many."""
    return FaceFinder(1)

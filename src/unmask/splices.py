"""Pictures into which a face was pasted from another photo, made from seeds: what forensics of compression looks for.

Two photos, each saved once at a quality of its own, as if two people had them; the face of one goes into the other at
an arbitrary place of the grid, sometimes scaled, and the whole is saved again. Beside each lies its host, saved as
often and at the same qualities and with nothing pasted: only what differs between places can tell the two apart.
"""

from __future__ import annotations

import io
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from unmask.faces import Face

FIRST: Final = (55, 90)
"""Qualities of the two photos, each drawn between these, both inclusive."""
LAST: Final = (80, 96)
"""Of the whole."""
_SCALED: Final = 0.5
"""Share of the faces that are scaled to fit, as most are; the others keep their own grid and noise."""
_FEATHER: Final = 0.04  # of the face's width


def splice(
    host: Image.Image, face: Face, donor: Image.Image, other: Face, rng: np.random.Generator
) -> tuple[bytes, bytes]:
    """One forged picture and its untouched twin, as JPEG files.

    Args:
        host: What is pasted into, RGB.
        face: The face in it that is covered.
        donor: Where the other face comes from, RGB.
        other: That face.
        rng: Source of all chance.
    """
    first, second, last = (int(rng.integers(low, high + 1)) for low, high in (FIRST, FIRST, LAST))
    scaled = rng.random() < _SCALED
    host = _opened(saved(host, first))
    donor = _opened(saved(donor, second))
    x1, y1, x2, y2 = face.box_px
    width, height = max(x2 - x1, 8), max(y2 - y1, 8)
    if scaled:
        part = donor.crop(other.box_px).resize((width, height), Image.Resampling.BICUBIC)
    else:
        left, top = (round(float(one)) for one in (other.box[:2] + other.box[2:]) / 2 - np.array([width, height]) / 2)
        left, top = left + int(rng.integers(8)), top + int(rng.integers(8))
        part = donor.crop((left, top, left + width, top + height))
    mask = Image.new("L", (width, height), 0)
    rim = max(1, round(_FEATHER * width))
    ImageDraw.Draw(mask).ellipse((rim, rim, width - 1 - rim, height - 1 - rim), fill=255)
    forged = host.copy()
    forged.paste(part, (x1, y1), mask.filter(ImageFilter.GaussianBlur(rim / 2)))
    return saved(forged, last), saved(host, last)


def saved(picture: Image.Image, quality: int) -> bytes:
    """A picture as a JPEG of a quality, with the tables of libjpeg and 4:2:0."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return file.getvalue()


def _opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")

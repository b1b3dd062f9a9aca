"""Pictures with detail of every size, as photos have it and smooth drawings have not; and a face, said to be there."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from unmask.compression.plane import Plane, plane
from unmask.compression.tables import coding
from unmask.faces import Face


def textured(seed: int, width: int = 256, height: int = 256) -> Image.Image:
    """Random fields whose contrast falls with the frequency, the same for the same seed: RGB."""
    rng = np.random.default_rng(seed)
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    falling = 1 / np.maximum(np.hypot(rows, columns), 1 / max(width, height)) ** 1.3
    field = np.fft.irfft2(np.fft.rfft2(rng.normal(size=(height, width))) * falling, (height, width))
    grey = np.clip(128 + 45 * (field - field.mean()) / field.std(), 5, 250)[..., None]
    tint = rng.uniform(0.85, 1.0, 3)
    return Image.fromarray((grey * tint).astype(np.uint8))


def saved(picture: Image.Image, quality: int) -> Image.Image:
    """The picture as a JPEG of a quality, opened again; still a JPEG, so that its tables can be read."""
    file = io.BytesIO()
    picture.convert("RGB").save(file, "JPEG", quality=quality)
    return Image.open(io.BytesIO(file.getvalue()))


def face(x1: int, y1: int, x2: int, y2: int) -> Face:
    """A face in this box."""
    return Face(np.array([x1, y1, x2, y2], np.float32), np.zeros((5, 2), np.float32), 1.0)


def cut(picture: Image.Image, *faces: Face) -> Plane:
    """The plane of a picture or of an opened JPEG."""
    found = plane(picture.convert("RGB"), coding(picture), 1, faces)
    assert found is not None
    return found

"""Whether one picture was made from another by nothing but saving it: proven, not guessed.

A perceptual hash finds pictures that look alike, and a face that was swapped looks alike: it hardly moves a hash of 64
bits. So a hash only proposes. Two pictures are the same where every pixel is; and a JPEG was saved from another picture
where saving that one again, with the JPEG's own tables and subsampling, gives exactly its pixels. Whoever changes
anything beyond what such a table rounds away breaks that. Encoders that compute otherwise than libjpeg break it too,
and then the copy is judged like any other picture: a miss costs time, never truth.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
from PIL import Image, JpegImagePlugin

from unmask.errors import MediaError
from unmask.limits import Limits
from unmask.modalities import image


def pixels_sha256(picture: Image.Image) -> str:
    """Hash of decoded pixels and their shape: equal for equal pictures, in whatever format, with any metadata."""
    found = hashlib.sha256(f"{picture.mode} {picture.width} {picture.height}".encode())
    found.update(np.ascontiguousarray(picture).data)
    return found.hexdigest()


def is_saved_from(copy: bytes, picture: Image.Image, twin: Path, twin_sha256: str, limits: Limits) -> bool:
    """Whether a JPEG is what saving its twin makes, to the last pixel.

    Args:
        copy: The JPEG's bytes.
        picture: The same, decoded and upright.
        twin: The file that may be where it comes from.
        twin_sha256: Hash of its bytes when it was judged: a file that has changed since proves nothing.
        limits: What reading it again may cost.
    """
    try:
        header = image.open_header(copy, limits)
        if not isinstance(header, JpegImagePlugin.JpegImageFile) or header.mode not in ("RGB", "L"):
            return False
        data, source = image.read(twin, limits)
        if source.sha256 != twin_sha256:
            return False
        original = image.decode(data, source, limits).image
        return original.size == picture.size and _saved_like(original, header) == pixels_sha256(picture)
    except MediaError:
        return False
    except Exception:  # tables that no encoder takes; then nothing is proven
        return False


def _saved_like(original: Image.Image, header: JpegImagePlugin.JpegImageFile) -> str:
    """Hash of the pixels that are left once the original is saved as this JPEG was."""
    file = io.BytesIO()
    tables = {number: list(table) for number, table in header.quantization.items()}
    sampling = JpegImagePlugin.get_sampling(header)
    source = original.convert(header.mode)
    source.save(file, "JPEG", qtables=tables, subsampling=max(sampling, 0))
    return pixels_sha256(Image.open(file).convert("RGB"))

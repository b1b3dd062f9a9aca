"""Pictures of judged files inside a page, as data URIs: it loads nothing, and nothing but pixels travels along."""

from __future__ import annotations

import base64
import io
import os
import re
from pathlib import Path
from typing import Final

from markupsafe import Markup
from PIL import Image

_QUALITY: Final = 82


def jpeg(image: Image.Image, most_px: int) -> Markup:
    """A small copy as a data URI. It is made of pixels alone: no comment, EXIF or profile travels along."""
    scale = min(1.0, most_px / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    copy = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    copy.info = {}
    file = io.BytesIO()
    copy.save(file, "JPEG", quality=_QUALITY, optimize=True)
    return data_uri("jpeg", file.getvalue())


def data_uri(kind: str, data: bytes) -> Markup:
    """Bytes of a picture of this kind ("png", "jpeg") as a data URI."""
    return Markup(f"data:image/{kind};base64,{base64.b64encode(data).decode()}")


def located(shown: str) -> Path:
    """The file behind a path as reports show it. A wrong guess does no harm, so long as its sha256 is checked."""
    path = Path(shown)
    if path.exists() or "\\x" not in shown:
        return path
    raw = re.sub(rb"\\x([0-9a-f]{2})", lambda match: bytes.fromhex(match[1].decode()), shown.encode())
    return Path(os.fsdecode(raw))

"""Draw all media that the tests read, from fixed seeds: `python tests/data/make.py FOLDER`.

Nothing is downloaded and nothing binary is committed. Four folders come out:

    formats/      one picture in every format we read
    orientation/  the same picture, stored turned in all eight EXIF ways: FORMAT-1 .. FORMAT-8
    modes/        the same picture in other pixel layouts
    hostile/      broken, lying, mislabelled and special files; `HOSTILE` says what each must be answered with
"""

from __future__ import annotations

import io
import os
import struct
import sys
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image, ImageCms, features
from PIL.PngImagePlugin import PngInfo

WIDTH_PX, HEIGHT_PX = 160, 120
CORNER_PX: Final = 24
CORNERS: Final = {"top left": "red", "top right": "lime", "bottom left": "blue", "bottom right": "yellow"}
ORIENTATION: Final = 0x0112

# What a camera stores for each orientation: the inverse of what a reader must do to turn the picture upright.
_STORED: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}

_AVIF: Final[dict[str, dict[str, Any]]] = {"avif": {"format": "AVIF", "quality": 95}}
FORMATS: Final[Mapping[str, dict[str, Any]]] = {
    "jpg": {"format": "JPEG", "quality": 95},
    "progressive.jpg": {"format": "JPEG", "quality": 95, "progressive": True},
    "png": {"format": "PNG"},
    "webp": {"format": "WEBP", "quality": 95},
    "lossless.webp": {"format": "WEBP", "lossless": True},
    "tif": {"format": "TIFF"},
    "lzw.tif": {"format": "TIFF", "compression": "tiff_lzw"},
    "bmp": {"format": "BMP"},
    "gif": {"format": "GIF"},
    **(_AVIF if features.check("avif") else {}),
}
TURNABLE: Final = tuple(name for name in FORMATS if not name.endswith(("bmp", "gif")))

HOSTILE: Final[Mapping[str, str]] = {
    "empty.jpg": "UnreadableError",
    "truncated.jpg": "UnreadableError",
    "truncated.png": "UnreadableError",
    "truncated.gif": "UnreadableError",
    "lying.png": "UnreadableError",
    "bomb.png": "UnreadableError",
    "long.png": "UnreadableError",
    "huge.gif": "UnreadableError",
    "magic.heic": "UnsupportedError",
    "text.jpg": "UnsupportedError",
    "page.svg": "UnsupportedError",
    "float.tif": "UnsupportedError",
    "tiny.png": "NothingToJudgeError",
    "garbage.jpg": "UnreadableError",
    "garbage.png": "UnreadableError",
    "garbage.gif": "UnreadableError",
    "garbage.webp": "UnreadableError",
    "garbage.tif": "UnreadableError",
    "garbage.bmp": "UnreadableError",
    "garbage.avif": "UnreadableError",
    "loop.jpg": "UnreadableError",
    "dangling.jpg": "UnreadableError",
    "missing.jpg": "UnreadableError",
    "pipe.jpg": "UnsupportedError",
    "folder.jpg": "UnsupportedError",
}


def picture(width: int = WIDTH_PX, height: int = HEIGHT_PX, seed: int = 0) -> Image.Image:
    """An upright RGB picture without any symmetry: smooth colours, some grain, and a colour of its own per corner."""
    y, x = np.mgrid[0:height, 0:width] / np.array([height, width]).reshape(2, 1, 1)
    waves = np.stack([0.3 + 0.4 * x, 0.5 + 0.2 * np.sin(7 * x + 3 * y), 0.7 - 0.4 * y], axis=-1)
    grain = np.random.default_rng(seed).normal(0, 0.01, waves.shape)
    image = Image.fromarray((np.clip(waves + grain, 0, 1) * 255).astype(np.uint8))
    for corner, colour in CORNERS.items():
        image.paste(colour, _corner_box(corner, width, height))
    return image


def corners(image: Image.Image) -> dict[str, str]:
    """The colour found in each corner of a picture, by the nearest of the four names; "?" where none is near."""
    names = {name: np.array(Image.new("RGB", (1, 1), name).getpixel((0, 0))) for name in CORNERS.values()}
    found = {}
    for corner in CORNERS:
        left, top, right, bottom = _corner_box(corner, *image.size)
        middle = image.crop((left + 6, top + 6, right - 6, bottom - 6))
        seen = np.asarray(middle, np.float32).mean(axis=(0, 1))
        name, distance = min(((n, float(np.abs(seen - c).max())) for n, c in names.items()), key=lambda p: p[1])
        found[corner] = name if distance < 48 else "?"
    return found


def encoded(image: Image.Image, name: str, orientation: int = 1) -> bytes:
    """A picture as bytes of one of `FORMATS`, with an EXIF orientation where it is not 1."""
    options = dict(FORMATS[name])
    if orientation != 1 and options["format"] == "TIFF":
        options["tiffinfo"] = {ORIENTATION: orientation}
    elif orientation != 1:
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        options["exif"] = exif
    out = io.BytesIO()
    image.save(out, **options)
    return out.getvalue()


def png_header(width: int, height: int, data: bytes = b"\0", *, bits: int = 8) -> bytes:
    """A grey PNG that announces a size, whatever it holds."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def make(folder: Path) -> None:
    """Write everything under a folder."""
    upright = picture()
    for name, draw in (
        ("formats", _formats),
        ("orientation", _orientations),
        ("modes", _modes),
        ("hostile", _hostile),
    ):
        (folder / name).mkdir(parents=True, exist_ok=True)
        draw(folder / name, upright)


def _formats(folder: Path, upright: Image.Image) -> None:
    for name in FORMATS:
        (folder / f"picture.{name}").write_bytes(encoded(upright, name))
    later = [upright.rotate(180), upright.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    for name in ("animated.gif", "animated.png", "animated.webp"):
        upright.save(folder / name, save_all=True, append_images=later, duration=50)
    upright.save(folder / "pages.tif", save_all=True, append_images=later)
    upright.save(folder / "stereo.mpo", quality=95, save_all=True, append_images=later)  # phones call these .jpg
    (folder / "photo.txt").write_bytes((folder / "picture.jpg").read_bytes())


def _orientations(folder: Path, upright: Image.Image) -> None:
    for name in TURNABLE:
        for orientation in range(1, 9):
            stored = upright.transpose(_STORED[orientation]) if orientation in _STORED else upright
            (folder / f"{name}-{orientation}").write_bytes(encoded(stored, name, orientation))


def _modes(folder: Path, upright: Image.Image) -> None:
    """Colour modes keep the corners; grey ones keep the luma; transparent ones show white where alpha is 0."""
    grey = upright.convert("L")
    deep = np.asarray(grey).astype(np.uint16) << 8 | 0x80
    Image.fromarray(deep).save(folder / "grey16.png")
    Image.fromarray(deep).save(folder / "grey16.tif")
    Image.fromarray(deep.astype(">u2")).save(folder / "grey16-big-endian.tif")
    grey.save(folder / "grey.png")
    grey.save(folder / "grey.jpg", quality=95)
    grey.convert("1", dither=Image.Dither.NONE).save(folder / "bilevel.png")
    upright.convert("CMYK").save(folder / "colour-cmyk.jpg", quality=95)
    upright.convert("CMYK").save(folder / "colour-cmyk.tif")
    upright.convert("P", palette=Image.Palette.ADAPTIVE).save(folder / "colour-palette.png")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for name in ("colour-icc.jpg", "colour-icc.png", "colour-icc.webp", "colour-icc.tif"):
        upright.save(folder / name, icc_profile=profile)
    upright.save(folder / "colour-icc-broken.jpg", quality=95, icc_profile=b"this is no profile")
    text = PngInfo()
    text.add_text("Comment", "x" * 5000, zip=True)
    upright.save(folder / "colour-text.png", pnginfo=text)
    alpha = Image.new("L", upright.size, 255)
    alpha.paste(0, _corner_box("top left", *upright.size))
    for name, image in (("rgba", upright.copy()), ("la", grey.copy())):
        image.putalpha(alpha)
        image.save(folder / f"alpha-{name}.png")
    palette = upright.convert("P", palette=Image.Palette.ADAPTIVE)
    palette.save(folder / "alpha-palette.png", transparency=palette.getpixel((2, 2)))
    palette.save(folder / "alpha-palette.gif", transparency=palette.getpixel((2, 2)))
    upright.save(folder / "alpha-key.png", transparency=(255, 0, 0))


def _hostile(folder: Path, upright: Image.Image) -> None:
    files = {
        "empty.jpg": b"",
        "lying.png": png_header(50_000, 50_000),
        "long.png": png_header(40_000, 100),
        # 144 million pixels in 18 kB: under Pillow's own limit, over ours
        "bomb.png": png_header(12_000, 12_000, zlib.compress(bytes(12_000 * 1_501)), bits=1),
        "huge.gif": b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0) + b",\0\0\0\0\xff\xff\xff\xff\0\x08\0;",
        "magic.heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        "text.jpg": b"Dear reader, this is a letter and no picture.\n",
        "page.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "tiny.png": png_header(8, 8, zlib.compress(bytes(72))),
    }
    for name in ("jpg", "png", "gif"):
        whole = encoded(upright, name)
        files[f"truncated.{name}"] = whole[: len(whole) // 2]
    noise = np.random.default_rng(7).bytes(4000)
    for name in ("jpg", "png", "gif", "webp", "tif", "bmp"):
        files[f"garbage.{name}"] = encoded(upright, name)[:16] + noise
    files["garbage.avif"] = b"\0\0\0\x20ftypavif\0\0\0\0" + noise
    exif = b"Exif\0\0MM\0\x2a\0\0\0\x08" + b"\xff" * 40
    files["broken-exif.jpg"] = (
        b"\xff\xd8\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + encoded(upright, "jpg")[2:]
    )
    for name, data in files.items():
        (folder / name).write_bytes(data)
    Image.fromarray(np.zeros((80, 80), np.float32)).save(folder / "float.tif")
    _special(folder, files["broken-exif.jpg"])


def _special(folder: Path, whole: bytes) -> None:
    """Names and kinds of files; a system that refuses one goes without it."""
    (folder / "folder.jpg").mkdir(exist_ok=True)
    for name, target in (("loop.jpg", "loop.jpg"), ("dangling.jpg", "nowhere.jpg")):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)
    if hasattr(os, "mkfifo") and not (folder / "pipe.jpg").exists():
        os.mkfifo(folder / "pipe.jpg")
    try:
        Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.jpg")).write_bytes(whole)
    except OSError:  # macOS takes only UTF-8
        return


def _corner_box(corner: str, width: int, height: int) -> tuple[int, int, int, int]:
    left = 0 if corner.endswith("left") else width - CORNER_PX
    top = 0 if corner.startswith("top") else height - CORNER_PX
    return left, top, left + CORNER_PX, top + CORNER_PX


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tests/data/make.py FOLDER")
    make(Path(sys.argv[1]))

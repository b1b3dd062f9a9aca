"""Still pictures: the one place that decodes them and cuts segments from them.

Training, evaluation and scanning all call `load` and `segments`, so they see the same pixels. A picture is decoded
once and cut once per detector, which is why the two steps are separate functions.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import threading
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, UnidentifiedImageError

from unmask import faces as face_cutter
from unmask.card import Cut
from unmask.errors import MediaError, NothingToJudgeError, UnreadableError, UnsupportedError
from unmask.faces import Face
from unmask.limits import DEFAULT_LIMITS, Limits
from unmask.types import Box, Region, Segment, Source

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIF")
LEAST_SIDE_PX: Final = 64
_MAGIC: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*", b"BM")
_HEIF_BRANDS: Final = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")
_AVIF_BRANDS: Final = (b"avif", b"avis")

# Opening parses headers, where Pillow warns of odd metadata and large sizes; both are ours to judge, and the warning
# filter is shared by all threads, so only one of them may hold it changed.
_opening = threading.Lock()


@dataclass(frozen=True, eq=False)
class Photo:
    """A decoded picture: upright, RGB, 8 bit."""

    source: Source
    image: Image.Image


def accepts(head: bytes) -> bool:
    """Whether a file that starts with these bytes is a picture. Suffixes are not asked: they are often wrong."""
    if head.startswith(_MAGIC) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return True
    return head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS + _AVIF_BRANDS


def display_path(path: Path) -> str:
    """A path as valid Unicode: bytes of a name that are no UTF-8 become escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def load(path: Path, limits: Limits = DEFAULT_LIMITS) -> Photo:
    """Read, check and decode one picture.

    Raises:
        UnsupportedError: Not a picture, or a kind that Pillow cannot read here.
        UnreadableError: Missing, not permitted, empty, broken, cut off, or over a limit.
        NothingToJudgeError: Too small to judge.
    """
    return decode(*read(path, limits), limits)


def read(path: Path, limits: Limits = DEFAULT_LIMITS) -> tuple[bytes, Source]:
    """The bytes of a regular file that looks like a picture, and what to call it.

    Raises:
        UnsupportedError: Not a regular file, or its first bytes are no picture's.
        UnreadableError: Missing, not permitted, empty, or over `limits.file_bytes`.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UnsupportedError("not a regular file")
        if status.st_size == 0:
            raise UnreadableError("the file is empty")
        if status.st_size > limits.file_bytes:
            raise UnreadableError(f"the file has {status.st_size:,} bytes; the limit is {limits.file_bytes:,}")
        with path.open("rb") as file:
            data = file.read(limits.file_bytes)
    except OSError as error:
        raise UnreadableError(f"the file cannot be read: {(error.strerror or str(error)).lower()}") from error
    except ValueError as error:  # a null byte in the name; no file can be called that
        raise UnreadableError(f"the file cannot be read: {error}") from error
    if not accepts(data[:16]):
        raise UnsupportedError("not a picture: the file does not start like any format we read")
    return data, Source(path=display_path(path), sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))


def decode(data: bytes, source: Source, limits: Limits = DEFAULT_LIMITS) -> Photo:
    """Decode the first frame, turn it upright and bring it to 8-bit RGB.

    ICC profiles are not applied: the networks learned from stored values, and a conversion would rewrite them all.

    Raises:
        UnsupportedError: A kind that Pillow cannot read here, or numbers without a fixed scale.
        UnreadableError: Broken, cut off, or over a limit.
        NothingToJudgeError: Too small to judge.
    """
    try:
        image = open_header(data, limits)
        _check_size(image, limits)
        image.load()
        upright = turned(_to_rgb(image), orientation(image))
    except MediaError:
        raise
    except Image.DecompressionBombError as error:
        raise UnreadableError(f"the header announces far more than the limit of {limits.pixels:,} px") from error
    except UnidentifiedImageError as error:
        raise UnreadableError("the file starts like a picture, but its header is broken") from error
    except MemoryError as error:
        raise UnreadableError("the picture needs more memory than there is") from error
    except Exception as error:  # decoders raise whatever they meet in a hostile file: struct, zlib, Syntax, Value ...
        raise UnreadableError(f"the picture is broken: {_one_line(error)}") from error
    return Photo(
        source.model_copy(update={"format": image.format, "width_px": upright.width, "height_px": upright.height}),
        upright,
    )


def segments(photo: Photo, cut: Cut, faces: Sequence[Face] = ()) -> list[Segment]:
    """Cut what one detector looks at.

    Args:
        photo: The picture.
        cut: How to cut, from the detector's card.
        faces: The faces that were found in it. A single patch lies around one; patches carry the landmarks of one.

    Returns:
        One segment a face, up to `cut.patches` patches spread evenly over the picture, or one of the whole picture;
        those that must not be judged say why in `unfit`.
    """
    if cut.kind == "whole":
        return [_middle(photo, cut)]
    if cut.kind == "face":
        return [_face(photo, cut, face) for face in faces]
    return [_patch(photo, box, faces) for box in _grid(photo.image.size, cut, faces)]


def _face(photo: Photo, cut: Cut, face: Face) -> Segment:
    square = face_cutter.square_around(face, cut.margin, photo.image.size, least_side_px=cut.least_side_px)
    pixels = face_cutter.cut(photo.image, square, cut.size_px)
    side = square[2] - square[0]
    scale, unfit = cut.size_px / side, None
    if face.size_px < cut.least_px:
        unfit = f"the face is {face.size_px:.0f} px; at least {cut.least_px} px are needed"
    elif side < cut.least_side_px:
        unfit = f"the picture has {side:.0f} px around the face; {cut.size_px} px are needed, for none are invented"
    elif cut.least_sharpness and face_cutter.sharpness(pixels) < cut.least_sharpness:
        unfit = "the face is too blurred to judge"
    landmarks = (face.landmarks - np.array(square[:2], np.float32)) * np.float32(scale)
    return Segment(pixels, Region(box_px=_rounded(square)), "face", unfit, landmarks)


def _middle(photo: Photo, cut: Cut) -> Segment:
    """The largest square in the middle: scaling both sides by one factor keeps faces in shape."""
    side = min(photo.image.size)
    left, top = ((length - side) // 2 for length in photo.image.size)
    square = (left, top, left + side, top + side)
    unfit = f"the picture is {side} px; at least {cut.least_px} px are needed" if side < cut.least_px else None
    return Segment(face_cutter.cut(photo.image, square, cut.size_px), Region(box_px=square), "whole", unfit)


def _patch(photo: Photo, box: Box, faces: Sequence[Face]) -> Segment:
    """With the landmarks of the first face that lies in it whole."""
    inside = (f.landmarks for f in faces if (f.landmarks >= box[:2]).all() and (f.landmarks < box[2:]).all())
    landmarks = next((points - np.array(box[:2], np.float32) for points in inside), None)
    return Segment(np.asarray(photo.image.crop(box), np.uint8), Region(box_px=box), "patch", landmarks_px=landmarks)


def _grid(size: tuple[int, int], cut: Cut, faces: Sequence[Face]) -> list[Box]:
    """Boxes of equal spacing from border to border; fewer along a side that cannot hold several.

    A single one lies around the main face, or in the middle, where people put what they show.
    """
    if min(size) < cut.size_px:
        return []
    if cut.patches == 1:
        face = face_cutter.main_face(faces, *size)
        middle = (face.box[:2] + face.box[2:]) / 2 if face else np.array(size) / 2
        x, y = (
            round(min(max(float(m) - cut.size_px / 2, 0), s - cut.size_px)) for m, s in zip(middle, size, strict=True)
        )
        return [(x, y, x + cut.size_px, y + cut.size_px)]
    per_side = int(cut.patches**0.5)
    columns, rows = (_starts(side, cut.size_px, per_side) for side in size)
    return [(x, y, x + cut.size_px, y + cut.size_px) for y in rows for x in columns]


def _starts(side: int, patch: int, most: int) -> list[int]:
    count = min(most, 1 + 2 * (side - patch) // patch)  # neighbours overlap by half at most
    if count == 1:
        return [(side - patch) // 2]
    return [round(i * (side - patch) / (count - 1)) for i in range(count)]


def open_header(data: bytes, limits: Limits) -> Image.Image:
    """The picture with nothing but its header read."""
    with _opening, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
            _register_heif()
        Image.init()
        known: list[str] = [name for name in FORMATS if name in Image.OPEN]
        return Image.open(_Deadline(data, limits.decode_s), formats=known)


def orientation(image: Image.Image) -> int:
    """EXIF orientation of a decoded picture, 1 where there is none or it is broken.

    But for a JPEG not to be asked before decoding: a PNG's EXIF may lie behind its pixels, so asking decodes it,
    whatever its size; and Pillow turns a TIFF itself while decoding, and then forgets the tag.
    """
    with _opening, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return int(image.getexif().get(0x0112, 1))
        except Exception:  # broken EXIF of any kind; the picture itself may still be whole
            return 1


def _register_heif() -> None:
    if "HEIF" in Image.OPEN:
        return
    if find_spec("pillow_heif") is None:
        raise UnsupportedError('HEIC needs one more package: pip install "unmask[heic]"')
    from pillow_heif import register_heif_opener

    register_heif_opener()


def _check_size(image: Image.Image, limits: Limits) -> None:
    width, height = image.size
    if width * height > limits.pixels or max(width, height) > limits.side_px:
        raise UnreadableError(
            f"the header announces {width} x {height} px; the limit is {limits.pixels:,} px in all "
            f"and {limits.side_px:,} px a side"
        )
    if min(width, height) < LEAST_SIDE_PX:
        raise NothingToJudgeError(f"the picture is {width} x {height} px; each side needs at least {LEAST_SIDE_PX} px")


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        # Pillow clips 16-bit grey at 255 when it converts; the high byte is the picture.
        return Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode in ("I", "F"):
        raise UnsupportedError("32-bit grey values have no fixed scale; save the picture with 8 or 16 bits")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        paper = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(paper, rgba).convert("RGB")
    return image.convert("RGB")


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """A picture as EXIF's orientation says it is to be seen; unchanged where that is no orientation."""
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    return image.transpose(turns[orientation]) if orientation in turns else image


def _rounded(square: Sequence[float]) -> Box:
    x1, y1, x2, y2 = (round(v) for v in square)
    return x1, y1, x2, y2


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


class _Deadline(io.BytesIO):
    """Bytes that stop feeding a decoder once its time is up."""

    def __init__(self, data: bytes, seconds: float) -> None:
        super().__init__(data)
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def read(self, size: int | None = -1, /) -> bytes:
        if time.monotonic() > self._end:
            raise UnreadableError(f"decoding took more than {self._seconds:g} s")
        return super().read(size)

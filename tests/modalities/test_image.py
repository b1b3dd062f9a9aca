"""Decoding and cutting still pictures: every format, every way of turning, and no mercy for hostile files."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.make import (
    CORNER_PX,
    CORNERS,
    FORMATS,
    HEIGHT_PX,
    TURNABLE,
    WIDTH_PX,
    corners,
    encoded,
)
from unmask.errors import UnsupportedError
from unmask.limits import DEFAULT_LIMITS
from unmask.modalities import image
from unmask.types import Source

FILES_OF_FORMATS = (
    *(f"picture.{name}" for name in FORMATS),
    "animated.gif",
    "animated.png",
    "animated.webp",
    "pages.tif",
    "stereo.mpo",
    "photo.txt",
)


def difference(a: Image.Image, b: Image.Image) -> float:
    return float(np.abs(np.asarray(a, np.float32) - np.asarray(b, np.float32)).mean())


# Formats


@pytest.mark.parametrize("name", FILES_OF_FORMATS)
def test_every_format_gives_the_same_upright_picture(media: Path, upright: Image.Image, name: str) -> None:
    path = media / "formats" / name
    photo = image.load(path)
    assert photo.image.mode == "RGB"
    assert photo.image.size == (WIDTH_PX, HEIGHT_PX)
    assert corners(photo.image) == CORNERS
    assert difference(photo.image, upright) < 4


@pytest.mark.parametrize("name", ["picture.png", "picture.bmp", "picture.tif", "picture.lossless.webp"])
def test_lossless_formats_keep_every_value(media: Path, upright: Image.Image, name: str) -> None:
    assert image.load(media / "formats" / name).image.tobytes() == upright.tobytes()


def test_the_source_names_what_was_read(media: Path) -> None:
    path = media / "formats" / "picture.jpg"
    data = path.read_bytes()
    source = image.load(path).source
    assert source == Source(
        path=str(path),
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        format="JPEG",
        width_px=WIDTH_PX,
        height_px=HEIGHT_PX,
    )


def test_the_first_bytes_decide_and_not_the_suffix(media: Path) -> None:
    assert image.load(media / "formats" / "photo.txt").source.format == "JPEG"
    with pytest.raises(UnsupportedError, match="not a picture"):
        image.load(media / "hostile" / "text.jpg")


def test_accepts_what_it_decodes_and_nothing_else(media: Path) -> None:
    for name in FILES_OF_FORMATS:
        assert image.accepts((media / "formats" / name).read_bytes()[:16]), name
    for head in (b"", b"\xff", b"RIFF\0\0\0\0WAVE", b"\0\0\0\x18ftypisom", b"\x7fELF", b"%PDF-1.7", b"PK\3\4"):
        assert not image.accepts(head), head


@pytest.mark.skipif("HEIF" in Image.OPEN, reason="this machine reads HEIC")
def test_heic_names_the_package_that_reads_it(media: Path) -> None:
    with pytest.raises(UnsupportedError, match=r'HEIC needs one more package: pip install "unmask\[heic\]"'):
        image.load(media / "hostile" / "magic.heic")


# Orientation


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", TURNABLE)
def test_orientation_is_applied_exactly_once(media: Path, upright: Image.Image, name: str, orientation: int) -> None:
    photo = image.load(media / "orientation" / f"{name}-{orientation}")
    assert corners(photo.image) == CORNERS
    assert photo.image.size == (WIDTH_PX, HEIGHT_PX)
    assert (photo.source.width_px, photo.source.height_px) == (WIDTH_PX, HEIGHT_PX)
    assert difference(photo.image, upright) < 4


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_impossible_orientation_is_ignored(upright: Image.Image, orientation: int) -> None:
    data = encoded(upright, "jpg", orientation)
    assert corners(image.decode(data, Source(path="x")).image) == CORNERS


def test_broken_exif_leaves_the_picture_readable(media: Path) -> None:
    assert corners(image.load(media / "hostile" / "broken-exif.jpg").image) == CORNERS


# Pixel layouts


def test_colour_layouts_keep_their_colours(media: Path) -> None:
    files = sorted((media / "modes").glob("colour-*"))
    assert len(files) >= 9
    for path in files:
        assert corners(image.load(path).image) == CORNERS, path.name


@pytest.mark.parametrize("name", ["grey.png", "grey.jpg", "grey16.png", "grey16.tif", "grey16-big-endian.tif"])
def test_grey_becomes_three_equal_channels_of_the_same_luma(media: Path, upright: Image.Image, name: str) -> None:
    pixels = np.asarray(image.load(media / "modes" / name).image)
    assert (pixels == pixels[..., :1]).all()
    assert np.abs(pixels[..., 0].astype(int) - np.asarray(upright.convert("L"), int)).mean() < 2


def test_bilevel_becomes_black_and_white(media: Path) -> None:
    assert set(np.unique(np.asarray(image.load(media / "modes" / "bilevel.png").image))) == {0, 255}


@pytest.mark.parametrize("name", ["rgba.png", "la.png", "palette.png", "palette.gif", "key.png"])
def test_transparent_pixels_lie_on_white_paper(media: Path, name: str) -> None:
    shown = image.load(media / "modes" / f"alpha-{name}").image
    middle = CORNER_PX // 2
    assert shown.getpixel((middle, middle)) == (255, 255, 255)
    if not name.startswith("la"):
        assert corners(shown) == CORNERS | {"top left": "?"}


def test_icc_profiles_leave_the_stored_values_alone(media: Path) -> None:
    with_profile = image.load(media / "modes" / "colour-icc.png").image
    without = image.load(media / "formats" / "picture.png").image
    assert with_profile.tobytes() == without.tobytes()


def test_reading_twice_gives_the_same_bytes(media: Path) -> None:
    first, second = (image.load(media / "formats" / "picture.jpg", DEFAULT_LIMITS) for _ in range(2))
    assert first.image.tobytes() == second.image.tobytes()
    assert first.source == second.source


def test_a_file_that_grows_is_still_bounded(tmp_path: Path, upright: Image.Image) -> None:
    out = io.BytesIO()
    upright.save(out, "PNG")
    path = tmp_path / "trailing.png"
    path.write_bytes(out.getvalue() + bytes(1000))  # padding behind the end, as some cameras leave it
    assert corners(image.load(path).image) == CORNERS

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.draw_provenance import picture, saved
from unmask.limits import DEFAULT_LIMITS
from unmask.modalities import image
from unmask.same_picture import is_saved_from, pixels_sha256


def proven(copy: bytes, twin: Path, sha256: str | None = None) -> bool:
    decoded = image.decode(copy, image.read(twin)[1]).image
    known = sha256 or hashlib.sha256(twin.read_bytes()).hexdigest()
    return is_saved_from(copy, decoded, twin, known, DEFAULT_LIMITS)


@pytest.fixture
def twin(tmp_path: Path) -> Path:
    path = tmp_path / "twin.png"
    picture(size=(203, 151)).save(path)
    return path


@pytest.mark.parametrize("quality", [30, 75, 95])
@pytest.mark.parametrize("options", [{}, {"subsampling": 0}, {"progressive": True}, {"optimize": True}])
def test_saving_again_is_proven(twin: Path, quality: int, options: dict[str, object]) -> None:
    assert proven(saved(picture(size=(203, 151)), "JPEG", quality=quality, **options), twin)


def test_a_grey_copy_of_a_grey_picture_is_proven(tmp_path: Path) -> None:
    path = tmp_path / "grey.png"
    picture().convert("L").save(path)
    assert proven(saved(picture().convert("L"), "JPEG", quality=80), path)


@pytest.mark.parametrize("quality", [30, 75, 95])
def test_a_change_in_one_place_is_no_copy(twin: Path, quality: int) -> None:
    """A patch of 12 x 12 px, eight grey levels brighter: the eye hardly sees it, and no hash does."""
    pixels = np.asarray(picture(size=(203, 151))).astype(np.int16)
    pixels[60:72, 80:92] += 8
    changed = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    assert not proven(saved(changed, "JPEG", quality=quality), twin)


def test_saving_twice_scaling_and_cropping_are_not_proven(twin: Path) -> None:
    original = picture(size=(203, 151))
    once = Image.open(io.BytesIO(saved(original, "JPEG", quality=60)))
    assert not proven(saved(once, "JPEG", quality=90), twin)
    assert not proven(saved(original.resize((160, 120)), "JPEG"), twin)
    assert not proven(saved(original.crop((0, 0, 200, 150)), "JPEG"), twin)


def test_other_formats_and_files_that_changed_since_prove_nothing(twin: Path, tmp_path: Path) -> None:
    original = picture(size=(203, 151))
    assert not proven(saved(original, "WEBP", quality=80), twin)
    assert not proven(saved(original, "JPEG"), twin, sha256="0" * 64)
    decoded = Image.open(io.BytesIO(saved(original, "JPEG"))).convert("RGB")
    assert not is_saved_from(saved(original, "JPEG"), decoded, tmp_path / "gone.png", "0" * 64, DEFAULT_LIMITS)
    assert not is_saved_from(b"no picture", decoded, twin, "0" * 64, DEFAULT_LIMITS)


def test_hashes_of_pixels_tell_shape_and_every_pixel() -> None:
    one = picture()
    changed = one.copy()
    changed.putpixel((0, 0), (1, 2, 3))
    assert pixels_sha256(one) == pixels_sha256(Image.open(io.BytesIO(saved(one, "PNG"))).convert("RGB"))
    assert len({pixels_sha256(each) for each in (one, changed, one.rotate(180))}) == 3
    assert pixels_sha256(Image.new("RGB", (20, 10))) != pixels_sha256(Image.new("RGB", (10, 20)))

"""The small copy inside EXIF against the picture."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tests.draw_provenance import exif_with_thumbnail, jpeg, picture, saved
from unmask.modalities.image import turned
from unmask.provenance import Account, against, read
from unmask.provenance.pictured import LEAST_CORRELATION, MOST_APART, compare


def checked(small: Image.Image, whole: Image.Image) -> Account:
    return against(read(saved(whole, "JPEG", exif=exif_with_thumbnail(small))), whole)


def codes(account: Account) -> set[str]:
    return {one.code for one in account.findings}


@pytest.mark.parametrize("size", [(160, 120), (80, 60), (40, 30)])
@pytest.mark.parametrize("change", ["none", "darker", "sharper", "bars"])
def test_copies_that_cameras_make_are_alike(size: tuple[int, int], change: str) -> None:
    from PIL import ImageFilter

    whole = picture(1, (480, 360))
    small = whole.resize(size)
    if change == "darker":
        small = small.point(lambda value: round(value * 0.8))
    elif change == "sharper":
        small = small.filter(ImageFilter.SHARPEN)
    elif change == "bars":
        framed = Image.new("RGB", (size[0], round(size[1] * 1.125)))
        framed.paste(small, (0, (framed.height - small.height) // 2))
        small = framed
    likeness = compare(small, whole)
    assert likeness is not None
    assert likeness[0] > 0.95
    assert codes(checked(small, whole)) == {"camera-named"}


def test_the_copy_of_another_picture_is_not() -> None:
    account = checked(picture(2).resize((160, 120)), picture(1))
    assert "thumbnail-unlike" in codes(account)
    assert account.facts["thumbnail unlike"] == 1
    assert account.facts["thumbnail correlation"] < LEAST_CORRELATION


def test_a_face_that_was_put_in_later_shows_in_one_place(astronaut: Image.Image) -> None:
    """The head is painted over: most of the picture is alike, one place is not."""
    changed = astronaut.copy()
    changed.paste((20, 60, 30), (180, 40, 290, 180))
    account = checked(astronaut.resize((120, 120)), changed)
    assert "thumbnail-unlike" in codes(account)
    assert account.facts["thumbnail apart"] > MOST_APART
    assert codes(checked(astronaut.resize((120, 120)), astronaut)) == {"camera-named"}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_copy_is_turned_with_the_picture(orientation: int) -> None:
    from dataclasses import replace

    stored = picture(3, (160, 100))
    upright = turned(stored, orientation)
    account = replace(read(saved(stored, "JPEG", exif=exif_with_thumbnail(stored))), turned=orientation)
    assert "thumbnail-unlike" not in codes(against(account, upright))


def test_pictures_without_contrast_say_nothing() -> None:
    grey = Image.fromarray(np.full((60, 80, 3), 128, np.uint8))
    assert compare(grey, picture()) is None
    assert codes(checked(grey, picture())) == {"camera-named"}


def test_a_copy_that_is_none_is_malformed() -> None:
    whole = read(jpeg(exif=exif_with_thumbnail(picture().resize((80, 60))))[1])
    from dataclasses import replace

    assert whole.thumbnail is not None
    broken = replace(whole, thumbnail=b"\xff\xd8" + whole.thumbnail[300:])
    assert "malformed" in codes(against(broken, picture()))

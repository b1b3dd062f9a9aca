from __future__ import annotations

import base64
import io
import os
import sys
from pathlib import Path

import pytest
from PIL import Image

from unmask.embedded import data_uri, jpeg, located


def test_a_copy_is_small_and_holds_pixels_alone() -> None:
    image = Image.new("RGB", (400, 100), "red")
    image.info = {"comment": b"secret", "exif": b"Exif\0\0secret"}
    head, data = jpeg(image, 200).split(",")
    assert head == "data:image/jpeg;base64"
    copy = Image.open(io.BytesIO(base64.b64decode(data)))
    assert copy.size == (200, 50)
    assert not {"comment", "exif"} & set(copy.info)


def test_nothing_is_enlarged_and_nothing_vanishes() -> None:
    for size, shown in (((20, 10), (20, 10)), ((4000, 1), (200, 1))):
        copy = Image.open(io.BytesIO(base64.b64decode(jpeg(Image.new("RGB", size), 200).split(",")[1])))
        assert copy.size == shown


def test_a_data_uri_names_its_kind() -> None:
    assert data_uri("png", b"abc") == "data:image/png;base64,YWJj"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes names that are no UTF-8")
def test_a_path_as_shown_leads_to_its_file(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))
    path.touch()
    assert located(f"{tmp_path}/caf\\xe9.png") == path
    assert located("nowhere.png") == Path("nowhere.png")

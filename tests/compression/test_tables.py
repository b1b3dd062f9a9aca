from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tests.compression.drawn import textured
from unmask.compression.features import features
from unmask.compression.tables import coding


def opened(**options: object) -> Image.Image:
    file = io.BytesIO()
    textured(0, 64, 64).save(file, "JPEG", **options)
    return Image.open(io.BytesIO(file.getvalue()))


@pytest.mark.parametrize("sampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_the_subsampling_has_its_name(sampling: str) -> None:
    found = coding(opened(subsampling=sampling))
    assert found is not None
    assert (found.sampling, found.progressive) == (sampling, False)


def test_progressive_and_grey_are_told() -> None:
    progressive = coding(opened(progressive=True))
    assert progressive is not None
    assert progressive.progressive
    file = io.BytesIO()
    textured(0, 64, 64).convert("L").save(file, "JPEG")
    grey = coding(Image.open(file))
    assert grey is not None
    assert (grey.sampling, grey.chroma) == ("grey", None)


def test_tables_are_read_in_rows_of_frequencies() -> None:
    table = list(range(1, 65))
    found = coding(opened(qtables=[table, table[::-1]]))
    assert found is not None
    assert found.luma.ravel().tolist() == table
    assert found.chroma is not None
    assert found.chroma.ravel().tolist() == table[::-1]


def test_what_is_no_jpeg_has_none() -> None:
    file = io.BytesIO()
    textured(0, 64, 64).save(file, "PNG")
    png = Image.open(file)
    assert coding(png) is None
    assert features(png) == {}


def test_a_header_that_names_tables_it_lacks_is_no_crash() -> None:
    picture = opened()
    assert coding(picture) is not None
    picture.layer = [(identity, across, down, 3) for identity, across, down, _ in picture.layer]  # type: ignore[attr-defined]
    assert coding(picture) is None
    assert "quality" not in features(picture)


def test_features_say_family_quality_and_sampling() -> None:
    found = features(opened(quality=83, subsampling="4:2:2"))
    assert found["quality"] == 83
    assert found["family libjpeg"] == 1
    assert found["subsampling"] == 1
    assert found["progressive"] == 0
    assert found["table 0 sum"] == np.sum(opened(quality=83).quantization[0])  # type: ignore[attr-defined]

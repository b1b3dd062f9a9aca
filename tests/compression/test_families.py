from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tests.compression.drawn import textured
from unmask.compression.families import Family, recognise, standard
from unmask.compression.tables import coding


def family(**options: object) -> Family:
    file = io.BytesIO()
    textured(0, 32, 32).save(file, "JPEG", **options)
    found = coding(Image.open(io.BytesIO(file.getvalue())))
    assert found is not None
    return recognise(found)


def test_every_quality_of_libjpeg_is_named_exactly() -> None:
    assert [family(quality=quality) for quality in range(1, 101)] == [Family("libjpeg", q) for q in range(1, 101)]


@pytest.mark.parametrize("preset", ["low", "medium", "high", "maximum", "web_low", "web_very_high", "web_maximum"])
def test_presets_of_photoshop_are_named(preset: str) -> None:
    found = family(quality=preset)
    assert (found.name, found.preset) == ("photoshop", preset)
    assert "Photoshop" in found.sentence
    assert ("Save for Web" in found.sentence) == preset.startswith("web_")


def test_two_qualities_are_told_apart() -> None:
    found = family(qtables=[standard(90).ravel().tolist(), standard(60, chroma=True).ravel().tolist()])
    assert found == Family("libjpeg, two qualities", 90, chroma_quality=60)
    assert "90 for brightness and 60 for colour" in found.sentence


def test_the_table_of_mozjpeg_is_named() -> None:
    # at quality 75 every step is half of the base table: 16 -> 8, 85 -> 43 (rounded), 418 -> 209
    first_row, last_row = [8, 8, 8, 9, 13, 19, 28, 43], [43, 38, 68, 78, 95, 119, 156, 209]
    table = [
        *first_row,
        *(8, 9, 10, 14, 17, 20, 27, 38, 8, 10, 12, 16, 22, 31, 46, 68, 9, 14, 16, 20, 27, 37, 53, 78),
        *(13, 17, 22, 27, 35, 47, 66, 95, 19, 20, 31, 37, 47, 62, 85, 119, 28, 27, 46, 53, 66, 85, 113, 156),
        *last_row,
    ]
    assert family(qtables=[table, table]) == Family("mozjpeg", 75)


def test_anything_else_is_unknown_and_only_near_a_quality() -> None:
    table = standard(80)
    table[3, 3] += 1
    found = family(qtables=[table.ravel().tolist(), standard(80, chroma=True).ravel().tolist()])
    assert found == Family("unknown", 80)
    assert found.sentence.startswith("unknown tables, near libjpeg's quality 80")


def test_brightness_of_libjpeg_with_foreign_colours_is_not_called_libjpeg() -> None:
    assert family(qtables=[standard(80).ravel().tolist(), np.full(64, 7).tolist()]).name == "unknown"


@pytest.mark.parametrize("mode", ["CMYK", "L"])
def test_one_table_for_all_channels_is_that_of_libjpeg(mode: str) -> None:
    file = io.BytesIO()
    textured(0, 32, 32).convert(mode).save(file, "JPEG", quality=70)
    found = coding(Image.open(file))
    assert found is not None
    assert recognise(found) == Family("libjpeg", 70)

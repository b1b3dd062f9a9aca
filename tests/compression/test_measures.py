from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from tests.compression.drawn import cut, face, saved, textured
from unmask.compression import findings
from unmask.compression.earlier import earlier
from unmask.compression.ghosts import ghosts
from unmask.compression.grid import grid
from unmask.compression.measuring import measure
from unmask.compression.noise import noise

FACE = face(64, 64, 192, 192)


def pasted(host: Image.Image, part: Image.Image) -> Image.Image:
    made = host.convert("RGB").copy()
    made.paste(part.convert("RGB").crop((64, 64, 192, 192)), (64, 64))
    return made


@pytest.mark.parametrize(("first", "last"), [(60, 75), (60, 90), (75, 90), (85, 95), (70, 80)])
def test_an_earlier_jpeg_is_found_and_its_quality_named(first: int, last: int) -> None:
    for seed in range(3):
        once, twice = textured(seed), saved(textured(seed), first)
        assert earlier(cut(saved(once, last))).nats < findings.EARLIER
        found = earlier(cut(saved(twice, last)))
        assert found.nats > findings.EARLIER
        assert abs(found.quality - first) <= 2


def test_a_png_that_was_a_jpeg_is_found_as_well() -> None:
    assert earlier(cut(textured(0))).nats < findings.EARLIER
    found = earlier(cut(saved(textured(0), 70).convert("RGB")))
    assert found.nats > findings.EARLIER
    assert abs(found.quality - 70) <= 1


def test_a_face_without_the_history_of_its_surroundings_lacks_it() -> None:
    host = saved(textured(0), 60)
    honest, forged = saved(host, 90), saved(pasted(host, textured(1)), 90)
    away = {name: measure(one, one.convert("RGB"), [FACE]) for name, one in (("honest", honest), ("forged", forged))}
    assert away["honest"].earlier_apart < findings.EARLIER_APART + 0.1
    assert away["forged"].earlier_apart > away["honest"].earlier_apart + 0.2
    assert "less than what is beside it" in findings.of_earlier(away["forged"])


def test_a_face_that_was_saved_coarser_than_its_surroundings_is_a_ghost() -> None:
    honest = ghosts(cut(saved(textured(0), 95), FACE))
    forged = ghosts(cut(saved(pasted(textured(0), saved(textured(0), 60)), 95), FACE))
    assert honest is not None
    assert forged is not None
    assert abs(honest.apart) < findings.GHOST_APART
    assert forged.apart < -findings.GHOST_APART, "it changes less than what is beside it"
    assert 50 <= forged.quality <= 70


def test_a_second_grid_is_found_where_it_lies() -> None:
    part = saved(textured(0), 60).convert("RGB")
    moved = Image.fromarray(np.roll(np.asarray(part), (5, 3), axis=(0, 1)))
    honest = grid(cut(saved(textured(1), 92), FACE))
    forged = grid(cut(saved(pasted(textured(1), moved), 92), FACE))
    assert forged.foreign == (3, 5)
    assert forged.apart > findings.GRID_APART > honest.apart


def test_the_grid_of_a_png_is_measured_and_that_of_a_jpeg_is_known() -> None:
    moved = Image.fromarray(np.roll(np.asarray(saved(textured(0), 70).convert("RGB")), (2, 6), axis=(0, 1)))
    found = grid(cut(moved))
    assert found.origin == (6, 2)
    assert found.strength > findings.CLEAR_GRID > grid(cut(textured(0))).strength
    assert np.isnan(found.apart)


def test_noise_is_measured_in_grey_levels_and_compared() -> None:
    rng = np.random.default_rng(0)
    smooth = np.asarray(textured(0).filter(ImageFilter.GaussianBlur(6)), np.float32)
    grain = rng.normal(0, 1, (*smooth.shape[:2], 1))
    strength = np.full_like(grain, 6.0)
    strength[64:192, 64:192] = 2.0
    found = noise(cut(Image.fromarray(np.clip(smooth + grain * strength, 0, 255).astype(np.uint8)), FACE))
    assert found is not None
    assert found.beside == pytest.approx(6.0, rel=0.15)
    assert found.face == pytest.approx(2.0, rel=0.15)
    assert found.apart == pytest.approx(-1.5, abs=0.25)


def test_black_and_flat_pictures_are_said_to_hold_nothing() -> None:
    black = cut(Image.new("RGB", (128, 128)))
    assert noise(black) is None
    assert ghosts(black) is None
    seen = measure(saved(Image.new("RGB", (128, 128)), 90), Image.new("RGB", (128, 128)), ())
    assert findings.of_noise(seen) == findings.of_ghosts(seen) == findings.NO_ROOM
    assert all(np.isnan(value) for value in seen.numbers.values())


def test_a_picture_without_one_square_is_said_to_be_too_small() -> None:
    tiny = saved(Image.new("RGB", (12, 12)), 90)
    seen = measure(tiny, tiny.convert("RGB"), ())
    assert seen.plane is None
    assert findings.of_grid(seen) == findings.of_earlier(seen) == findings.NO_ROOM
    assert "quality 90" in findings.of_tables(seen)


@pytest.mark.parametrize("quality", [75, 85])
def test_a_drawn_slope_is_not_said_to_have_been_saved_before(quality: int) -> None:
    slope = Image.fromarray(np.tile(np.linspace(0, 255, 600), (600, 1)).astype(np.uint8))
    assert earlier(cut(saved(slope, quality))).nats == 0.0

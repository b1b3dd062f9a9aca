"""Photos drawn again: whole or under a mask, with a grid that begins anywhere, by generators that are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.make_generator import make_generator
from tests.makers.faces import generator
from unmask.errors import UsageError
from unmask.makers import Nobody, Portrait
from unmask.makers import reconstruct as module
from unmask.makers.generators import STRIDE_PX, Generator
from unmask.makers.reconstruct import Reconstructor, draw_again, reconstruct
from unmask.types import Pixels


@pytest.fixture(scope="module")
def mosaic(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    return make_generator(tmp_path_factory.mktemp("generators"))


def squares(pixels: Pixels) -> Pixels:
    """The squares of a mosaic that begins at the first pixel: (rows, columns, 16 * 16, 3)."""
    rows, columns = pixels.shape[0] // STRIDE_PX, pixels.shape[1] // STRIDE_PX
    cut = pixels[: rows * STRIDE_PX, : columns * STRIDE_PX]
    return cut.reshape(rows, STRIDE_PX, columns, STRIDE_PX, 3).swapaxes(1, 2).reshape(rows, columns, -1, 3)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (70, 49), (16, 130), (7, 5)])
def test_any_size_is_drawn(mosaic: Generator, height: int, width: int) -> None:
    pixels = generator(0).integers(0, 256, (height, width, 3), np.uint8)
    drawn = draw_again(pixels, mosaic.session())
    assert drawn.dtype == np.uint8
    assert drawn.shape == pixels.shape
    assert not np.array_equal(drawn, pixels)


def test_the_grid_begins_where_it_is_told(mosaic: Generator, portrait: Portrait) -> None:
    drawn = draw_again(portrait.pixels, mosaic.session(), (3, 5))
    assert np.ptp(squares(drawn[STRIDE_PX - 3 :, STRIDE_PX - 5 :]), axis=2).max() == 0
    assert np.ptp(squares(drawn), axis=2).max() > 0


def test_a_fake_is_whole_or_lies_under_a_soft_mask(mosaic: Generator, portrait: Portrait) -> None:
    session = mosaic.session()
    untouched = []
    for seed in range(20):
        fake = reconstruct(portrait, session, generator(seed))
        np.testing.assert_array_equal(fake, reconstruct(portrait, session, generator(seed)))
        untouched.append(float((fake == portrait.pixels).all(axis=2).mean()))
    pasted = [share for share in untouched if share > 0.2]
    assert 4 <= len(pasted) <= 16  # of twenty, where half are whole
    assert max(untouched) < 1
    assert min(untouched) < 0.05


def test_a_face_that_nobody_found_is_drawn_all_the_same(mosaic: Generator, portrait: Portrait) -> None:
    for seed in range(10):
        fake = reconstruct(Portrait(portrait.pixels), mosaic.session(), generator(seed))
        assert not np.array_equal(fake, portrait.pixels)


def test_the_maker_uses_each_of_the_generators_and_none_held_out(
    tmp_path: Path, portrait: Portrait, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "ab":
        make_generator(tmp_path, name)
    make_generator(tmp_path, "c", held_out=True)
    maker = Reconstructor()
    maker.look_in(tmp_path)
    assert [one.card.name for one in maker.generators] == ["a", "b"]
    used = []
    monkeypatch.setattr(module, "reconstruct", lambda portrait, session, rng: used.append(session))
    for seed in range(20):
        maker(portrait, Nobody(), generator(seed))
    assert {id(session) for session in used} == {id(one.session()) for one in maker.generators}


def test_a_maker_that_was_not_told_where_to_look_says_so(portrait: Portrait) -> None:
    with pytest.raises(UsageError, match="must be told where they lie"):
        Reconstructor()(portrait, Nobody(), generator(0))

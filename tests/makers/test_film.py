"""Fakes of whole clips: one change for all frames, that trembles, and that leaves alone what lies around the face."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.makers.faces import generator
from unmask.faces import FaceFinder
from unmask.makers import Nobody
from unmask.makers.camera import filmed
from unmask.makers.film import FilmMaker, film_makers, swap_film
from unmask.makers.portrait import Portrait
from unmask.makers.reconstruct import by_generators
from unmask.types import Pixels


class Lender:
    """Another face: the portrait, mirrored and darker."""

    def __init__(self, portrait: Portrait) -> None:
        assert portrait.landmarks is not None
        marks = portrait.landmarks[[1, 0, 2, 4, 3]].copy()
        marks[:, 0] = portrait.pixels.shape[1] - marks[:, 0]
        self.face = Portrait((portrait.pixels[:, ::-1] // 2).copy(), marks)
        self.asked = 0

    def near(self, portrait: Portrait, rng: np.random.Generator, label: int) -> Portrait | None:
        self.asked += 1
        return self.face if label == 0 else None


@pytest.fixture(scope="session")
def looks(astronaut: Image.Image, finder: FaceFinder) -> list[Portrait]:
    """Six frames of a move over the portrait."""
    picture = astronaut.crop((60, 0, 400, 300)).resize((226, 200))
    (face,) = finder.find(picture)[0]
    return filmed(Portrait(np.asarray(picture, np.uint8), face.landmarks), 6, generator(0))


def makers() -> dict[str, FilmMaker]:
    return {name: maker for name, (maker, _) in film_makers(by_generators.generators).items()}


def changes(looks: list[Portrait], fakes: list[Pixels]) -> list[NDArray[np.int_]]:
    return [np.abs(fake.astype(int) - look.pixels).max(axis=2) for look, fake in zip(looks, fakes, strict=True)]


@pytest.mark.parametrize("name", ["self_blend", "swap", "reconstruct"])
def test_every_frame_is_faked_alike_and_never_quite_the_same(
    name: str, looks: list[Portrait], portrait: Portrait
) -> None:
    told = 0
    for seed in range(8):
        before = [look.pixels.copy() for look in looks]
        fakes = makers()[name](looks, Lender(portrait), generator(seed))
        again = makers()[name](looks, Lender(portrait), generator(seed))
        assert fakes is not None
        assert again is not None
        for fake, other, look, kept in zip(fakes, again, looks, before, strict=True):
            assert fake.dtype == np.uint8
            assert fake.shape == look.pixels.shape
            np.testing.assert_array_equal(fake, other)
            np.testing.assert_array_equal(look.pixels, kept)
        amounts = [float(change.sum()) for change in changes(looks, fakes)]
        assert min(amounts) > 0, "no frame is left out"
        assert max(amounts) < 4 * min(amounts), "the same change for all"
        told += len(set(amounts)) == len(amounts)
    assert told == 8


@pytest.mark.parametrize("name", ["swap", "reconstruct"])
def test_what_lies_away_from_the_face_stays(name: str, looks: list[Portrait], portrait: Portrait) -> None:
    fakes = makers()[name](looks, Lender(portrait), generator(1))
    assert fakes is not None
    for change in changes(looks, fakes):
        assert not change[:, -6:].any()
        assert not change[-6:].any()


def test_a_donor_is_asked_once_and_without_one_there_is_no_swap(looks: list[Portrait], portrait: Portrait) -> None:
    lender = Lender(portrait)
    assert swap_film(looks, lender, generator(0)) is not None
    assert lender.asked == 1
    assert swap_film(looks, Nobody(), generator(0)) is None


def test_faces_at_the_border_or_outside_break_nothing(looks: list[Portrait], portrait: Portrait) -> None:
    for shift in (-80.0, 120.0, 400.0):
        moved = [
            Portrait(look.pixels, (look.landmarks + np.float32(shift)).astype(np.float32))
            for look in looks[:2]
            if look.landmarks is not None
        ]
        for name, maker in makers().items():
            fakes = maker(moved, Lender(portrait), generator(0))
            assert name == "swap" or fakes is not None
            assert fakes is None or len(fakes) == 2


def test_generators_draw_only_where_there_are_some() -> None:
    assert set(film_makers()) == {"self_blend", "swap"}
    assert set(makers()) == {"self_blend", "swap", "reconstruct"}

"""The table of makers: each makes a fake from the same portrait, and none leaves a picture as it was."""

from __future__ import annotations

import numpy as np
import pytest

from tests.makers.faces import generator
from unmask.makers import MAKERS, WITH_DONORS, Nobody, Portrait, make

every_maker = pytest.mark.parametrize("name", MAKERS)


class Mirror:
    """Lends everyone the mirrored face."""

    def near(self, portrait: Portrait, rng: np.random.Generator, label: int) -> Portrait | None:
        assert portrait.landmarks is not None
        marks = portrait.landmarks[[1, 0, 2, 4, 3]] * np.array([-1, 1], np.float32)
        return Portrait(portrait.pixels[:, ::-1], marks + np.array([portrait.pixels.shape[1] - 1, 0], np.float32))


@every_maker
def test_it_changes_the_face_and_nothing_of_its_original(name: str, portrait: Portrait) -> None:
    before = portrait.pixels.copy()
    for seed in range(10):
        fake = make(name, portrait, Mirror(), generator(seed))
        assert fake.dtype == np.uint8
        assert fake.shape == before.shape
        assert not np.array_equal(fake, before)
        np.testing.assert_array_equal(fake, make(name, portrait, Mirror(), generator(seed)))
    np.testing.assert_array_equal(portrait.pixels, before)


@every_maker
def test_where_it_cannot_the_face_is_blended_all_the_same(name: str, portrait: Portrait) -> None:
    for seed in range(5):
        assert not np.array_equal(make(name, Portrait(portrait.pixels), Nobody(), generator(seed)), portrait.pixels)


def test_those_that_need_donors_say_so(portrait: Portrait) -> None:
    assert MAKERS.keys() >= WITH_DONORS
    for name, maker in MAKERS.items():
        if name in WITH_DONORS:
            assert maker(portrait, Nobody(), generator(0)) is None

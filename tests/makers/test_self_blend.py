"""Self-blended fakes: where they differ from their original, where they must not, and that no landmarks break them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from PIL import Image

from tests.makers.faces import PROFILE, SIZE_PX, generator
from unmask.makers import Nobody, Portrait
from unmask.makers.masks import Mask
from unmask.makers.self_blend import blended, moved, self_blend
from unmask.types import Pixels


def test_the_same_state_gives_the_same_fake_and_another_gives_another(portrait: Portrait) -> None:
    before = portrait.pixels.copy()
    fakes = [fake(portrait, seed) for seed in range(20)]
    assert all(one.dtype == np.uint8 and one.shape == (SIZE_PX, SIZE_PX, 3) for one in fakes)
    for seed, one in enumerate(fakes):
        np.testing.assert_array_equal(one, fake(portrait, seed))
    assert len({one.tobytes() for one in fakes}) == len(fakes)
    np.testing.assert_array_equal(portrait.pixels, before)


@dataclass
class Joined:
    """What was joined: the inner and the outer picture, and the mask."""

    inner: list[Pixels] = field(default_factory=list)
    outer: list[Pixels] = field(default_factory=list)
    masks: list[Mask] = field(default_factory=list)


@pytest.fixture
def joined(monkeypatch: pytest.MonkeyPatch) -> Joined:
    seen = Joined()

    def watched(inner: Pixels, outer: Pixels, mask: Mask) -> Pixels:
        seen.inner.append(inner)
        seen.outer.append(outer)
        seen.masks.append(mask)
        return blended(inner, outer, mask)

    monkeypatch.setitem(self_blend.__globals__, "blended", watched)
    return seen


def test_outside_the_mask_a_fake_is_one_of_its_two_copies_untouched(portrait: Portrait, joined: Joined) -> None:
    outer_is_the_original = []
    for seed in range(60):
        made = fake(portrait, seed)
        outside = joined.masks[-1] == 0
        assert outside.mean() > 0.05
        np.testing.assert_array_equal(made[outside], joined.outer[-1][outside])
        assert not np.array_equal(made[~outside], joined.outer[-1][~outside])
        outer_is_the_original.append(np.array_equal(joined.outer[-1], portrait.pixels))
    assert 15 < sum(outer_is_the_original) < 45, "either copy may be the inner one"


def test_opacity_is_the_papers_set(portrait: Portrait, joined: Joined) -> None:
    for seed in range(120):
        fake(portrait, seed)
    found = np.array([mask.max() for mask in joined.masks])
    assert sorted(set(found.round(6))) == [0.25, 0.5, 0.75, 1.0]
    assert 0.35 < (found == 1).mean() < 0.65, "half of them hide all that was there"


def test_a_blend_is_seen_and_stays_small(portrait: Portrait, joined: Joined) -> None:
    """Even the faintest is more than JPEG takes away, and none is another picture."""
    for seed in range(60):
        made = fake(portrait, seed).astype(float)
        core = joined.masks[-1] > 0.5 * joined.masks[-1].max()
        change = np.sqrt(((made - joined.outer[-1])[core] ** 2).mean())
        assert 1 < change < 70


@pytest.mark.parametrize("size", [(128, 128), (96, 160), (64, 64), (17, 300)], ids=str)
def test_any_size_and_side_of_a_crop(size: tuple[int, int]) -> None:
    width, height = size
    pixels = generator(1).integers(0, 256, (height, width, 3), np.uint8)
    usual = np.array([[0.32, 0.4], [0.68, 0.4], [0.5, 0.58], [0.36, 0.76], [0.64, 0.76]], np.float32)
    for seed in range(10):
        assert fake(Portrait(pixels, usual * np.array(size, np.float32)), seed).shape == (height, width, 3)
        assert not np.array_equal(fake(Portrait(pixels), seed), pixels), "without a face, a place is drawn"


@pytest.mark.parametrize(
    "marks",
    [
        PROFILE,
        PROFILE[[1, 0, 2, 4, 3]],  # the other way round
        np.full((5, 2), 64, np.float32),
        PROFILE + 500,
        PROFILE - 5000,
        PROFILE * 100,
    ],
    ids=["profile", "mirrored", "one point", "outside", "far outside", "larger than the crop"],
)
def test_odd_landmarks_are_survived(
    portrait: Portrait, marks: np.ndarray[tuple[int, int], np.dtype[np.float32]]
) -> None:
    for seed in range(20):
        made = fake(Portrait(portrait.pixels, marks), seed)
        assert made.shape == portrait.pixels.shape
        assert not np.array_equal(made, portrait.pixels), "a fake that equals its original teaches doubt"


def test_what_moves_in_from_beyond_the_border_is_the_picture_itself(portrait: Portrait) -> None:
    white = Image.new("RGB", (40, 30), "white")
    for seed in range(20):
        assert moved(white, generator(seed)).getextrema() == ((255, 255),) * 3


def fake(portrait: Portrait, seed: int) -> Pixels:
    return self_blend(portrait, Nobody(), generator(seed))

"""Frequency blends: another band inside the mask, the same colours, the same picture outside."""

from __future__ import annotations

import numpy as np
import pytest

from tests.makers.faces import SIZE_PX, generator
from unmask.makers import Nobody, Portrait
from unmask.makers import masks as masks_module
from unmask.makers.frequency_blend import band, frequency_blend
from unmask.makers.masks import Mask


def test_a_band_passes_its_own_frequencies_alone() -> None:
    x = np.arange(64)
    waves = {n: np.broadcast_to(np.cos(2 * np.pi * n * x / 64)[None, :, None], (64, 64, 3)) for n in (0, 2, 8, 30)}
    mixed = sum(waves.values()).astype(np.float32)  # type: ignore[union-attr]
    np.testing.assert_allclose(band(mixed, 0.06, 0.25), waves[8], atol=1e-4)
    np.testing.assert_allclose(band(mixed, 0.25, 1.0), waves[30], atol=1e-4)
    np.testing.assert_allclose(band(mixed, 1e-3, 2.0), mixed - waves[0], atol=1e-4)


def test_it_is_seen_and_stays_subtle(portrait: Portrait) -> None:
    made = 0
    for seed in range(40):
        fake = frequency_blend(portrait, Nobody(), generator(seed))
        if fake is None:
            continue
        made += 1
        assert fake.dtype == np.uint8
        change = fake.astype(float) - portrait.pixels
        where = change.any(axis=2)
        assert 0.01 < where.mean() < 0.9
        assert 0.3 < np.sqrt((change[where] ** 2).mean()) < 15
    assert made >= 36


def test_low_frequencies_are_left_alone(portrait: Portrait) -> None:
    """The mean colour of large squares hardly moves, though single pixels do."""
    for seed in range(20):
        fake = frequency_blend(portrait, Nobody(), generator(seed))
        assert fake is not None
        change = fake.astype(float) - portrait.pixels
        squares = change.reshape(SIZE_PX // 32, 32, SIZE_PX // 32, 32, 3).mean(axis=(1, 3))
        assert np.abs(squares).max() < 0.5 * np.abs(change).max()
        assert np.abs(squares).max() < 2


def test_outside_the_mask_nothing_changes(portrait: Portrait, monkeypatch: pytest.MonkeyPatch) -> None:
    masks: list[Mask] = []
    draw = masks_module.blend_mask

    def watched(portrait: Portrait, rng: np.random.Generator) -> Mask:
        masks.append(draw(portrait, rng))
        return masks[-1]

    monkeypatch.setitem(frequency_blend.__globals__, "blend_mask", watched)
    for seed in range(20):
        fake = frequency_blend(portrait, Nobody(), generator(seed))
        assert fake is not None
        np.testing.assert_array_equal(fake[masks[-1] == 0], portrait.pixels[masks[-1] == 0])
        assert not np.array_equal(fake, portrait.pixels)


def test_the_same_state_gives_the_same_fake(portrait: Portrait) -> None:
    first, again = ([frequency_blend(portrait, Nobody(), generator(seed)) for seed in range(10)] for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert one is not None
        assert other is not None
        np.testing.assert_array_equal(one, other)
    assert len({one.tobytes() for one in first if one is not None}) == 10


def test_a_face_without_any_detail_is_declined() -> None:
    """A grid can be drawn on any face, but black stays black."""
    black = Portrait(np.zeros((64, 64, 3), np.uint8))
    assert all(frequency_blend(black, Nobody(), generator(seed)) is None for seed in range(10))


@pytest.mark.parametrize("size", [(96, 160), (17, 300), (33, 31)], ids=str)
def test_any_size(size: tuple[int, int]) -> None:
    pixels = generator(0).integers(0, 256, (*size, 3), np.uint8)
    for seed in range(10):
        fake = frequency_blend(Portrait(pixels), Nobody(), generator(seed))
        assert fake is not None
        assert fake.shape == pixels.shape

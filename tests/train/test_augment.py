"""Augmentation: the same size, the same for the same chance, and no way to know the label."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.data.scenes import scene
from tests.train.tiny import recipe
from unmask.train.augment import augment, mix_amplitudes
from unmask.train.data import Pictures, read_split
from unmask.train.recipes import Augment

NONE = Augment(flip=0, zoom=0, colour=0, resize=0, blur=0, noise=0, jpeg=0)
ALL = Augment(flip=1, zoom=1, colour=1, resize=1, blur=1, noise=1, jpeg=1)
CHANGES = ("flip", "zoom", "colour", "resize", "blur", "noise", "jpeg")
PICTURE = np.asarray(scene(1), np.uint8)


def generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def only(change: str) -> Augment:
    return NONE.model_copy(update={change: 1.0})


def test_changes_is_every_probability_there_is() -> None:
    assert {*CHANGES, "amplitude", "jpeg_quality"} == set(Augment.model_fields)


@settings(max_examples=25)
@given(st.integers(16, 80), st.integers(16, 80), st.integers(0, 2**32 - 1))
def test_size_and_type_stay(width: int, height: int, seed: int) -> None:
    pixels = generator(seed).integers(0, 256, (height, width, 3), np.uint8)
    before = pixels.copy()
    for options in (Augment(), ALL):
        changed = augment(pixels, options, generator(seed))
        assert changed.shape == (height, width, 3)
        assert changed.dtype == np.uint8
    np.testing.assert_array_equal(pixels, before)


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_is_repeatable_and_has_its_own_switch(change: str) -> None:
    changed = [augment(PICTURE, only(change), generator(seed)) for seed in range(8)]
    for seed, one in enumerate(changed):
        assert not np.array_equal(one, PICTURE)
        np.testing.assert_array_equal(one, augment(PICTURE, only(change), generator(seed)))
        np.testing.assert_array_equal(PICTURE, augment(PICTURE, NONE, generator(seed)))
    assert (len({one.tobytes() for one in changed}) == 1) == (change == "flip"), "all else differs in degree"


def test_the_pictures_stay_themselves() -> None:
    for seed in range(20):
        changed = augment(PICTURE, ALL.model_copy(update={"flip": 0.0, "zoom": 0.0}), generator(seed))
        assert np.corrcoef(changed.mean(axis=2).ravel(), PICTURE.mean(axis=2).ravel())[0, 1] > 0.7


def test_the_label_is_out_of_reach() -> None:
    assert list(inspect.signature(augment).parameters) == ["pixels", "options", "rng", "partner"]


def test_the_range_of_qualities_is_kept() -> None:
    def loss(low: int, high: int) -> list[float]:
        options = only("jpeg").model_copy(update={"jpeg_quality": (low, high)})
        changed = [augment(PICTURE, options, generator(seed)).astype(float) for seed in range(20)]
        return [float(np.abs(one - PICTURE).mean()) for one in changed]

    assert max(loss(95, 100)) < min(loss(5, 10))
    assert len(set(loss(80, 80))) == 2, "one quality, with and without subsampled colours"


class TestAmplitudes:
    """The lowest frequencies change, and only how much there is of them."""

    OTHER = np.asarray(scene(2), np.uint8)
    GREY = np.random.default_rng(0).integers(100, 156, (64, 48, 3), np.uint8)
    """Far enough from black and white that nothing is cut off."""

    def spectra(self, *pictures: NDArray[np.uint8]) -> list[NDArray[np.complex128]]:
        return [np.fft.rfft2(one.astype(float), axes=(0, 1)) for one in pictures]

    @pytest.mark.parametrize("partner", [None, GREY[::-1] // 2 + 60], ids=["alone", "with another"])
    def test_high_frequencies_and_low_phases_stay(self, partner: NDArray[np.uint8] | None) -> None:
        changed = mix_amplitudes(self.GREY, partner, generator(5))
        before, after = self.spectra(self.GREY, changed)
        frequency = np.hypot(np.fft.fftfreq(64)[:, None], np.fft.rfftfreq(48))
        rounding = 0.5 * np.sqrt(64 * 48) * 4
        assert np.abs(after - before)[frequency > 0.11].max() < rounding
        turned = np.angle(after[1:3, 1:3] / before[1:3, 1:3])
        assert np.abs(turned).max() < 0.3
        assert np.abs(np.abs(after) - np.abs(before))[frequency < 0.11].max() > 2 * rounding

    def test_light_comes_from_the_other_picture_in_part(self) -> None:
        bright = np.full((80, 64, 3), 200, np.uint8)
        for seed in range(8):
            mean = mix_amplitudes(self.GREY, bright, generator(seed)).mean()
            assert self.GREY.mean() < mean < 200
            assert mix_amplitudes(self.GREY, None, generator(seed)).mean() == pytest.approx(self.GREY.mean(), abs=0.5)

    def test_it_has_a_switch_of_its_own_and_chance_stays_what_it_was_without_it(self) -> None:
        mixed = only("amplitude")
        for seed in range(4):
            changed = augment(PICTURE, mixed, generator(seed), self.OTHER)
            assert not np.array_equal(changed, PICTURE)
            assert not np.array_equal(changed, augment(PICTURE, mixed, generator(seed)))
            np.testing.assert_array_equal(changed, augment(PICTURE, mixed, generator(seed), self.OTHER))
            plain = augment(PICTURE, Augment(), generator(seed))
            np.testing.assert_array_equal(plain, augment(PICTURE, Augment(), generator(seed), self.OTHER))

    def test_a_black_picture_is_no_trouble(self) -> None:
        black = np.zeros((32, 33, 3), np.uint8)
        assert mix_amplitudes(black, None, generator(0)).max() == 0
        assert mix_amplitudes(black, self.GREY, generator(0)).shape == (32, 33, 3)

    def test_an_epoch_takes_partners_and_stays_the_same(self, prepared: Path) -> None:
        items = read_split(prepared, "train", ())
        still = NONE.model_dump()
        mixed = recipe(data={"made": 0.0}, augment=still | {"amplitude": 1.0})
        first, again = (Pictures(mixed, items).epoch(items, 0) for _ in range(2))
        plain = Pictures(recipe(data={"made": 0.0}, augment=still), items).epoch(items, 0)
        for index in range(4):
            assert torch.equal(first[index][0], again[index][0])
            assert not torch.equal(first[index][0], plain[index][0])
            assert first.draws[index] == plain.draws[index]

"""Augmentation of voices: the same length, the same for the same chance, and no way to know the label."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import numpy as np
import pytest
from pydantic import ValidationError

from tests.test_sound_changes import level_db, speech_like
from unmask import sound_changes, sound_codecs
from unmask.train import sound_augment
from unmask.train.sound_augment import SoundAugment, augment_sound
from unmask.types import Samples

CHANGES = ("speed", "reverb", "noise", "equalise", "gain", "clip", "band", "requantise", "codec")
VOICE = sound_changes.requantised(speech_like(seconds=0.5), 16)
ALL = SoundAugment(**dict.fromkeys(CHANGES, 1.0))


def generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def only(change: str) -> SoundAugment:
    return SoundAugment.nothing().model_copy(update={change: 1.0})


@pytest.fixture(scope="module", autouse=True)
def _few_coders() -> Iterator[None]:
    """How far each coder shifts is found out once, which takes a while for all."""
    with pytest.MonkeyPatch.context() as patch:
        few = tuple(one._replace(bit_rates=one.bit_rates[:1]) for one in sound_augment._CODINGS)
        patch.setattr(sound_augment, "_CODINGS", few)
        sound_augment._codings.cache_clear()
        yield
    sound_augment._codings.cache_clear()


def test_changes_is_every_probability_there_is() -> None:
    assert {*CHANGES, "snr_db"} == set(SoundAugment.model_fields)


@pytest.mark.parametrize("count", [0, 1, 400, 8000])
def test_the_length_stays_and_values_are_those_of_files(count: int) -> None:
    for seed in range(6):
        before = VOICE[:count].copy()
        after = augment_sound(before, ALL, generator(seed))
        assert after.shape == before.shape
        assert after.dtype == np.float32
        assert np.abs(after).max(initial=0) <= 1
        np.testing.assert_array_equal(after * 2**15 % 1, 0)  # neither NaN nor off the grid
        np.testing.assert_array_equal(before, VOICE[:count])


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_changes_alone(change: str) -> None:
    changed = [augment_sound(VOICE, only(change), generator(seed)) for seed in range(3)]
    for seed, after in enumerate(changed):
        assert np.abs(after - VOICE).max() > 0
        np.testing.assert_array_equal(after, augment_sound(VOICE, only(change), generator(seed)))
    assert any(np.any(changed[0] != other) for other in changed[1:])


def test_nothing_changes_nothing() -> None:
    np.testing.assert_array_equal(augment_sound(VOICE, SoundAugment.nothing(), generator(0)), VOICE)


@pytest.mark.parametrize("seed", range(6))
def test_silence_stays_nearly_silent(seed: int) -> None:
    assert np.abs(augment_sound(np.zeros(8000, np.float32), ALL, generator(seed))).max() < 1e-3


def test_noise_is_as_loud_as_the_recipe_says() -> None:
    options = only("noise").model_copy(update={"snr_db": (12.0, 12.0)})
    for seed in range(4):
        added = augment_sound(VOICE, options, generator(seed)) - VOICE
        assert level_db(VOICE) - level_db(added) == pytest.approx(12, abs=0.1)


def test_every_coding_that_can_be_drawn_is_one() -> None:
    for one in sound_augment._CODINGS:
        coder = sound_codecs.CODERS[one.codec]
        assert not coder.fixed or set(one.bit_rates) <= {*coder.bit_rates, None}


def test_no_change_can_know_the_label() -> None:
    assert list(inspect.signature(augment_sound).parameters) == ["samples", "options", "rng"]


def test_coders_that_are_not_there_are_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []

    def through(samples: Samples, codec: str, bit_rate: int | None, *, quick: bool) -> Samples:
        drawn.append(codec)
        return samples

    monkeypatch.setattr(sound_codecs, "available", lambda: ("mu-law", "opus"))
    monkeypatch.setattr(sound_codecs, "through", through)
    sound_augment._codings.cache_clear()
    for seed in range(30):
        augment_sound(VOICE, only("codec"), generator(seed))
    sound_augment._codings.cache_clear()
    assert set(drawn) == {"mu-law", "opus"}


def test_impossible_options_are_refused() -> None:
    with pytest.raises(ValidationError, match="lower end first"):
        SoundAugment(snr_db=(20.0, 10.0))
    with pytest.raises(ValidationError):
        SoundAugment(noise=1.5)
    with pytest.raises(ValidationError):
        SoundAugment(flip=0.5)  # type: ignore[call-arg]

"""A generator learns, can be stopped, and goes on as if it had not been; crops and state included."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.train.generators.tiny import generator
from unmask.errors import ManifestError, UsageError
from unmask.train.generators import crops
from unmask.train.generators.learn import learn, psnr
from unmask.train.generators.networks import Autoencoder
from unmask.train.generators.state import STATE

PHOTO = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)


def numbers(network: Autoencoder) -> torch.Tensor:
    return torch.cat([tensor.flatten() for tensor in network.state_dict().values()])


def test_it_learns(prepared: Path, tmp_path: Path) -> None:
    recipe = generator(train={"steps": 60, "learning_rate": 1e-2, "average": 0.8})
    told: list[tuple[str, int, int]] = []
    before = psnr(learn(generator(train={"steps": 1}), prepared, tmp_path / "a"), prepared)
    after = psnr(learn(recipe, prepared, tmp_path / "b", progress=lambda *now: told.append(now)), prepared)
    assert after["all"] > before["all"] + 1
    assert set(after) == {"all", "alpha", "beta"}  # gamma has no photos
    assert [now[1:] for now in told] == [(step + 1, 60) for step in range(60)]


def test_the_critic_changes_what_is_learned_once_it_joins(prepared: Path, tmp_path: Path) -> None:
    against = generator(losses={"l1": 1.0, "adversarial": 1.0}, train={"critic_after": 0.5})
    late = against.model_copy(update={"train": against.train.model_copy(update={"critic_after": 0.9})})
    first, second = (learn(one, prepared, tmp_path / str(number)) for number, one in enumerate((against, late)))
    assert not torch.equal(numbers(first), numbers(second))


def test_stopped_it_goes_on_as_if_it_had_not_been(prepared: Path, tmp_path: Path) -> None:
    recipe = generator(losses={"l1": 1.0, "adversarial": 0.1}, train={"steps": 6, "critic_after": 0.2})

    class Stop(Exception):
        pass

    def stop(what: str, done: int, of: int) -> None:
        if done == 5:
            raise Stop

    with pytest.raises(Stop):
        learn(recipe, prepared, tmp_path / "stopped", progress=stop)
    went_on: list[int] = []
    resumed = learn(recipe, prepared, tmp_path / "stopped", progress=lambda what, done, of: went_on.append(done))
    assert went_on == [5, 6]  # the state was kept after four steps
    whole = learn(recipe, prepared, tmp_path / "whole")
    torch.testing.assert_close(numbers(resumed), numbers(whole))
    again = learn(recipe, prepared, tmp_path / "whole", progress=stop)
    assert torch.equal(numbers(again), numbers(whole))


def test_a_folder_is_one_recipes(prepared: Path, tmp_path: Path) -> None:
    learn(generator(), prepared, tmp_path)
    with pytest.raises(UsageError, match="another recipe's generator"):
        learn(generator(seed=1), prepared, tmp_path)
    (tmp_path / STATE).write_bytes(b"torn")
    with pytest.raises(UsageError, match="remove it to begin anew"):
        learn(generator(), prepared, tmp_path)


def test_crops_larger_than_the_photos_are_refused(prepared: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="larger than the segments"):
        learn(generator(train={"crop_px": 128}), prepared, tmp_path)


def test_it_never_sees_fakes_nor_other_sources_nor_test(prepared: Path) -> None:
    items = crops.real_items(prepared, "train", ["alpha"])
    assert {(item.label, item.source, item.split) for item in items} == {(0, "alpha", "train")}
    assert {item.source for item in crops.real_items(prepared, "train")} == {"alpha", "beta"}
    with pytest.raises(ManifestError, match="no real items of gamma"):
        crops.real_items(prepared, "train", ["gamma", "beta"])
    with pytest.raises(ManifestError, match="never on test"):
        crops.real_items(prepared, "test")


def test_crops_have_one_size_and_come_from_everywhere() -> None:
    drawn = crops.batch([PHOTO, 255 - PHOTO], 40, 32, np.random.default_rng(0))
    assert drawn.dtype == np.uint8
    assert drawn.shape == (40, 32, 32, 3)
    np.testing.assert_array_equal(drawn, crops.batch([PHOTO, 255 - PHOTO], 40, 32, np.random.default_rng(0)))
    assert len({crop.tobytes() for crop in drawn}) > 30  # the few that shrink the whole photo are alike
    whole = crops.batch([PHOTO], 80, 64, np.random.default_rng(0))
    orders = [PHOTO[..., order] for order in permutations(range(3))]
    assert {crop.tobytes() for crop in whole} == {one.tobytes() for each in orders for one in (each, each[:, ::-1])}

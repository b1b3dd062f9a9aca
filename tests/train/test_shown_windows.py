"""Windows shown to a network that learns whole, and how made and collected clips are drawn."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.data.scenes import scene
from tests.train.test_temporal import watching
from tests.train.tiny import backbone
from unmask import manifest
from unmask.errors import UsageError
from unmask.manifest import FAKE, REAL, Item
from unmask.prepare import CUT, MANIFEST
from unmask.strips import read_windows, write_strip
from unmask.train import loop, pretrained
from unmask.train import run as runs
from unmask.train.data import read_split
from unmask.train.models import build
from unmask.train.recipes import Augment, Data, Recipe
from unmask.train.windows import ShownWindows, draw_pairs

FRAMES, SIZE = 4, 32
NOTHING = {name: 0.0 for name in Augment.model_fields if name != "jpeg_quality"}


def shown(**tables: Any) -> Recipe:
    """A recipe whose backbone learns."""
    train = {"pictures_per_epoch": 8, "batch": 4, "epochs": 1}
    model = {"backbones": [backbone(maps=[1, -1])]}
    return watching(data={"made": 0.5, "looks": 2}, train=train, model=model, **tables)


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tracks")
    (folder / CUT).write_text(shown().cut.model_dump_json(), encoding="utf-8")
    items = []
    for number in range(16):
        path, label = folder / f"{number:02}.png", number % 2
        picture = np.asarray(scene(number), np.uint8)[:SIZE, :SIZE]
        write_strip(path, [np.stack([np.roll(picture, k, 0) for k in range(FRAMES)])] * (1 + number % 3))
        attributes = {"coding": "h264"} if number % 4 > 1 else {}
        split = "train" if number < 12 else "val"
        items.append(Item(path, label, method="real" if label == REAL else "some", split=split, attributes=attributes))
    manifest.write(folder / MANIFEST, items)
    return folder


def items(*kinds: tuple[int, bool, int]) -> list[Item]:
    """Items by label, whether they were made, and how many."""
    return [
        Item(Path(f"{label}{made}{k}.png"), label, attributes={"coding": "h264"} if made else {})
        for label, made, count in kinds
        for k in range(count)
    ]


class TestPairs:
    def test_real_and_fake_in_turn_and_of_one_kind(self) -> None:
        learn = items((REAL, False, 3), (FAKE, False, 2), (REAL, True, 20), (FAKE, True, 20))
        draws = draw_pairs(learn, Data(made=0.25), 4000, np.random.default_rng(0))
        assert [draw.label for draw in draws] == [REAL, FAKE] * 2000
        kinds = [bool(draw.item.attributes) for draw in draws]
        assert kinds[::2] == kinds[1::2]
        assert 0.22 < sum(kinds) / len(kinds) < 0.28

    @pytest.mark.parametrize(("made", "kind"), [(0.0, False), (1.0, True)])
    def test_none_or_all(self, made: float, kind: bool) -> None:
        learn = items((REAL, False, 3), (FAKE, False, 2), (REAL, True, 4), (FAKE, True, 4))
        draws = draw_pairs(learn, Data(made=made), 100, np.random.default_rng(0))
        assert {bool(draw.item.attributes) for draw in draws} == {kind}

    @pytest.mark.parametrize("kind", [False, True])
    def test_a_kind_without_fakes_is_not_drawn(self, kind: bool) -> None:
        learn = items((REAL, False, 3), (REAL, True, 3), (FAKE, kind, 3))
        draws = draw_pairs(learn, Data(made=0.5), 100, np.random.default_rng(0))
        assert {bool(draw.item.attributes) for draw in draws} == {kind}

    def test_all_are_seen_before_any_is_seen_again(self) -> None:
        learn = items((REAL, True, 5), (FAKE, True, 5))
        seen = Counter(draw.item.path for draw in draw_pairs(learn, Data(), 20, np.random.default_rng(0)))
        assert set(seen.values()) == {2}


class TestShown:
    def test_some_looks_of_one_window_in_the_order_of_time(self, tracks: Path) -> None:
        recipe = shown(augment=NOTHING)
        learn = read_split(tracks, "train", ())
        epoch = ShownWindows(recipe, learn, 2**30).epoch(learn, 0)
        for index, draw in enumerate(epoch.draws):
            looks, label = epoch[index]
            assert looks.shape == (2, SIZE, SIZE, 3)
            assert label == draw.label
            whole = read_windows(draw.item, recipe.cut)[0]
            places = [[np.array_equal(look, one) for one in whole].index(True) for look in looks.numpy()]
            assert places == sorted(set(places))

    def test_a_change_is_the_same_for_all_looks(self, tracks: Path) -> None:
        recipe = shown(augment=NOTHING | {"flip": 0.5})
        learn = read_split(tracks, "train", ())
        epoch = ShownWindows(recipe, learn, 2**30).epoch(learn, 0)
        flipped = []
        for index, draw in enumerate(epoch.draws):
            whole = [look.tobytes() for look in read_windows(draw.item, recipe.cut)[0]]
            as_it_is = [look.numpy().tobytes() in whole for look in epoch[index][0]]
            assert len(set(as_it_is)) == 1
            flipped.append(not as_it_is[0])
        assert set(flipped) == {True, False}

    def test_memory_changes_nothing(self, tracks: Path) -> None:
        learn = read_split(tracks, "train", ())
        kept, read = (ShownWindows(shown(), learn, budget).epoch(learn, 3) for budget in (2**30, 0))
        for index in range(len(kept)):
            torch.testing.assert_close(kept[index][0], read[index][0])

    def test_val_is_the_mean_over_windows(self, tracks: Path) -> None:
        check = read_split(tracks, "val", ())
        torch.manual_seed(0)
        network = build(shown().model).eval()
        found = ShownWindows(shown(), check, 2**30).scores(network, check)
        with torch.inference_mode():
            for item, score in zip(check, found, strict=True):
                windows = torch.tensor(np.stack(read_windows(item, shown().cut)))
                assert score == pytest.approx(float(network(windows)[0].mean()), abs=1e-5)

    def test_it_learns_and_its_backbone_is_where_others_begin(self, tracks: Path, tmp_path: Path) -> None:
        done = loop.train(shown(), tracks, tmp_path / "run", workers=0)
        assert runs.epochs_done(done.folder) == 1
        numbers = pretrained.of_run(done.folder, tmp_path / "own.safetensors")
        recipe, model = runs.load(done.folder)
        named = tuple(one.model_copy(update={"weights": "own.safetensors"}) for one in recipe.model.backbones)
        again = build(recipe.model.model_copy(update={"backbones": named}), [tmp_path / "own.safetensors"])
        mine, theirs = (one.eyes[0].state_dict() for one in (model, again))
        assert numbers > 0
        for name, tensor in mine.items():
            torch.testing.assert_close(theirs[name], tensor)

    def test_no_run_no_backbone(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="run"):
            pretrained.of_run(tmp_path, tmp_path / "own.safetensors")

"""The loop: stopped anywhere it comes to the same result, and it refuses what does not fit."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import pytest
import torch
from lightning.fabric import Fabric
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch.utils.data import Dataset, TensorDataset

from tests.train.conftest import FrozenRun
from tests.train.tiny import WEIGHTS, backbone, frozen, recipe
from unmask import manifest
from unmask.errors import ManifestError, RecipeError, UnmaskError, UsageError
from unmask.manifest import FAKE, REAL, Item
from unmask.prepare import prepare
from unmask.train import loop
from unmask.train import run as runs
from unmask.train.data import Pictures, Sample, read_split
from unmask.train.loop import train
from unmask.train.run import Line, find_weights
from unmask.train.solving import figures
from unmask.train.views import Described

PRECISION = loop.precision
"""The true one, before the fixtures replace it."""


class Stopped(Exception):
    """Stands for an interruption at any moment."""


def same_state(one: Path, other: Path) -> bool:
    mine, theirs = load_file(one / runs.STATE), load_file(other / runs.STATE)
    return mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine)


def timeless(line: Line) -> Line:
    """Without how long it took, which is another every time."""
    return {name: value for name, value in line.items() if name not in ("seconds", "pictures_per_s")}


def log(folder: Path) -> list[Line]:
    return [timeless(line) for line in runs.lines(folder)]


class TestRun:
    def test_a_run_is_a_folder_with_its_recipe_data_log_and_state(self, finished: Path) -> None:
        assert {path.name for path in finished.iterdir()} == {runs.RECIPE, runs.DATA, runs.LOG, runs.STATE}
        found, network = runs.load(finished)
        assert found == recipe()
        assert not network.training
        assert runs.epochs_done(finished) == 2
        described = json.loads((finished / runs.DATA).read_text())
        counts = {split: sum(one["items"] for one in described[split]) for split in ("train", "val")}
        assert counts == {"train": 20, "val": 10}
        assert [line["epoch"] for line in log(finished)] == [1, 2]
        for line in runs.lines(finished):
            assert line["seconds"] > 0
            assert line["pictures_per_s"] == pytest.approx(16 / line["seconds"], rel=0.5)
            assert 0 <= line["learning_rate"] <= 1e-3
            assert {"auc", "auc/alpha", "auc/beta"} == {name for name in line if name.startswith("auc")}
            assert 0 <= line["auc"] <= 1
            assert line["loss"] > 0

    def test_progress_counts_every_step(self, prepared: Path, tmp_path: Path) -> None:
        seen: list[tuple[str, int, int]] = []

        def progress(what: str, done: int, of: int) -> None:
            seen.append((what, done, of))

        done = train(recipe(train={"epochs": 1}), prepared, tmp_path / "run", progress=progress, workers=0)
        assert [(done, of) for _, done, of in seen] == [(1, 2), (2, 2)]
        for what, _, _ in seen:
            assert re.fullmatch(r"training, loss \d\.\d{3}, \d+ pictures/s", what)
        assert done.folder == tmp_path / "run"
        assert done.last["epoch"] == 1
        assert timeless(done.last) == log(tmp_path / "run")[-1]

    def test_a_worker_makes_the_same_run(self, prepared: Path, finished: Path, tmp_path: Path) -> None:
        train(recipe(), prepared, tmp_path, workers=1)
        assert same_state(tmp_path, finished)
        assert log(tmp_path) == log(finished)

    def test_another_seed_makes_another_run(self, prepared: Path, finished: Path, tmp_path: Path) -> None:
        train(recipe(seed=1), prepared, tmp_path, workers=0)
        assert not same_state(tmp_path, finished)

    def test_test_items_change_nothing(self, prepared: Path, finished: Path, tmp_path: Path) -> None:
        shutil.copytree(prepared, tmp_path / "prepared")
        table = tmp_path / "prepared" / "manifest.csv"
        for item in manifest.read(table):
            if item.split == "test":
                item.path.write_bytes(b"not even a picture")
        train(recipe(), tmp_path / "prepared", tmp_path / "run", workers=0)
        assert same_state(tmp_path / "run", finished)

    def test_a_source_left_out_is_left_out(self, prepared: Path, tmp_path: Path) -> None:
        train(recipe(data={"leave_out": ["beta"]}, train={"epochs": 1}), prepared, tmp_path, workers=0)
        described = json.loads((tmp_path / runs.DATA).read_text())
        for split in ("train", "val"):
            assert {one["name"] for one in described[split]} == {"alpha (real)", "alpha (fake)", "gamma (fake)"}
        with pytest.raises(ManifestError, match="cannot hold out betta"):
            train(recipe(data={"leave_out": ["betta"]}), prepared, tmp_path / "other", workers=0)

    def test_what_is_fake_gets_the_higher_logit(self, tmp_path: Path) -> None:
        """Blue against red, which a network of any size learns in some steps; with labels flipped the AUC were 0."""
        items = []
        for number in range(24):
            label = (REAL, FAKE)[number % 2]
            colour = np.array([(40, 60, 200), (200, 60, 40)][label])
            noise = np.random.default_rng(number).normal(0, 25, (64, 64, 3))
            Image.fromarray(np.clip(colour + noise, 0, 255).astype(np.uint8)).save(tmp_path / f"{number}.png")
            split = "train" if number < 16 else "val"
            items.append(Item(tmp_path / f"{number}.png", label, split=split))
        manifest.write(tmp_path / "table.csv", items)
        chosen = recipe(
            data={"made": 0.0},
            augment={"colour": 0.0},
            train={"epochs": 2, "pictures_per_epoch": 120, "batch": 8, "learning_rate": 0.01, "average": 0.5},
        )
        prepare(tmp_path / "table.csv", tmp_path / "prepared", chosen.cut, jobs=1)
        done = train(chosen, tmp_path / "prepared", tmp_path / "run", workers=0)
        assert done.last["auc"] == 1.0
        assert done.last["loss"] < log(tmp_path / "run")[0]["loss"]


def test_precision_is_one_that_fabric_knows(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert PRECISION() in ("bf16-mixed", "32-true")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    both = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    for name in both:
        for other in both:
            monkeypatch.setattr(torch.cpu, other, lambda: False, raising=False)
        assert PRECISION() == "32-true"
        monkeypatch.setattr(torch.cpu, name, lambda: True)
        assert PRECISION() == "bf16-mixed"
    for name in both:
        monkeypatch.delattr(torch.cpu, name)
    assert PRECISION() == "32-true", "torch before 2.6 cannot say"


def test_half_precision_trains_and_is_kept_whole(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "precision", lambda: "bf16-mixed")
    done = train(recipe(train={"epochs": 1, "pictures_per_epoch": 8}), prepared, tmp_path, workers=0)
    assert done.last["loss"] == pytest.approx(np.log(2), rel=0.2)
    assert {tensor.dtype for tensor in load_file(tmp_path / runs.STATE).values()} == {torch.float32, torch.int64}


class TestResuming:
    @pytest.mark.parametrize("step", [1, 3, 4], ids=["before the first epoch", "in the second", "at its last step"])
    def test_an_interrupted_run_comes_to_the_same(
        self, prepared: Path, finished: Path, tmp_path: Path, step: int
    ) -> None:
        def stop(what: str, done: int, of: int) -> None:
            if done == step:
                raise Stopped

        with pytest.raises(Stopped):
            train(recipe(), prepared, tmp_path, workers=0, progress=stop)
        assert (tmp_path / runs.STATE).exists() == (step > 2)
        steps: list[int] = []
        train(recipe(), prepared, tmp_path, workers=0, progress=lambda what, done, of: steps.append(done))
        assert steps == ([1, 2, 3, 4] if step == 1 else [3, 4]), "no more than one epoch is repeated"
        assert same_state(tmp_path, finished)
        assert log(tmp_path) == log(finished)

    @pytest.mark.parametrize("number", [1, 2])
    def test_a_stop_between_log_and_state_repeats_one_epoch(
        self, prepared: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        calls = itertools.count(1)

        def stop(tensors: dict[str, torch.Tensor], path: Path) -> None:
            if next(calls) == number:
                path.write_bytes(b"half a file")
                raise Stopped
            save_file(tensors, path)

        with monkeypatch.context() as patch:
            patch.setattr(runs, "save_file", stop)
            with pytest.raises(Stopped):
                train(recipe(), prepared, tmp_path, workers=0)
        assert [line["epoch"] for line in log(tmp_path)] == list(range(1, number + 1))
        done = train(recipe(), prepared, tmp_path, workers=0)
        assert timeless(done.last) == log(finished)[-1]
        assert log(tmp_path) == log(finished), "no epoch is listed twice"
        assert same_state(tmp_path, finished)

    def test_a_finished_run_is_not_touched(self, prepared: Path, finished: Path) -> None:
        before = (finished / runs.STATE).read_bytes()
        done = train(recipe(), prepared, finished, workers=0, progress=lambda *_: pytest.fail("it learns"))
        assert timeless(done.last) == log(finished)[-1]
        assert (finished / runs.STATE).read_bytes() == before


class TestFrozen:
    """A run whose backbone does not learn: the same loop, fed with what the backbone says."""

    def test_its_backbone_never_changes_and_its_head_does(self, frozen_run: FrozenRun, weights: Path) -> None:
        assert runs.load(frozen_run.folder)[0] == frozen()
        before, after = load_file(weights / WEIGHTS), load_file(frozen_run.folder / runs.STATE)
        for network in ("model", "average"):
            prefix = f"{network}.eyes.0.backbone.model."
            kept = {name.removeprefix(prefix): tensor for name, tensor in after.items() if name.startswith(prefix)}
            assert any("running_var" in name for name in kept)
            assert not [name for name, tensor in kept.items() if not torch.equal(tensor, before[name])]
        assert after["model.head.scale.num_batches_tracked"] == 4
        assert after["model.head.hidden.weight"].abs().max() > 0
        assert not torch.equal(after["model.head.hidden.weight"], after["average.head.hidden.weight"])
        optimized = {name.split(".")[1] for name in after if name.startswith("optimizer.")}
        assert len(optimized) == 4, "weight and bias of two layers"

    @pytest.mark.parametrize("step", [1, 3], ids=["before the first epoch", "in the second"])
    def test_an_interrupted_run_comes_to_the_same(
        self, frozen_run: FrozenRun, weights: Path, tmp_path: Path, step: int
    ) -> None:
        def stop(what: str, done: int, of: int) -> None:
            assert what.startswith("training"), "the pictures are described already"
            if done == step:
                raise Stopped

        with pytest.raises(Stopped):
            train(frozen(), frozen_run.prepared, tmp_path, weights=weights, workers=0, progress=stop)
        assert (tmp_path / runs.STATE).exists() == (step > 2)
        train(frozen(), frozen_run.prepared, tmp_path, weights=weights, workers=1)
        assert same_state(tmp_path, frozen_run.folder)
        assert log(tmp_path) == log(frozen_run.folder)

    def test_val_is_scored_as_the_network_scores_its_pictures(self, frozen_run: FrozenRun) -> None:
        _, network = runs.load(frozen_run.folder)
        check = read_split(frozen_run.prepared, "val", ())
        found = figures(check, Pictures(frozen(), check).scores(network, check))
        assert found == {name: value for name, value in log(frozen_run.folder)[-1].items() if name.startswith("auc")}

    def test_a_source_left_out_is_not_learned_from(
        self, frozen_run: FrozenRun, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[set[str]] = []
        epoch = Described.epoch

        def watch(self: Described, learn: list[Item], number: int) -> object:
            asked.append({item.source for item in learn})
            return epoch(self, learn, number)

        monkeypatch.setattr(Described, "epoch", watch)
        chosen = frozen(data={"leave_out": ["beta"]}, train={"epochs": 1})
        done = train(chosen, frozen_run.prepared, tmp_path, weights=weights, workers=0)
        assert asked == [{"alpha", "gamma"}]
        assert {name for name in done.last if name.startswith("auc")} == {"auc", "auc/alpha"}


class TestRefused:
    def test_other_data_under_a_run_that_has_learned(self, prepared: Path, finished: Path, tmp_path: Path) -> None:
        """New splits would let it be tested on what it learned from."""
        shutil.copytree(prepared, tmp_path / "prepared")
        shutil.copytree(finished, tmp_path / "run")
        items = manifest.read(tmp_path / "prepared" / "manifest.csv")
        swapped = [replace(item, split={"train": "val", "val": "train"}.get(item.split, item.split)) for item in items]
        manifest.write(tmp_path / "prepared" / "manifest.csv", swapped)
        with pytest.raises(UsageError, match="holds a run on other data, or from other initial weights"):
            train(recipe(), tmp_path / "prepared", tmp_path / "run", workers=0)

    def test_a_first_try_that_failed_leaves_the_folder_free(
        self, prepared: Path, weights: Path, tmp_path: Path
    ) -> None:
        wrong = recipe(model={"backbones": [backbone(weights=WEIGHTS, freeze=["encoder"])]})
        for folder in (tmp_path, weights):
            with pytest.raises(RecipeError):
                train(wrong, prepared, tmp_path / "run", weights=folder, workers=0)
        right = recipe(train={"epochs": 1, "pictures_per_epoch": 8})
        assert train(right, prepared, tmp_path / "run", workers=0).last["epoch"] == 1

    def test_a_loss_that_is_no_number(self, prepared: Path, tmp_path: Path) -> None:
        wild = recipe(train={"learning_rate": 1e30, "optimizer": "sgd", "schedule": "constant", "clip": 0.0})
        with pytest.raises(UnmaskError, match=r"no longer a number in epoch 1: lower train\.learning_rate"):
            train(wild, prepared, tmp_path / "run", workers=0)

    def test_a_folder_of_another_recipe(self, prepared: Path, finished: Path) -> None:
        for other in (recipe(seed=1), recipe(train={"epochs": 3}), recipe(data={"made": 0.1})):
            with pytest.raises(UsageError, match="holds a run of another recipe: choose another folder"):
                train(other, prepared, finished, workers=0)
        assert runs.load(finished)[0] == recipe()

    def test_a_damaged_run(self, prepared: Path, finished: Path, tmp_path: Path) -> None:
        shutil.copytree(finished, tmp_path / "run")
        (tmp_path / "run" / runs.RECIPE).write_text("{")
        with pytest.raises(UsageError, match=r"recipe\.json cannot be read: the run is damaged"):
            train(recipe(), prepared, tmp_path / "run", workers=0)
        with pytest.raises(UsageError, match=r"recipe\.json cannot be read: the run is damaged"):
            runs.load(tmp_path / "run")

    def test_a_folder_prepared_with_another_cut(self, prepared: Path, tmp_path: Path) -> None:
        with pytest.raises(RecipeError, match="another cut than the recipe's: prepare it again"):
            train(recipe(cut={"patches": 9}), prepared, tmp_path / "run", workers=0)
        assert not (tmp_path / "run").exists()

    def test_a_source_that_was_not_saved_again_as_the_recipe_wants(self, prepared: Path, tmp_path: Path) -> None:
        chosen = recipe(data={"reencode": {"beta": 70}})
        with pytest.raises(RecipeError, match='source "beta" was not prepared as the recipe wants: prepare it again'):
            train(chosen, prepared, tmp_path / "run", workers=0)

    def test_a_folder_that_was_not_prepared(self, originals: Path, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="make the folder with unmask prepare"):
            train(recipe(), originals.parent, tmp_path / "run", workers=0)

    def test_a_run_without_a_whole_epoch(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="holds no finished epoch: run unmask train first"):
            runs.load(tmp_path)


class TestWeights:
    def test_a_missing_file_says_what_to_do(self, prepared: Path, tmp_path: Path) -> None:
        chosen = recipe(model={"backbones": [backbone(weights=WEIGHTS)]})
        with pytest.raises(
            RecipeError, match=r"no file .*own\.safetensors: give its folder with --weights, or .*--weights hub"
        ):
            train(chosen, prepared, tmp_path / "run", weights=tmp_path, workers=0)

    def test_where_they_are_looked_for(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        chosen = recipe(model={"backbones": [backbone(weights=WEIGHTS)]})
        (tmp_path / WEIGHTS).write_bytes(b"")
        assert find_weights(chosen, tmp_path) == [tmp_path / WEIGHTS]
        monkeypatch.chdir(tmp_path)
        assert find_weights(chosen, None) == [Path(WEIGHTS)]
        eyes = [backbone(weights=word) for word in ("hub", WEIGHTS, "none")]
        several = recipe(model={"backbones": eyes, "head": "statistics"})
        assert find_weights(several, tmp_path) == [None, tmp_path / WEIGHTS, None]

    def test_learning_starts_from_them_and_frozen_parts_end_with_them(
        self, prepared: Path, weights: Path, tmp_path: Path
    ) -> None:
        state = load_file(weights / WEIGHTS)
        eye = backbone(weights=WEIGHTS, freeze=["conv_stem", "bn1"])
        chosen = recipe(model={"backbones": [eye]}, train={"epochs": 1, "average": 0.5})
        train(chosen, prepared, tmp_path / "run", weights=weights, workers=0)
        for network in ("model", "average"):
            after = load_file(tmp_path / "run" / runs.STATE)
            for name in ("conv_stem.weight", "bn1.weight", "bn1.running_mean", "bn1.running_var"):
                torch.testing.assert_close(after[f"{network}.eyes.0.backbone.model.{name}"], state[name])
            head = "blocks.3.0.conv_pw.weight"
            assert not torch.equal(after[f"{network}.eyes.0.backbone.model.{head}"], state[head])
            torch.testing.assert_close(after[f"{network}.eyes.0.backbone.model.{head}"], state[head], atol=0.05, rtol=0)


class TestRegime:
    """Each way of learning learns, and comes to the same when it was interrupted."""

    @pytest.mark.parametrize(
        "tables",
        [
            {"train": {"mixup": 0.4}},
            {"train": {"optimizer": "sgd", "schedule": "cosine", "clip": 0.0, "average": 0.0}},
            {"train": {"optimizer": "adam", "schedule": "constant", "backbone_rate": 0.1, "layer_decay": 0.7}},
            {"train": {"adversary": {"method": "pgd", "steps": 2}}},
            {"data": {"balance": "weights", "made": 0.0}},
            {"data": {"balance": "sampler", "made": 0.0}, "train": {"batch": 7}},
            {"model": {"backbones": [backbone(freeze=["blocks.0"], thaw={"blocks.0": 2})], "head": "dense"}},
        ],
        ids=lambda tables: ", ".join(name for table in tables.values() for name in table),
    )
    def test_it_learns_and_resumes(
        self, prepared: Path, finished: Path, tmp_path: Path, tables: dict[str, Any]
    ) -> None:
        chosen = recipe(**tables)
        steps = 2 * (chosen.train.pictures_per_epoch // chosen.train.batch)

        def stop(what: str, done: int, of: int) -> None:
            if done > steps // 2:
                raise Stopped

        train(chosen, prepared, tmp_path / "whole", workers=0)
        with pytest.raises(Stopped):
            train(chosen, prepared, tmp_path / "stopped", workers=0, progress=stop)
        train(chosen, prepared, tmp_path / "stopped", workers=0)
        assert same_state(tmp_path / "whole", tmp_path / "stopped")
        assert not same_state(tmp_path / "whole", finished), "the option does something"
        assert all(np.isfinite(line["loss"]) for line in log(tmp_path / "whole"))

    def test_mixing_takes_labels_along(self) -> None:
        torch.manual_seed(0)
        np.random.seed(0)
        labels = torch.tensor([0.0, 1.0, 0.0, 1.0])
        inputs, mixed, costs = loop._mixed(labels[:, None] * 100, labels, torch.ones(4), 1.0)
        assert inputs.dtype == torch.float32
        torch.testing.assert_close(inputs[:, 0], mixed * 100)
        torch.testing.assert_close(costs, torch.ones(4))
        assert len(set(mixed.tolist()) - {0.0, 1.0}) > 0
        assert loop._mixed(inputs, labels, costs, 0.0) == (inputs, labels, costs)

    def test_one_loss_of_what_is_mixed_is_the_two_losses_mixed(self) -> None:
        """With costs, too: a rare class must not lose its weight where it is mixed with the other."""
        labels, weights = torch.tensor([0.0, 1.0, 0.0, 1.0]), torch.tensor([0.55, 5.5, 0.55, 5.5])
        torch.manual_seed(0)
        np.random.seed(0)
        _, mixed, costs = loop._mixed(labels[:, None], labels, weights, 1.0)
        torch.manual_seed(0)
        np.random.seed(0)
        mine, order = float(np.random.beta(1.0, 1.0)), torch.randperm(4)
        logits = torch.tensor([0.3, -1.0, 2.0, 0.1])
        loss = torch.nn.functional.binary_cross_entropy_with_logits
        two = mine * loss(logits, labels, weights) + (1 - mine) * loss(logits, labels[order], weights[order])
        torch.testing.assert_close(loss(logits, mixed, costs), two)

    def test_patience_stops_early_and_stays_stopped(
        self, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scores = iter([0.5, 0.7, 0.7, 0.6, 0.9])
        monkeypatch.setattr(loop, "figures", lambda *_: {"auc": next(scores)})
        chosen = recipe(train={"epochs": 9, "patience": 2, "pictures_per_epoch": 8})
        done = train(chosen, prepared, tmp_path, workers=0)
        assert done.last["epoch"] == 4
        again = train(chosen, prepared, tmp_path, workers=0, progress=lambda *_: pytest.fail("it learns"))
        assert again.last == done.last

    def test_devices_that_do_not_divide_a_batch(self, prepared: Path, tmp_path: Path) -> None:
        with pytest.raises(RecipeError, match=r"train\.batch, 8, must be a multiple of the 3 devices"):
            train(recipe(), prepared, tmp_path / "run", devices=3)

    def test_each_device_gets_whole_pairs_and_together_they_get_the_batch(self) -> None:
        chosen = recipe(train={"batch": 8, "pictures_per_epoch": 24})
        numbers = cast("Dataset[Sample]", TensorDataset(torch.arange(24)))
        parts = [
            [batch[0].tolist() for batch in loop._loader(numbers, chosen, cast("Fabric", FakeFabric(rank)), 0)]
            for rank in (0, 1)
        ]
        assert parts[0] == [[0, 1, 2, 3], [8, 9, 10, 11], [16, 17, 18, 19]]
        assert parts[1] == [[4, 5, 6, 7], [12, 13, 14, 15], [20, 21, 22, 23]]

    @pytest.mark.parametrize("pictures", [20, 22])
    def test_what_fills_no_batch_is_left_out_on_every_device(self, pictures: int) -> None:
        chosen = recipe(train={"batch": 8, "pictures_per_epoch": pictures})
        numbers = cast("Dataset[Sample]", TensorDataset(torch.arange(pictures)))
        parts = [list(loop._loader(numbers, chosen, cast("Fabric", FakeFabric(rank)), 0)) for rank in (0, 1)]
        assert len(parts[0]) == len(parts[1]) == 2

    def test_two_devices_train_one_run_and_one_of_them_tells(self, prepared: Path, tmp_path: Path) -> None:
        (tmp_path / "tiny.toml").write_text(DDP, encoding="utf-8")
        command = ["train", tmp_path / "tiny.toml", prepared, tmp_path / "run", "--devices", "2", "--workers", "0"]
        done = subprocess.run(
            [str(Path(sys.executable).with_name("unmask")), *map(str, command)],
            env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("2 epochs; on val crops: auc") == 1
        assert [line["epoch"] for line in log(tmp_path / "run")] == [1, 2]
        assert runs.epochs_done(tmp_path / "run") == 2


class FakeFabric(NamedTuple):
    """One of two devices."""

    global_rank: int
    world_size: int = 2


DDP = """
name = "tiny"
summary = "A recipe for tests"
pooling = "mean"
cut = { kind = "patch", size_px = 64, patches = 4 }
model = { backbone = { name = "test_efficientnet", weights = "none" } }
train = { epochs = 2, pictures_per_epoch = 16, batch = 8 }
"""


class TestFullDisk:
    def test_the_last_whole_epoch_stays(
        self, prepared: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Every write after the first epoch's fails half-way, as on a disk without room."""
        shutil.copytree(finished, tmp_path / "first")
        train(recipe(train={"epochs": 1}), prepared, tmp_path / "run", workers=0)
        (tmp_path / "run" / runs.RECIPE).write_text(recipe().model_dump_json())
        before = (tmp_path / "run" / runs.STATE).read_bytes()

        def full(tensors: dict[str, torch.Tensor], path: Path) -> None:
            path.write_bytes(b"half a file")
            raise SafetensorError("I/O error: No space left on device (os error 28)")

        with monkeypatch.context() as patch:
            patch.setattr(runs, "save_file", full)
            with pytest.raises(UnmaskError, match=r"could not be written .* No space left on device"):
                train(recipe(), prepared, tmp_path / "run", workers=0)
        assert (tmp_path / "run" / runs.STATE).read_bytes() == before
        assert not list((tmp_path / "run").glob("*.new"))
        train(recipe(), prepared, tmp_path / "run", workers=0)
        assert runs.epochs_done(tmp_path / "run") == 2

"""Pretraining: whole or stopped it comes to the same, on train pictures alone, and a recipe begins with its file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from lightning.fabric import Fabric
from safetensors import safe_open
from safetensors.torch import load_file

from tests.train.tiny import BACKBONE, PER_SPLIT, SOURCES, backbone, recipe
from unmask.errors import ManifestError, RecipeError, UnmaskError, UsageError
from unmask.manifest import Item
from unmask.prepare import read_segments
from unmask.train import data, loop
from unmask.train import pretrain as work
from unmask.train.models import build
from unmask.train.pretrain import Pretraining, pretrain
from unmask.train.pretrained import Pretrained, state_of
from unmask.train.recipes import Recipe
from unmask.train.vicreg import Terms

SHORT = Pretraining(epochs=2, pictures=8, batch=4, width=16)


@pytest.fixture(scope="module", autouse=True)
def _on_the_cpu() -> Iterator[None]:
    def fabric(**options: Any) -> Fabric:
        return Fabric(**(options | {"accelerator": "cpu"}))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(work, "Fabric", fabric)
        patch.setattr(work, "precision", lambda: "32-true")
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, prepared: Path) -> Pretrained:
    """Two epochs, never interrupted."""
    return pretrain(recipe(), prepared, tmp_path_factory.mktemp("made") / "own.safetensors", options=SHORT, workers=0)


def weights(path: Path) -> dict[str, torch.Tensor]:
    return load_file(path)


def test_the_file_has_the_networks_own_names_and_tells_what_it_is(made: Pretrained) -> None:
    whole = timm.create_model(BACKBONE, num_classes=0).state_dict()
    found = weights(made.file)
    assert found
    assert {name: one.shape for name, one in found.items()}.items() <= {
        name: one.shape for name, one in whole.items()
    }.items()
    with safe_open(made.file, "pt") as file:
        about = file.metadata()
    assert (about["backbone"], about["sources"], about["left_out"]) == (BACKBONE, "alpha, beta, gamma", "")
    assert made.pictures == PER_SPLIT["train"] * sum(map(len, SOURCES.values()))
    assert math.isfinite(made.loss)
    assert made.spread > 0
    assert not state_of(made.file).exists()


def test_a_recipe_begins_with_it(made: Pretrained, prepared: Path, tmp_path: Path) -> None:
    chosen = recipe(model={"backbones": [backbone(weights=made.file.name)]}, train={"epochs": 1})
    network = build(chosen.model, [made.file])
    mine = network.state_dict()
    for name, tensor in weights(made.file).items():
        assert torch.equal(mine[f"eyes.0.backbone.model.{name}"], tensor)
    run = loop.train(chosen, prepared, tmp_path / "run", weights=made.file.parent, workers=0)
    assert run.last["epoch"] == 1


def test_it_learned_and_from_the_recipes_own_weights(made: Pretrained) -> None:
    torch.manual_seed(0)
    with torch.no_grad():
        begun = build(recipe().model).state_dict()
    assert any(not torch.equal(begun[f"eyes.0.backbone.model.{name}"], one) for name, one in weights(made.file).items())


def test_stopped_anywhere_it_goes_on_to_the_same(made: Pretrained, prepared: Path, tmp_path: Path) -> None:
    out = tmp_path / "own.safetensors"

    def stop(what: str, done: int, of: int) -> None:
        assert what.startswith("pretraining, loss ")
        assert of == 4
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrain(recipe(), prepared, out, options=SHORT, workers=0, progress=stop)
    assert not out.exists()
    assert state_of(out).is_file()
    steps: list[int] = []
    again = pretrain(
        recipe(), prepared, out, options=SHORT, workers=0, progress=lambda what, done, of: steps.append(done)
    )
    assert steps == [3, 4]
    theirs = weights(made.file)
    assert all(torch.equal(one, theirs[name]) for name, one in weights(out).items())
    assert (again.loss, again.spread) == (made.loss, made.spread)


def test_what_is_done_is_not_done_again(made: Pretrained, prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "build", lambda *_: pytest.fail("it began anew"))
    assert pretrain(recipe(), prepared, made.file, options=SHORT, workers=0) == made


@pytest.mark.parametrize("change", ["options", "seed", "augment", "left out"])
def test_another_experiment_does_not_touch_it(made: Pretrained, prepared: Path, change: str) -> None:
    options = Pretraining(**{**SHORT.model_dump(), "epochs": 3}) if change == "options" else SHORT
    chosen = {
        "options": recipe(),
        "seed": recipe(seed=3),
        "augment": recipe(augment={"blur": 0.9}),
        "left out": recipe(data={"leave_out": ["gamma"]}),
    }[change]
    before = made.file.read_bytes()
    with pytest.raises(UsageError, match="is there already and was made otherwise"):
        pretrain(chosen, prepared, made.file, options=options, workers=0)
    assert made.file.read_bytes() == before


def test_a_state_of_something_else_is_refused(prepared: Path, made: Pretrained, tmp_path: Path) -> None:
    out = tmp_path / "own.safetensors"
    state_of(out).write_bytes(made.file.read_bytes())
    with pytest.raises(UsageError, match="something else that was stopped"):
        pretrain(recipe(seed=9), prepared, out, options=SHORT, workers=0)
    out.write_bytes(b"torn")
    with pytest.raises(UsageError, match="cannot be read: it is damaged"):
        pretrain(recipe(), prepared, out, options=SHORT, workers=0)


def test_it_sees_train_alone_and_no_source_left_out(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Item] = []

    def watched(item: Item, size_px: int) -> Any:
        seen.append(item)
        return read_segments(item, size_px)

    monkeypatch.setattr(data, "read_segments", watched)
    chosen = recipe(data={"leave_out": ["beta"]})
    short = Pretraining(epochs=1, pictures=4, batch=4, width=8)
    done = pretrain(chosen, prepared, tmp_path / "own.safetensors", options=short, workers=0)
    assert {item.split for item in seen} == {"train"}
    assert {item.source for item in seen} == {"alpha", "gamma"}
    assert {item.label for item in seen} == {0, 1}
    assert done.pictures == len(seen)


def test_frozen_or_not_the_whole_backbone_learns(prepared: Path, tmp_path: Path) -> None:
    held = {"backbones": [backbone(freeze="all", maps=[1])], "head": "statistics"}
    short = Pretraining(epochs=1, pictures=4, batch=4, width=8)
    done = pretrain(recipe(model=held), prepared, tmp_path / "own.safetensors", options=short, workers=0)
    found = weights(done.file)
    assert int(found["bn1.num_batches_tracked"]) == 1
    assert "blocks.1.0.bn1.running_mean" in found
    assert not [name for name in found if name.startswith("blocks.3")], "what lies behind its last map is cut off"


@pytest.mark.parametrize(
    ("chosen", "options", "error", "message"),
    [
        (recipe(cut={"size_px": 32}), SHORT, RecipeError, "another cut than the recipe's"),
        (
            recipe(model={"backbones": [backbone(), backbone()], "head": "statistics"}),
            SHORT,
            RecipeError,
            "several backbones: pretrain each",
        ),
        (
            recipe(model={"backbones": [backbone(sees="learned-residual")]}),
            SHORT,
            RecipeError,
            "no part of the weights",
        ),
        (
            recipe(augment=dict.fromkeys(("flip", "zoom", "colour", "resize", "blur", "noise", "jpeg"), 0.0)),
            SHORT,
            RecipeError,
            "would be the same",
        ),
        (recipe(), Pretraining(pictures=4, batch=8), UsageError, "does not hold one batch of 8"),
        (recipe(data={"leave_out": ["alpha", "beta", "gamma"]}), SHORT, ManifestError, "no items in train"),
        (recipe(model={"backbones": [backbone(weights="lost.safetensors")]}), SHORT, RecipeError, "no file"),
    ],
    ids=["cut", "two", "learned", "same", "batch", "empty", "weights"],
)
def test_what_cannot_be_is_one_sentence(
    prepared: Path, tmp_path: Path, chosen: Recipe, options: Pretraining, error: type[UnmaskError], message: str
) -> None:
    with pytest.raises(error, match=message):
        pretrain(chosen, prepared, tmp_path / "own.safetensors", options=options, workers=0)
    assert not list(tmp_path.iterdir())


def test_a_loss_that_is_no_number_ends_it(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(one: torch.Tensor, other: torch.Tensor) -> Terms:
        return Terms(*[(one - other).sum() * math.nan] * 4)

    monkeypatch.setattr(work, "vicreg", lost)
    with pytest.raises(UnmaskError, match="no longer a number in epoch 1: lower the learning rate"):
        pretrain(recipe(), prepared, tmp_path / "own.safetensors", options=SHORT, workers=0)

"""The [model] table: what a backbone sees, and what of it learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from pydantic import ValidationError

from tests.train.tiny import backbone
from unmask.errors import RecipeError
from unmask.train.design import Backbone, Model
from unmask.train.models import build, parameters
from unmask.train.networks import OWN
from unmask.train.recipes import Recipe

RECIPES = Path(__file__).parents[2] / "recipes"
NETWORKS = sorted(
    {
        (one.name, one.weights)
        for path in RECIPES.glob("*.toml")
        if "[train]" in path.read_text(encoding="utf-8")
        for one in Recipe.read(path).model.backbones
    }
)


def model(name: str = "test_vit", **options: Any) -> Any:
    torch.manual_seed(0)
    chosen = Model.model_validate({"backbone": backbone(name=name, **options), "head": "dense", "dropout": 0.0})
    return build(chosen), chosen


@pytest.mark.parametrize(("name", "weights"), NETWORKS)
def test_every_network_of_a_recipe_that_ships_is_there(name: str, weights: str) -> None:
    if name in OWN:
        assert weights != "hub"
        return
    assert timm.is_model(name.split(".")[0])
    if weights == "hub":
        named = {full for full in timm.list_pretrained(f"{name.split('.')[0]}.*") if full.startswith(name)}
        assert named, "there is nothing to download under that name"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sees": "everything"}, "sees"),
        ({"learn": "bias"}, "learn"),
        ({"learn": "norm", "freeze": "all"}, "leaves nothing to learn"),
        ({"sees": "learned-residual", "freeze": "all"}, "learns with its backbone"),
    ],
)
def test_what_contradicts_itself_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Backbone.model_validate(backbone(**options))


class TestOnlyNormsLearn:
    def test_what_learns_are_they_and_the_head(self) -> None:
        network, _ = model(learn="norm")
        learning = {name for name, one in network.eyes.named_parameters() if one.requires_grad}
        layers = {name.rsplit(".", 1)[0].rsplit(".", 1)[-1] for name in learning}
        assert layers == {"norm", "norm1", "norm2"}
        assert all(one.requires_grad for one in network.head.parameters())
        everything, _ = model()
        assert 0 < parameters(network) < parameters(everything) / 10

    def test_a_step_changes_nothing_else(self) -> None:
        network, _ = model(learn="norm")
        before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        stepper = torch.optim.AdamW([one for one in network.parameters() if one.requires_grad], lr=0.1)
        network.train()
        network(torch.randint(0, 256, (4, 160, 160, 3), dtype=torch.uint8))[0].sum().backward()
        stepper.step()
        changed = {name for name, one in network.state_dict().items() if not torch.equal(one, before[name])}
        assert {name for name in changed if name.startswith("eyes.")} == {
            f"eyes.0.{name}" for name, one in network.eyes[0].named_parameters() if one.requires_grad
        }

    def test_what_is_frozen_keeps_its_norms(self) -> None:
        network, _ = model(learn="norm", freeze=["blocks.0"])
        learning = {name for name, one in network.eyes.named_parameters() if one.requires_grad}
        assert learning
        assert not [name for name in learning if ".blocks.0." in name]

    @pytest.mark.parametrize("name", ["test_efficientnet", "test_convnext", "test_resnet"])
    def test_each_family_has_its_own_kind_of_them(self, name: str) -> None:
        network, _ = model(name, learn="norm")
        learning = [one for one in network.eyes.parameters() if one.requires_grad]
        assert learning
        assert all(one.ndim == 1 for one in learning)

    def test_a_network_without_any_is_refused(self) -> None:
        with pytest.raises(RecipeError, match="no normalisation that could learn"):
            model("mobilefacenet", learn="norm")

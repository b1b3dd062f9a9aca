"""How fast each weight learns: schedules, rates of layers, and the average that follows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from tests.train.tiny import backbone, recipe
from unmask.train.learning import follow, groups, optimizer, pace, schedule, staying
from unmask.train.models import Detector, build, hold
from unmask.train.recipes import Recipe
from unmask.train.regime import Training


def network(chosen: Recipe) -> Detector:
    torch.manual_seed(0)
    return build(chosen.model)


def scales(chosen: Recipe) -> dict[str, float]:
    """By the name of each parameter that learns: its rate in units of the head's."""
    model = network(chosen)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {names[id(one)]: group["scale"] for group in groups(model, chosen) for one in group["params"]}


class TestSchedule:
    def test_one_cycle(self) -> None:
        rates = [schedule("one-cycle", step, 100) for step in range(100)]
        assert rates[0] == pytest.approx(0.1)
        assert max(rates) == rates[10] == pytest.approx(1.0)
        assert rates[:11] == sorted(rates[:11])
        assert rates[10:] == sorted(rates[10:], reverse=True)
        assert 0 < rates[-1] < 0.001

    @pytest.mark.parametrize("steps", [1, 2, 3, 11])
    def test_short_runs(self, steps: int) -> None:
        assert all(0 <= schedule("one-cycle", step, steps) <= 1 for step in range(steps))
        assert schedule("one-cycle", 0, steps) == pytest.approx(0.1)

    def test_cosine_only_falls_and_constant_stays(self) -> None:
        rates = [schedule("cosine", step, 10) for step in range(10)]
        assert rates[0] == 1.0
        assert rates == sorted(rates, reverse=True)
        assert rates[5] == pytest.approx(0.5)
        assert {schedule("constant", step, 10) for step in range(10)} == {1.0}


class TestGroups:
    def test_all_alike_by_default(self) -> None:
        found = scales(recipe())
        assert set(found) == {name for name, _ in network(recipe()).named_parameters()}
        assert set(found.values()) == {1.0}

    def test_backbones_may_learn_slower_than_the_head(self) -> None:
        found = scales(recipe(train={"backbone_rate": 0.1}))
        assert {scale for name, scale in found.items() if name.startswith("head.")} == {1.0}
        assert {scale for name, scale in found.items() if name.startswith("eyes.")} == {0.1}

    @pytest.mark.parametrize("name", ["test_efficientnet", "plain_cnn"])
    def test_layers_next_to_the_pixels_learn_slowest(self, name: str) -> None:
        eye = {"name": name, "weights": "none"}
        model = {"backbones": [eye]}
        found = scales(recipe(model=model, train={"layer_decay": 0.5}))
        order = [name for name, _ in network(recipe(model=model)).named_parameters() if name.startswith("eyes.")]
        rates = [found[name] for name in order]
        assert rates == sorted(rates)
        assert rates[0] < 0.2
        assert rates[-1] == 0.5

    def test_what_never_thaws_has_no_group_and_what_thaws_has(self) -> None:
        eye = backbone(freeze=["conv_stem", "blocks.0"], thaw={"blocks.0": 2})
        found = scales(recipe(model={"backbones": [eye]}))
        assert not [name for name in found if "conv_stem" in name]
        assert [name for name in found if "blocks.0." in name]

    def test_asking_leaves_the_first_epochs_parts_held(self) -> None:
        chosen = recipe(model={"backbones": [backbone(freeze=["blocks.0"], thaw={"blocks.0": 2})]})
        model = network(chosen)
        groups(model, chosen)
        held = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
        assert held
        assert all("blocks.0." in name for name in held)

    def test_probing_before_tuning_is_freezing_all_parts_and_thawing_them(self) -> None:
        """LP-FT (Kumar et al. 2022): the head alone first, then all, the backbone at a lower rate."""
        parts = ["conv_stem", "bn1", "blocks", "conv_head", "bn2"]
        eye = backbone(freeze=parts, thaw=dict.fromkeys(parts, 2))
        chosen = recipe(model={"backbones": [eye]}, train={"backbone_rate": 0.1})
        model = network(chosen)
        made = groups(model, chosen)
        learning = {name.split(".")[0] for name, one in model.named_parameters() if one.requires_grad}
        assert learning == {"head"}
        hold(model, chosen.model, 2)
        for group in made:
            assert all(one.requires_grad for one in group["params"])
        backbones = {id(one) for one in model.eyes.parameters()}
        assert backbones == {id(one) for group in made if group["scale"] == 0.1 for one in group["params"]}

    def test_biases_and_normalisation_are_not_decayed(self) -> None:
        for group in groups(network(recipe()), recipe(train={"weight_decay": 0.3})):
            assert {one.ndim > 1 for one in group["params"]} == {group["weight_decay"] == 0.3}


@pytest.mark.parametrize(
    ("name", "kind"), [("adamw", torch.optim.AdamW), ("adam", torch.optim.Adam), ("sgd", torch.optim.SGD)]
)
def test_each_optimizer_is_the_one_named_and_takes_each_groups_pace(name: str, kind: type[Any]) -> None:
    chosen = recipe(train={"optimizer": name, "learning_rate": 0.2, "backbone_rate": 0.1})
    made = optimizer(network(chosen), chosen)
    assert type(made) is kind
    assert pace(made, chosen.train, 0, 100) == pytest.approx(0.02)
    assert {round(group["lr"], 6) for group in made.param_groups} == {0.02, 0.002}


class TestAverage:
    def test_it_moves_and_begins_short(self) -> None:
        kept = [staying(Training(epochs=2, average=0.9), done, 200) for done in range(1, 201)]
        assert kept[:2] == [1 / 10, 2 / 11]
        assert kept == sorted(kept)
        assert kept[-1] == 0.9

    def test_the_last_epochs_count_alike(self) -> None:
        """Four epochs of five steps, of which the last two are averaged: ten weights, a tenth each."""
        options = Training(epochs=4, average=0.5, average_epochs=2)
        average, moving = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
        for done in range(1, 21):
            torch.nn.init.constant_(moving.weight, float(done))
            follow(average, moving, staying(options, done, 20))
        assert average.weight.item() == pytest.approx(np.mean(range(11, 21)))
        assert staying(options, 10, 20) == 0.5
        assert staying(options, 11, 20) == 0.0

    def test_no_more_epochs_are_averaged_than_there_are(self) -> None:
        options = Training(epochs=2, average_epochs=9)
        assert [staying(options, done, 4) for done in (1, 2, 3, 4)] == [0, 1 / 2, 2 / 3, 3 / 4]

    def test_the_last_epochs_must_be_known(self) -> None:
        with pytest.raises(ValidationError, match="average_epochs must know which epochs are the last"):
            Training(epochs=9, average_epochs=2, patience=2)


def test_the_average_follows_values_and_statistics_and_copies_counts() -> None:
    one, other = (network(recipe(seed=seed)) for seed in (0, 1))
    with torch.no_grad():
        for number, tensor in enumerate([*other.parameters(), *other.buffers()]):
            tensor.fill_(number % 7)
    before = {name: tensor.clone() for name, tensor in one.state_dict().items()}
    follow(one, other, 0.75)
    for name, tensor in one.state_dict().items():
        theirs = other.state_dict()[name]
        if tensor.dtype.is_floating_point:
            torch.testing.assert_close(tensor, 0.75 * before[name] + 0.25 * theirs)
        else:
            assert torch.equal(tensor, theirs)

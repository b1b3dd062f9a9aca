"""Attacks: real pictures within reach, the wrong way, and a network that comes out as it went in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.train.tiny import backbone
from unmask.errors import UsageError
from unmask.train.attacks import METHODS, Method, attack
from unmask.train.design import Model
from unmask.train.models import Detector, build, hold

every_method = pytest.mark.parametrize("method", METHODS)


class Linear(Detector):
    """A network whose logit is a weighted sum of all values, so that the best attack is known."""

    def __init__(self, weights: Tensor) -> None:
        nn.Module.__init__(self)
        self.weights = weights
        self.head = nn.Identity()  # type: ignore[assignment]

    def maps(self, pixels: Tensor) -> list[Tensor]:
        return [(pixels.float() * self.weights).sum(dim=(1, 2, 3))]


def linear(scale: float = 1.0) -> Linear:
    return Linear(torch.randn((8, 8, 3), generator=torch.Generator().manual_seed(1)) * scale)


def pixels(count: int = 4, size_px: int = 8, least: int = 0, most: int = 256) -> Tensor:
    values = np.random.default_rng(0).integers(least, most, (count, size_px, size_px, 3), np.uint8)
    return torch.from_numpy(values)


def network(**options: Any) -> Detector:
    torch.manual_seed(0)
    return build(Model.model_validate({"backbones": [backbone(**options)], "dropout": 0.5}))


LABELS = torch.tensor([0, 1, 0, 1])
WRONG = (1 - 2 * LABELS).view(-1, 1, 1, 1)


def chance() -> torch.Generator:
    return torch.Generator().manual_seed(3)


class TestWhatComesOut:
    @every_method
    @pytest.mark.parametrize(("strength", "reach"), [(1, 1), (2.7, 2), (8, 8), (255, 255)])
    def test_a_picture_within_reach(self, method: Method, strength: float, reach: int) -> None:
        clean = torch.cat([pixels(2), torch.zeros(1, 8, 8, 3), torch.full((1, 8, 8, 3), 255)]).to(torch.uint8)
        found = attack(linear(), clean, LABELS, method, strength, 4, chance())
        assert found.dtype == torch.uint8
        assert found.shape == clean.shape
        moved = (found.int() - clean.int()).abs()
        assert 0 < moved.max() <= reach

    @every_method
    def test_of_a_linear_network_it_is_the_worst_there_is(self, method: Method) -> None:
        model, clean = linear(), pixels(least=10, most=245)
        found = attack(model, clean, LABELS, method, 3, 5, chance())
        assert torch.equal(found.int(), clean.int() + 3 * (model.weights.sign() * WRONG).int())

    @every_method
    def test_certainty_is_no_defence(self, method: Method) -> None:
        sure = linear(scale=1e4)
        clean = pixels(least=10, most=245)
        assert set(torch.sigmoid(sure.maps(clean)[0]).tolist()) <= {0.0, 1.0}
        found = attack(sure, clean, LABELS, method, 2, 5, chance())
        assert ((found.int() - clean.int()).abs() == 2).all()

    def test_one_step_is_alike_each_time_and_several_are_by_the_same_chance(self) -> None:
        model, clean = network(), pixels(size_px=64)
        one, other = (attack(model, clean, LABELS, "fgsm", 4, 1) for _ in range(2))
        assert torch.equal(one, other)
        one, other = (attack(model, clean, LABELS, "pgd", 4, 2, chance()) for _ in range(2))
        assert torch.equal(one, other)
        assert not torch.equal(one, attack(model, clean, LABELS, "pgd", 4, 2, torch.Generator().manual_seed(4)))

    def test_several_steps_go_further_than_one_and_more_strength_further_still(self) -> None:
        model, clean = network().eval(), pixels(size_px=64)

        def margin(seen: Tensor) -> float:
            with torch.no_grad():
                return float((model(seen)[0] * WRONG.flatten()).mean())

        reached = [margin(attack(model, clean, LABELS, "pgd", strength, 8, chance())) for strength in (2, 8)]
        one = [margin(attack(model, clean, LABELS, "fgsm", strength, 1)) for strength in (2, 8)]
        assert margin(clean) < one[0] < reached[0] < reached[1]
        assert one[1] < reached[1]

    def test_a_picture_does_not_depend_on_those_beside_it(self) -> None:
        model, clean = network(), pixels(size_px=64)
        together = attack(model, clean, LABELS, "fgsm", 4, 1)
        alone = torch.cat([attack(model, clean[[k]], LABELS[[k]], "fgsm", 4, 1) for k in range(len(clean))])
        assert (together != alone).float().mean() < 1e-3  # where a gradient is next to nothing, its sign is chance


class TestTheNetwork:
    @every_method
    def test_comes_out_as_it_went_in(self, method: Method) -> None:
        model = network(freeze=["blocks.0"]).train()
        model.head.eval()
        model(pixels(size_px=64))[0].sum().backward()
        state = {name: one.clone() for name, one in model.state_dict().items()}
        gradients = {name: None if one.grad is None else one.grad.clone() for name, one in model.named_parameters()}
        modes = {name: one.training for name, one in model.named_modules()}
        assert set(modes.values()) == {True, False}
        attack(model, pixels(size_px=64), LABELS, method, 4, 2, chance())
        assert all(torch.equal(one, state[name]) for name, one in model.state_dict().items())
        assert {name: one.training for name, one in model.named_modules()} == modes
        for name, one in model.named_parameters():
            before, after = gradients[name], one.grad
            assert (before is None) == (after is None)
            assert before is None or after is None or torch.equal(before, after)

    def test_is_asked_as_it_scores(self) -> None:
        model, clean = network(), pixels(size_px=64)
        learning = attack(model.train(), clean, LABELS, "fgsm", 4, 1)
        assert torch.equal(learning, attack(model.eval(), clean, LABELS, "fgsm", 4, 1))

    def test_comes_out_even_if_it_fails(self) -> None:
        model = network().train()
        with pytest.raises(RuntimeError):
            attack(model, pixels(size_px=64)[..., :2], LABELS, "fgsm", 4, 1)
        assert model.training
        assert model.head.training

    @pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode], ids=["no_grad", "inference_mode"])
    def test_may_be_attacked_where_no_gradients_are_kept(self, mode: Any) -> None:
        model, clean = network(), pixels(size_px=64)
        wanted = attack(model, clean, LABELS, "fgsm", 4, 1)
        with mode():
            assert torch.equal(attack(model, clean + 0, LABELS, "fgsm", 4, 1), wanted)

    def test_may_be_held_whole(self) -> None:
        model, clean = network(), pixels(size_px=64)
        wanted = attack(model, clean, LABELS, "fgsm", 4, 1)
        options = Model.model_validate({"backbones": [backbone(freeze="all")], "head": "dense"})
        hold(model, options, 1)
        assert torch.equal(attack(model, clean, LABELS, "fgsm", 4, 1), wanted)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "deepfool"}, 'no attack "deepfool"; there are: fgsm, pgd'),
        ({"strength": 0.5}, "between 1 and 255 levels of 255, not at 0.5"),
        ({"strength": 256}, "not at 256"),
        ({"strength": float("nan")}, "not at nan"),
        ({"steps": 0}, "at least one step, not 0"),
        ({"pixels": pixels().float()}, r"changes uint8 pixels, not torch\.float32"),
    ],
    ids=str,
)
def test_what_is_no_attack_is_one_sentence(change: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"pixels": pixels(), "labels": LABELS, "method": "pgd", "strength": 2, "steps": 2}
    with pytest.raises(UsageError, match=message):
        attack(linear(), **{**given, **change})

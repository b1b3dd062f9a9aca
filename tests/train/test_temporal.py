"""Temporal heads: what each look adds makes the logit, and only those that relate looks know their order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn import functional

from tests.train.tiny import backbone, recipe
from unmask.train.design import MOST_POSITIONS, TEMPORAL, Model
from unmask.train.models import Describer, Detector, build
from unmask.train.recipes import Recipe
from unmask.train.temporal import Attentive, Recurrent, Temporal

CHANNELS = (3, 5)
WIDTH = 8
SIZE = 2 * sum(CHANNELS)
AMONG: dict[str, Any] = {
    "recurrent": lambda: Recurrent(WIDTH),
    "attentive": lambda: Attentive(WIDTH, 0.1),
    "alone": nn.Identity,
}


def watching(head: str = "recurrent", **tables: Any) -> Recipe:
    """The tiny recipe with a head for windows of four looks."""
    model = {"backbones": [backbone(freeze="all", maps=[1, -1])], "head": head, "hidden": 8, "dropout": 0.1}
    cut = {"kind": "face", "size_px": 32, "frames": 4} | tables.pop("cut", {})
    data = {"made": 0.0} | tables.pop("data", {})
    return recipe(model=model | tables.pop("model", {}), cut=cut, data=data, **tables)


def head(name: str, dropout: float = 0.2) -> Temporal:
    torch.manual_seed(3)
    return Temporal(CHANNELS, WIDTH, dropout, ("all",), AMONG[name]()).eval()


def maps(windows: int, looks: int) -> list[Tensor]:
    torch.manual_seed(windows * 10 + looks)
    return [torch.randn(windows, looks, channels, side, side) for channels, side in zip(CHANNELS, (6, 3), strict=True)]


def test_there_is_a_head_for_each_name() -> None:
    assert set(AMONG) == set(TEMPORAL)


@pytest.mark.parametrize("name", TEMPORAL)
class TestEveryHead:
    @torch.inference_mode()
    def test_what_the_looks_add_makes_the_logit(self, name: str) -> None:
        for windows, looks in ((1, 1), (3, 2), (2, 8)):
            one, given = head(name), maps(windows, looks)
            logit, activation = one(given)
            assert activation.shape == (windows, looks)
            torch.testing.assert_close(activation.mean(dim=1), logit)
            described = one.describe(given)
            assert described.shape == (windows, looks, SIZE)
            torch.testing.assert_close(one.judge(described), logit)
            embedding = one.embed(given)
            assert embedding.shape == (windows, WIDTH) == (windows, one.width)
            torch.testing.assert_close(one.out(embedding)[:, 0], logit)
            for again, hidden in (one.learn(given), one.learn_described(described)):
                torch.testing.assert_close(again, logit)
                torch.testing.assert_close(hidden, embedding)

    @torch.inference_mode()
    def test_looks_are_described_one_by_one(self, name: str) -> None:
        one, given = head(name), maps(2, 3)
        alone = one.describe([each.flatten(0, 1) for each in given])
        torch.testing.assert_close(alone, one.describe(given).flatten(0, 1))

    @torch.inference_mode()
    def test_windows_do_not_know_of_each_other(self, name: str) -> None:
        one, given = head(name), maps(3, 4)
        alone = torch.cat([one([each[k : k + 1] for each in given])[0] for k in range(3)])
        torch.testing.assert_close(alone, one(given)[0])

    def test_every_weight_learns(self, name: str) -> None:
        one = head(name).train()
        torch.autograd.backward(one.judge(torch.randn(6, 4, SIZE)).square().sum())
        still = [n for n, weight in one.named_parameters() if weight.grad is None or not weight.grad.any()]
        assert not still

    def test_a_statistic_is_dropped_in_all_looks_of_a_window(self, name: str) -> None:
        one = head(name, dropout=0.5).train()
        seen: list[Tensor] = []
        one.project.register_forward_hook(lambda _, given, __: seen.append(given[0].detach()))
        one.judge(torch.randn(8, 4, SIZE))
        (shown,) = seen
        gone = shown == 0
        assert torch.equal(gone.any(dim=1), gone.all(dim=1))
        assert 0.3 < gone.float().mean() < 0.7

    @torch.inference_mode()
    def test_only_looks_that_are_related_know_their_order(self, name: str) -> None:
        one, described = head(name), torch.randn(4, 6, SIZE)
        gained = (one.judge(described.flip(1)) - one.judge(described)).abs().max()
        assert gained < 1e-5 if name == "alone" else gained > 1e-4

    def test_it_learns_what_only_the_order_tells(self, name: str) -> None:
        """Windows that brighten are fake, those that darken real; each look by itself says nothing."""
        one = head(name, dropout=0.0).train()
        rng = np.random.default_rng(0)

        def drawn(count: int) -> tuple[Tensor, Tensor]:
            looks = np.sort(rng.normal(size=(count, 6, 1)), axis=1) + 0.1 * rng.normal(size=(count, 6, SIZE))
            labels = rng.integers(0, 2, count)
            looks[labels == 0] = looks[labels == 0, ::-1]
            return torch.tensor(looks, dtype=torch.float32), torch.tensor(labels, dtype=torch.float32)

        stepper = torch.optim.Adam(one.parameters(), 0.01)
        for _ in range(150):
            described, labels = drawn(64)
            torch.autograd.backward(functional.binary_cross_entropy_with_logits(one.judge(described), labels))
            stepper.step()
            stepper.zero_grad()
        with torch.inference_mode():
            described, labels = drawn(400)
            right = ((one.eval().judge(described) > 0) == (labels > 0)).float().mean()
        assert 0.4 < right < 0.6 if name == "alone" else right > 0.95


@pytest.mark.parametrize("name", TEMPORAL)
class TestNetwork:
    def network(self, name: str) -> Detector:
        torch.manual_seed(0)
        return build(watching(name).model).eval()

    @torch.inference_mode()
    def test_it_takes_windows_of_any_length(self, name: str) -> None:
        network = self.network(name)
        for looks in (1, 2, 4):
            pixels = torch.randint(0, 256, (3, looks, 32, 32, 3), dtype=torch.uint8)
            logit, activation = network(pixels)
            assert (logit.shape, activation.shape) == ((3,), (3, looks))
            said = Describer(network)(pixels.flatten(0, 1)).unflatten(0, (3, looks))
            torch.testing.assert_close(network.judge(said), logit, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"cut": {"frames": None}}, r'head = "recurrent" reads several looks at a person: say how many, cut\.frames'),
        ({"cut": {"frames": 1}}, r"cut\.frames"),
        ({"cut": {"kind": "patch"}}, r'cut\.frames needs cut\.kind = "face"'),
        ({"head": "attentive", "cut": {"frames": MOST_POSITIONS + 1}}, f"tells {MOST_POSITIONS} looks apart"),
        ({"data": {"looks": 2}}, r"data\.looks, at most cut\.frames, is for networks that learn whole"),
        ({"data": {"looks": 5}, "model": {"backbones": [backbone()]}}, r"data\.looks, at most cut\.frames"),
        ({"data": {"drop_looks": 0.1}, "model": {"backbones": [backbone()]}}, "is for frozen networks"),
        ({"data": {"crop_px": 32}, "model": {"backbones": [backbone()]}}, "would move the face"),
        ({"model": {"head": "statistics"}}, r'cut\.frames needs head = "recurrent", .* not "statistics"'),
        ({"model": {"head": "discriminant"}, "train": {"epochs": 1}}, r'cut\.frames needs head = .*"discriminant"'),
        ({"model": {"hidden": 10}}, "needs hidden to be a multiple of 4"),
        ({"train": {"teacher": {"bundles": ["face"]}}}, r"train\.teacher looks at pictures"),
        ({"augment": {"amplitude": 0.5}}, r"augment\.amplitude mixes two pictures"),
    ],
)
def test_what_makes_no_sense_is_refused(tables: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        watching(**tables)


def test_pictures_have_no_looks_to_drop() -> None:
    with pytest.raises(ValidationError, match="are about videos"):
        recipe(data={"drop_looks": 0.1})


def test_which_heads_are_temporal() -> None:
    kinds = {name: watching(name).model.temporal for name in TEMPORAL}
    assert all(kinds.values())
    assert not Model.model_validate({"backbones": [backbone()]}).temporal

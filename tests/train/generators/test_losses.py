"""Losses: nothing is lost on the same picture, more on a worse one, and only what draws gets a gradient."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor

from unmask.errors import RecipeError
from unmask.train.generators.gan import Critic
from unmask.train.generators.losses import FEATURES_FILE, PIXELS, Compare, Features


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Features:
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    save_file(dict(timm.create_model("mobilenetv2_100").state_dict()), folder / FEATURES_FILE)
    return Features(folder)


@pytest.fixture
def photos() -> Tensor:
    torch.manual_seed(1)
    return torch.nn.functional.interpolate(torch.rand(2, 3, 8, 8) * 2 - 1, size=(32, 32), mode="bilinear")


def check(compare: Compare, photos: Tensor) -> None:
    assert compare(photos, photos).item() == pytest.approx(0, abs=1e-6)
    noise = torch.randn_like(photos)
    slightly, badly = (photos + part * noise for part in (0.05, 0.5))
    assert 1e-4 < compare(slightly, photos).item() < compare(badly, photos).item()
    drawn = slightly.requires_grad_()
    torch.autograd.backward(compare(drawn, photos))
    assert drawn.grad is not None
    assert bool(drawn.grad.abs().sum() > 0)


@pytest.mark.parametrize("name", ["l1", "l2", "ssim"])
def test_losses_of_pixels(name: str, photos: Tensor) -> None:
    check(PIXELS[name], photos)  # type: ignore[index]


def test_the_loss_of_features_holds_its_network_still(features: Features, photos: Tensor) -> None:
    check(features, photos)
    assert all(parameter.grad is None for parameter in features.parameters())
    assert not features.network.training


def test_a_missing_or_foreign_weights_file_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="give its folder with --weights"):
        Features(tmp_path)
    save_file({"x": torch.zeros(1)}, tmp_path / FEATURES_FILE)
    with pytest.raises(RecipeError, match="does not hold the weights of mobilenetv2_100"):
        Features(tmp_path)


def test_the_critic_learns_to_tell_and_leaves_the_drawn_alone(photos: Tensor) -> None:
    torch.manual_seed(2)
    critic = Critic()
    drawn = (photos + 0.5 * torch.randn_like(photos)).requires_grad_()
    stepper = torch.optim.Adam(critic.parameters(), 0.01)
    first = critic.errs(photos, drawn).item()
    for _ in range(30):
        stepper.zero_grad()
        torch.autograd.backward(critic.errs(photos, drawn))
        stepper.step()
    assert drawn.grad is None
    assert critic.errs(photos, drawn).item() < 0.8 * first
    assert critic.sees_through(drawn).item() > critic.sees_through(photos).item()

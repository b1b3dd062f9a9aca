"""What a generator is punished for; each loss leaves a trace of its own.

l2 blurs more than l1, ssim keeps contrast and is easy on colour, features keep texture and shift pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from unmask.errors import RecipeError
from unmask.train.generators.design import Loss

Compare = Callable[[Tensor, Tensor], Tensor]
"""Drawn and photos, float32 (N, 3, H, W) in -1 to 1, to a number."""

FEATURES_FILE: Final = "mobilenetv2_100.imagenet.safetensors"
_BACKBONE: Final = "mobilenetv2_100"
_MAPS: Final = (0, 1, 2)
"""At a half, a quarter and an eighth of the side: deeper maps know objects, and cost as much as the generator."""

_WINDOW_PX: Final = 7
_C1, _C2 = 0.01**2, 0.03**2


def ssim(drawn: Tensor, photos: Tensor) -> Tensor:
    """One minus the structural similarity (Wang et al. 2004), in even windows of 7 px instead of Gaussian ones."""
    a, b = (drawn + 1) / 2, (photos + 1) / 2

    def mean(x: Tensor) -> Tensor:
        return functional.avg_pool2d(x, _WINDOW_PX, stride=2)

    mean_a, mean_b = mean(a), mean(b)
    var_a, var_b, both = mean(a * a) - mean_a**2, mean(b * b) - mean_b**2, mean(a * b) - mean_a * mean_b
    like = (2 * mean_a * mean_b + _C1) * (2 * both + _C2)
    return 1 - (like / ((mean_a**2 + mean_b**2 + _C1) * (var_a + var_b + _C2))).mean()


class Features(nn.Module):
    """How far drawn and photo lie apart for a network that knows pictures (Zhang et al. 2018, arXiv:1801.03924).

    The distance is that of unit vectors of channels, averaged over places, without the paper's learned weights.

    Args:
        folder: Where the weights file of ImageNet's MobileNetV2 lies.

    Raises:
        RecipeError: It is not there, or is another network's.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        path = folder / FEATURES_FILE
        if not path.is_file():
            raise RecipeError(f"no file {path}, which the loss of features needs: give its folder with --weights")
        network = timm.create_model(_BACKBONE, pretrained=False, features_only=True, out_indices=_MAPS, pad_type="same")
        try:
            state = load_file(path)
            network.load_state_dict({name: state[name] for name in network.state_dict()})
        except (SafetensorError, KeyError, RuntimeError) as error:
            raise RecipeError(f"{path} does not hold the weights of {_BACKBONE}") from error
        self.network = network.eval().requires_grad_(False)

    def forward(self, drawn: Tensor, photos: Tensor) -> Tensor:
        """The distance; both are normalised already, for this network takes -1 to 1."""
        with torch.no_grad():
            wanted = self.network(photos)
        apart = [
            (functional.normalize(a, dim=1) - functional.normalize(b, dim=1)).square().sum(1).mean()
            for a, b in zip(self.network(drawn), wanted, strict=True)
        ]
        return torch.stack(apart).mean()


PIXELS: Final[Mapping[Loss, Compare]] = {"l1": functional.l1_loss, "l2": functional.mse_loss, "ssim": ssim}
"""The losses that only compare pixels."""

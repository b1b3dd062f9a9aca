"""Networks: a timm backbone, one convolution that scores every place, and their mean.

Scoring places and averaging the scores is the same arithmetic as averaging features and scoring once, but the scores
are then the heat map (Zhou et al. 2016, arXiv:1512.04150): it adds up to the logit and costs no gradient.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.models._features import FeatureGetterNet
from timm.utils.model import freeze
from torch import Tensor, nn

from unmask.errors import RecipeError
from unmask.train.recipes import Model


class Detector(nn.Module):
    """uint8 pixels in, logit and heat map out.

    Args:
        backbone: Gives a list with one feature map (N, C, h, w).
        channels: C.
        mean: Of the three colours, in units of 1 (not 255), as the backbone was trained.
        std: Likewise.
        dropout: On the features, while training.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: nn.Module,
        channels: int,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        dropout: float,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.dropout = nn.Dropout2d(dropout)
        self.place_score = nn.Conv2d(channels, 1, kernel_size=1, bias=False)
        self.constant = nn.Parameter(torch.zeros(1))
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1) * 255)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1) * 255)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Score a batch.

        Args:
            pixels: uint8 (N, S, S, 3) RGB.

        Returns:
            Logits float32 (N,) and heat maps float32 (N, h, w), with logit = mean of the heat map + constant.
        """
        x = (pixels.permute(0, 3, 1, 2).float() - self.mean) / self.std
        features = self.backbone(x)[0]
        activation = self.place_score(self.dropout(features)).float()[:, 0]
        return activation.mean(dim=(1, 2)) + self.constant, activation


def build(options: Model, weights: Path | None = None) -> Detector:
    """A new network, with the recipe's initial weights.

    Args:
        options: The recipe's [model].
        weights: The safetensors file that `options.weights` names, found; None for "hub" and "none".

    Raises:
        RecipeError: timm knows no such backbone, it has no such stage or part, or the file does not fit it.
    """
    try:
        own: dict[str, Any] = dict(options.options)
        network = timm.create_model(options.backbone, num_classes=0, pretrained=options.weights == "hub", **own)
        if weights is not None:
            _load(network, weights)
        if options.freeze:
            # Turns batch norm into a frozen layer, so that its statistics survive .train() too.
            freeze(network, list(options.freeze))  # type: ignore[no-untyped-call]
        # Stages after the one that is read are cut off, so they cost nothing.
        backbone = FeatureGetterNet(network, out_indices=(options.stage,), prune=True)
    except (RuntimeError, TypeError, ValueError, LookupError, AttributeError, AssertionError, OSError) as error:
        raise RecipeError(f'timm cannot build the backbone "{options.backbone}": {error}') from error
    config = cast("dict[str, Any]", network.pretrained_cfg)
    mean, std = options.mean or config["mean"], options.std or config["std"]
    return Detector(backbone, backbone.feature_info.channels()[-1], tuple(mean), tuple(std), options.dropout)


def parameters(model: nn.Module) -> int:
    """How many numbers training may change."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def _load(network: nn.Module, path: Path) -> None:
    """Every tensor of the network must come from the file; the file may hold more, a classifier for one."""
    try:
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        raise RecipeError(f"{path} is no safetensors file: {error}") from error
    own = cast("dict[str, Tensor]", network.state_dict())
    missing = [name for name, tensor in own.items() if name not in state or state[name].shape != tensor.shape]
    if missing:
        raise RecipeError(f"{path} does not fit the backbone: {len(missing)} tensors differ, the first is {missing[0]}")
    network.load_state_dict({name: state[name] for name in own})

"""Networks: a timm backbone and one of our heads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self, cast

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.models import create_feature_extractor
from timm.models._features import FeatureGetterNet
from timm.utils.model import freeze
from torch import Tensor, nn

from unmask.errors import RecipeError
from unmask.train.heads import Places, Statistics, describe
from unmask.train.recipes import Backbone, Model


class Eye(nn.Module):
    """A backbone with the normalisation it was trained with.

    Args:
        backbone: Gives a list of feature maps (N, C, h, w).
        mean: Of the three colours, in units of 1 (not 255).
        std: Likewise.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.backbone = backbone
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1) * 255)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1) * 255)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Feature maps of float32 (N, 3, S, S) in 0 to 255."""
        maps: list[Tensor] = self.backbone((pixels - self.mean) / self.std)
        return maps

    def train(self, mode: bool = True) -> Self:
        """Learn, or score; a backbone that is frozen whole only scores, which keeps its batch-norm statistics."""
        return super().train(mode and any(one.requires_grad for one in self.parameters()))


class Detector(nn.Module):
    """uint8 pixels in, logit and heat map out.

    Args:
        eyes: Backbones, side by side.
        head: Makes a logit and an activation of all their feature maps.
    """

    def __init__(self, eyes: list[Eye], head: Places | Statistics) -> None:
        super().__init__()
        self.eyes = nn.ModuleList(eyes)
        self.head = head

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Score a batch.

        Args:
            pixels: uint8 (N, S, S, 3) RGB.

        Returns:
            Logits float32 (N,) and heat maps float32 (N, h, w), with logit = mean of the heat map + a constant.
        """
        logit, activation = self.head(self.maps(pixels))
        return logit, activation

    def judge(self, described: Tensor) -> Tensor:
        """Logits float32 (N,) of what a `Describer` gave; a head of places has nothing to say to that."""
        assert isinstance(self.head, Statistics)  # the recipe sees to it
        return self.head.judge(described)

    def maps(self, pixels: Tensor) -> list[Tensor]:
        """Feature maps (N, C, h, w) of uint8 (N, S, S, 3), of all eyes."""
        upright = pixels.permute(0, 3, 1, 2).float()
        return [one for eye in self.eyes for one in eye(upright)]


class Describer(nn.Module):
    """What a head of statistics reads of a batch of uint8 pixels: float32 (N, D)."""

    def __init__(self, model: Detector) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> Tensor:
        """Describe a batch."""
        return describe(self.model.maps(pixels))


def build(options: Model, weights: Sequence[Path | None] = ()) -> Detector:
    """A new network, with the recipe's initial weights.

    Args:
        options: The recipe's [model].
        weights: For each backbone the safetensors file that its `weights` names, found; None for "hub" and "none".

    Raises:
        RecipeError: timm knows no such backbone, it has no such stage or part, or the file does not fit it.
    """
    files = weights or [None] * len(options.backbones)
    eyes, channels = [], []
    for backbone, file in zip(options.backbones, files, strict=True):
        eye, widths = _eye(backbone, file)
        eyes.append(eye)
        channels += widths
    if options.head == "places":
        return Detector(eyes, Places(channels, options.dropout))
    return Detector(eyes, Statistics(channels, options.hidden, options.dropout))


def _eye(options: Backbone, weights: Path | None) -> tuple[Eye, list[int]]:
    """A backbone, and the channels of each map it gives."""
    try:
        own: dict[str, Any] = dict(options.options)
        network = timm.create_model(options.name, num_classes=0, pretrained=options.weights == "hub", **own)
        if weights is not None:
            _load(network, weights)
        if options.freeze == "all":
            network.requires_grad_(False)
        elif options.freeze:
            # Turns batch norm into a frozen layer too, so that its statistics survive .train().
            freeze(network, list(options.freeze))  # type: ignore[no-untyped-call]
        backbone, channels = _feature_maps(network, options.maps)
    except (RuntimeError, TypeError, ValueError, LookupError, AttributeError, AssertionError, OSError) as error:
        raise RecipeError(f'timm cannot build the backbone "{options.name}": {error}') from error
    config = cast("dict[str, Any]", network.pretrained_cfg)
    mean, std = options.mean or config["mean"], options.std or config["std"]
    return Eye(backbone, tuple(mean), tuple(std)), channels


class _Layers(nn.Module):
    """Feature maps by the names of layers, for those between timm's stages."""

    def __init__(self, network: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.network = create_feature_extractor(network, list(names))

    def forward(self, pixels: Tensor) -> list[Tensor]:
        return list(self.network(pixels).values())


def _feature_maps(network: nn.Module, maps: Sequence[int] | Sequence[str]) -> tuple[nn.Module, list[int]]:
    """The network up to the last map that is read, for what comes after would only cost, and each map's channels."""
    numbers = [one for one in maps if isinstance(one, int)]
    if numbers:
        stages = FeatureGetterNet(network, out_indices=tuple(numbers), prune=True)
        return stages, stages.feature_info.channels()
    layers = _Layers(network, [str(one) for one in maps])
    with torch.inference_mode():
        return layers, [one.shape[1] for one in layers.eval()(torch.zeros(1, 3, 64, 64))]


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

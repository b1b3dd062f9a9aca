"""Networks: backbones, ours or timm's, and one of our heads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from unmask.errors import RecipeError
from unmask.train.design import Backbone, Model
from unmask.train.discriminant import Discriminant
from unmask.train.heads import Dense, Places, Statistics
from unmask.train.hearing import HEARINGS, Hearing
from unmask.train.networks import OWN
from unmask.train.networks.timm_maps import timm_maps
from unmask.train.sights import SIGHTS
from unmask.train.temporal import Attentive, Recurrent, Temporal

Head = Places | Dense | Statistics | Discriminant | Temporal


class Eye(nn.Module):
    """What is shown to a backbone, the normalisation it was trained with, and the backbone, whose parts may be held.

    Args:
        maps: Gives a list of feature maps (N, C, h, w).
        network: The whole network, of which `maps` may be a part; its names say which parts are held.
        mean: Of the three colours, in units of 1 (not 255); of what is heard, in those of its sight.
        std: Likewise.
        sight: From pixels to what is shown instead; pixels where not given. From samples to what is heard.
        learn: What of that which is not held learns: "norm" are the weights of normalisation layers, and the sight's.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        maps: nn.Module,
        network: nn.Module,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        sight: nn.Module | None = None,
        learn: Literal["all", "norm"] = "all",
    ) -> None:
        super().__init__()
        self.sight = sight or nn.Identity()
        self.backbone = maps
        unit = self.sight.unit if isinstance(self.sight, Hearing) else 255.0
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1) * unit)
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1) * unit)
        self._named = (network,)  # in a tuple, so that its weights are not counted a second time
        self._held: list[nn.Module] = []
        self._learn = learn

    @property
    def network(self) -> nn.Module:
        """The whole network, by whose names parts are held and weights are loaded."""
        return self._named[0]

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Feature maps of float32 (N, 3, S, S) in 0 to 255, or of samples (N, T)."""
        maps: list[Tensor] = self.backbone((self.sight(pixels) - self.mean) / self.std)
        return maps

    def hold(self, parts: Sequence[str] | Literal["all"]) -> None:
        """From now on these parts, by the network's names, do not learn and the others do.

        What is held keeps its batch-norm statistics too, for as long as it is held, whatever `train` says.

        Raises:
            RecipeError: The network has no such part.
        """

        def inside(name: str) -> bool:
            return parts == "all" or any(name == part or name.startswith(f"{part}.") for part in parts)

        names = [name for name, _ in self.network.named_modules()] + [n for n, _ in self.network.named_parameters()]
        missing = [part for part in parts if part not in names] if parts != "all" else []
        if missing:
            there = ", ".join(dict.fromkeys(name.split(".")[0] for name in names if name))
            raise RecipeError(f"the network has no part {', '.join(missing)}; its parts are: {there}")
        norms = _norms(self.network)
        if self._learn == "norm" and not norms:
            raise RecipeError('the network has no normalisation that could learn: leave out learn = "norm"')
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(not inside(name) and (self._learn == "all" or name in norms))
        self.sight.requires_grad_(parts != "all")
        self._held = [module for name, module in self.network.named_modules() if inside(name)]
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Learn, or score; what is held only scores."""
        super().train(mode)
        for module in self._held:
            module.training = False  # not eval(): that would go on to parts which have thawed
        return self


class Detector(nn.Module):
    """uint8 pixels in, logit and heat map out.

    Args:
        eyes: Backbones, side by side.
        head: Makes a logit and an activation of all their feature maps.
    """

    def __init__(self, eyes: list[Eye], head: Head) -> None:
        super().__init__()
        self.eyes = nn.ModuleList(eyes)
        self.head = head

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Score a batch.

        Args:
            pixels: uint8 (N, S, S, 3) RGB; windows of looks (N, F, S, S, 3) for a temporal head; or samples of
                voices, float32 (N, T).

        Returns:
            Logits float32 (N,) and heat maps float32 (N, h, w), with logit = mean of the heat map + a constant; of
            windows, what each look adds, (N, F).
        """
        logit, activation = self.head(self.maps(pixels))
        return logit, activation

    def judge(self, described: Tensor) -> Tensor:
        """Logits float32 (N,) of what a `Describer` gave; a head of places has nothing to say to that."""
        assert not isinstance(self.head, Places)  # the recipe sees to it
        return self.head.judge(described)

    def maps(self, pixels: Tensor) -> list[Tensor]:
        """Feature maps (N, C, h, w) of uint8 (N, S, S, 3), of all eyes; of windows (N, F, C, h, w); of sound alike."""
        if pixels.ndim == 2:
            return [one for eye in self.eyes for one in eye(pixels)]
        if pixels.ndim == 5:
            return [one.reshape(*pixels.shape[:2], *one.shape[1:]) for one in self.maps(pixels.flatten(0, 1))]
        upright = pixels.permute(0, 3, 1, 2).float()
        return [one for eye in self.eyes for one in eye(upright)]


class Describer(nn.Module):
    """What a head reads of a batch of uint8 pixels: float32 (N, D); looks of videos are described one by one."""

    def __init__(self, model: Detector) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> Tensor:
        """Describe a batch."""
        assert not isinstance(self.model.head, Places)  # the recipe sees to it
        return self.model.head.describe(self.model.maps(pixels))


class Shown(nn.Module):
    """All that an exported graph gives, float32: logits (N,), activation (N, h, w) or (N, F), embedding (N, D).

    Args:
        models: One network, or several whose backbones are the same: these then compute once, and each head says the
            three of its own, one head after another.
    """

    def __init__(self, *models: Detector) -> None:
        super().__init__()
        self.models = nn.ModuleList(models)

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Score a batch, and place it among others."""
        models = cast("Sequence[Detector]", self.models)
        maps = models[0].maps(pixels)
        found: list[Tensor] = []
        for model in models:
            logit, activation = model.head(maps)
            found += [logit, activation, model.head.embed(maps)]
        return tuple(found)


def build(options: Model, weights: Sequence[Path | None] = ()) -> Detector:
    """A new network, with the recipe's initial weights and with those parts held that the first epoch holds.

    Args:
        options: The recipe's [model].
        weights: For each backbone the safetensors file that its `weights` names, found; None for "hub" and "none".

    Raises:
        RecipeError: Nobody knows such a backbone, it has no such stage or part, or the file does not fit it.
    """
    files = weights or [None] * len(options.backbones)
    eyes: list[Eye] = []
    channels: list[int] = []
    for backbone, file in zip(options.backbones, files, strict=True):
        eye, widths = _eye(backbone, file)
        eyes.append(eye)
        channels += widths
    return Detector(eyes, _head(options, channels))


def _head(options: Model, channels: Sequence[int]) -> Head:
    match options.head:
        case "places":
            return Places(channels, options.dropout)
        case "dense":
            return Dense(channels, options.hidden, options.dropout, options.batch_norm)
        case "statistics":
            return Statistics(channels, options.hidden, options.dropout, options.regions)
        case "discriminant":
            return Discriminant(channels, options.regions, _maps_together(options))
        case "recurrent":
            return _temporal(options, channels, Recurrent(options.hidden))
        case "attentive":
            return _temporal(options, channels, Attentive(options.hidden, options.dropout))
        case "alone":
            return _temporal(options, channels, nn.Identity())


def _maps_together(options: Model) -> list[list[int]]:
    """`together`, in numbers of maps: those of all backbones in a row."""
    owners = [number for number, backbone in enumerate(options.backbones) for _ in backbone.maps]
    return [[one for one, owner in enumerate(owners) if owner in numbers] for numbers in options.together]


def _temporal(options: Model, channels: Sequence[int], among: nn.Module) -> Temporal:
    return Temporal(channels, options.hidden, options.dropout, options.regions, among)


def hold(model: Detector, options: Model, epoch: int) -> None:
    """Hold still what the recipe holds still in an epoch, counted from 1, and let the rest learn."""
    for eye, backbone in zip(model.eyes, options.backbones, strict=True):
        cast("Eye", eye).hold(backbone.held(epoch))


def _eye(options: Backbone, weights: Path | None) -> tuple[Eye, list[int]]:
    """A backbone, and the channels of each map it gives."""
    try:
        if options.name in OWN:
            maps, network, channels, mean, std = _own(options)
        else:
            arguments = {**options.options, "pretrained": options.weights == "hub"}
            maps, channels, mean, std, network = timm_maps(options.name, arguments, options.maps)
    except RecipeError:
        raise
    except (RuntimeError, TypeError, ValueError, LookupError, AttributeError, AssertionError, OSError) as error:
        raise RecipeError(f'the backbone "{options.name}" cannot be built: {error}') from error
    if weights is not None:
        _load(network, weights)
    sight = HEARINGS[options.hears]() if options.hears else SIGHTS[options.sees]()
    eye = Eye(maps, network, options.mean or mean, options.std or std, sight, options.learn)
    eye.hold(options.held(1))
    return eye, channels


def _own(options: Backbone) -> tuple[nn.Module, nn.Module, list[int], tuple[float, ...], tuple[float, ...]]:
    if options.weights == "hub":
        raise RecipeError(f'there is no download for "{options.name}": give weights = "none" or a safetensors file')
    network = OWN[options.name](**options.options)
    there = range(len(network.channels))
    if not all(isinstance(one, int) and -len(there) <= one < len(there) for one in options.maps):
        raise RecipeError(f'the maps of "{options.name}" have numbers, from 0 to {len(there) - 1}; -1 is the last')
    network.keep([one for one in options.maps if isinstance(one, int)])
    return network, network, network.channels, network.mean, network.std


def _norms(network: nn.Module) -> set[str]:
    """The weights of normalisation layers, by name. Each library has its own classes of them, all called so."""
    return {
        name
        for layer, module in network.named_modules()
        if "norm" in type(module).__name__.lower()
        for name, _ in module.named_parameters(layer, recurse=False)
    }


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

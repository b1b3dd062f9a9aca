"""How fast each weight learns, and what is kept of it: schedules, groups of parameters, the moving average."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, cast

import torch
from timm.models import group_parameters
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from unmask.train.models import Detector, Eye, hold
from unmask.train.recipes import Recipe
from unmask.train.regime import Training

_WARMUP: Final = 0.1  # of all steps
_MOMENTUM: Final = 0.9


def optimizer(model: Detector, recipe: Recipe, objective: nn.Module | None = None) -> torch.optim.Optimizer:
    """The recipe's optimizer, over everything that learns in any epoch; see `pace` for its rates."""
    options = recipe.train
    parts = groups(model, recipe, objective)
    match options.optimizer:
        case "adamw":
            return torch.optim.AdamW(parts, lr=options.learning_rate)
        case "adam":
            return torch.optim.Adam(parts, lr=options.learning_rate)
        case "sgd":
            return torch.optim.SGD(parts, lr=options.learning_rate, momentum=_MOMENTUM)


def groups(model: Detector, recipe: Recipe, objective: nn.Module | None = None) -> list[dict[str, Any]]:
    """Parameters that learn at one pace: "scale" is theirs in units of the head's rate, "weight_decay" their decay.

    Biases and normalisation are not decayed. Layers of a backbone are those that timm tells apart, the blocks of a
    residual network for one; in our own networks they are its parts. What an objective has of its own
    learns as fast as the head.
    """
    options = recipe.train
    found: dict[tuple[float, float], list[nn.Parameter]] = {}

    def put(parameter: nn.Parameter, scale: float) -> None:
        decay = options.weight_decay if parameter.ndim > 1 else 0.0
        found.setdefault((scale, decay), []).append(parameter)

    for eye, backbone in zip(model.eyes, recipe.model.backbones, strict=True):
        eye = cast("Eye", eye)
        eye.hold(backbone.held(options.epochs))  # what never thaws needs no group
        used = {id(parameter) for parameter in eye.backbone.parameters()}
        depths = _depths(eye.network)
        deepest = max(depths.values(), default=0)
        for name, parameter in eye.network.named_parameters():
            if id(parameter) in used and parameter.requires_grad:
                put(parameter, options.backbone_rate * options.layer_decay ** (deepest + 1 - depths.get(name, 0)))
        for parameter in eye.sight.parameters():
            if parameter.requires_grad:
                put(parameter, options.backbone_rate)
    hold(model, recipe.model, epoch=1)
    for parameter in (*model.head.parameters(), *(objective.parameters() if objective else ())):
        put(parameter, 1.0)
    return [{"params": each, "scale": scale, "weight_decay": decay} for (scale, decay), each in found.items()]


def pace(optimizer: Any, options: Training, step: int, steps: int) -> float:
    """Set each group's learning rate for a step, and say the head's."""
    rate = options.learning_rate * schedule(options.schedule, step, steps)
    for group in optimizer.param_groups:
        group["lr"] = rate * group["scale"]
    return rate


def schedule(kind: str, step: int, steps: int) -> float:
    """The learning rate of a step, in units of its peak.

    "one-cycle" goes up from a tenth of the peak in the first tenth of the steps, then down along a cosine (after Smith
    & Topin 2018, arXiv:1708.07120, without the momentum); "cosine" only goes down (Loshchilov & Hutter 2017,
    arXiv:1608.03983, without restarts); "constant" stays.
    """
    if kind == "constant":
        return 1.0
    rise = max(1, round(steps * _WARMUP)) if kind == "one-cycle" else 0
    if step < rise:
        return 0.1 + 0.9 * step / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def staying(options: Training, done: int, steps: int) -> float:
    """How much of the average stays when the weights after so many steps of all join it.

    A moving average, which begins short and grows longer; in the last `average_epochs`, if there are any, the plain
    mean of all steps since they began (after Izmailov et al. 2018, arXiv:1803.05407).
    """
    tail = steps // options.epochs * min(options.average_epochs or 0, options.epochs)
    late = done - (steps - tail)
    return (late - 1) / late if late > 0 else min(options.average, done / (done + 9))


@torch.no_grad()
def follow(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Move the average towards the model, batch-norm statistics included; counts are copied."""
    mine, theirs = _floats(average), _floats(model)
    get_ema_multi_avg_fn(decay)(mine, theirs, 0)  # type: ignore[no-untyped-call]
    for a, b in zip(average.buffers(), model.buffers(), strict=True):
        if not a.dtype.is_floating_point:
            a.copy_(b)


def _floats(model: nn.Module) -> list[Tensor]:
    return [tensor for tensor in model.state_dict().values() if tensor.dtype.is_floating_point]


def _depths(network: nn.Module) -> Mapping[str, int]:
    """For each parameter how deep its layer lies; 0 is next to the pixels."""
    matcher = getattr(network, "group_matcher", None)
    if matcher is not None:
        found: dict[str, int] = group_parameters(network, matcher(coarse=False), reverse=True)
        return found
    order = {name: depth for depth, (name, _) in enumerate(network.named_children())}
    return {name: order.get(name.split(".")[0], 0) for name, _ in network.named_parameters()}

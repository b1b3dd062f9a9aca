"""Learning without labels: VICReg (Bardes et al. 2022, arXiv:2105.04906).

Two views of one picture shall be described alike (invariance), different pictures differently (variance), and no two
numbers of a description shall say the same (covariance). Unlike a contrastive loss it compares no picture with the
others of its batch, so it needs no large batch.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from unmask.train.models import Eye

_INVARIANCE: Final = 25.0
_VARIANCE: Final = 25.0
_COVARIANCE: Final = 1.0
_LEAST_VARIANCE: Final = 1e-4


class Terms(NamedTuple):
    """The loss, and what it is made of: scalars.

    Attributes:
        loss: What is to become small.
        apart: Mean squared difference between the two views of a picture.
        spread: Standard deviation of a number over the pictures, the mean of all numbers; 1 is wanted, and near 0 the
            network says the same of all pictures.
        overlap: How much the numbers say the same as each other.
    """

    loss: Tensor
    apart: Tensor
    spread: Tensor
    overlap: Tensor


class Student(nn.Module):
    """A backbone, and the expander in which its views are compared; the expander is thrown away afterwards.

    Args:
        eye: The backbone; all the maps that it gives learn.
        channels: Of all its maps together.
        width: Of the expander's three layers.
    """

    def __init__(self, eye: Eye, channels: int, width: int) -> None:
        super().__init__()
        self.eye = eye
        self.expander = nn.Sequential(*_layer(channels, width), *_layer(width, width), nn.Linear(width, width))

    def forward(self, pixels: Tensor) -> Tensor:
        """Descriptions (N, width) of uint8 (N, S, S, 3)."""
        maps = self.eye(pixels.permute(0, 3, 1, 2).float())
        described: Tensor = self.expander(torch.cat([one.mean(dim=(2, 3)) for one in maps], dim=1))
        return described


def vicreg(one: Tensor, other: Tensor) -> Terms:
    """The loss of two views of the same pictures: float (N, D) each, row by row, at least two."""
    apart = functional.mse_loss(one, other)
    spreads = [torch.sqrt(view.var(dim=0) + _LEAST_VARIANCE) for view in (one, other)]
    narrow = sum((functional.relu(1 - spread).mean() / 2 for spread in spreads), torch.zeros_like(apart))
    overlap = _overlap(one) + _overlap(other)
    loss = _INVARIANCE * apart + _VARIANCE * narrow + _COVARIANCE * overlap
    return Terms(loss, apart, torch.cat(spreads).mean(), overlap)


def _overlap(view: Tensor) -> Tensor:
    """The squares of the covariance matrix beside its diagonal, added up and divided by its width."""
    away = view - view.mean(dim=0)
    covariance = away.T @ away / (len(view) - 1)
    return (covariance.square().sum() - covariance.diagonal().square().sum()) / view.shape[1]


def _layer(inside: int, width: int) -> tuple[nn.Module, ...]:
    return nn.Linear(inside, width), nn.BatchNorm1d(width), nn.ReLU()

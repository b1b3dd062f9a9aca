"""A light convolutional network (Wu et al. 2018, arXiv:1511.02683), in the shape that anti-spoofing gave it.

Its units are compared in pairs and the larger speaks (max-feature-map): half the channels, and a choice between
filters instead of a threshold. The order of layers is that of Lavrentyeva et al. (2019, arXiv:1904.05576), which the
baselines of ASVspoof took over (Wang & Yamagishi 2021, arXiv:2103.11326). The LSTM layers of the latter are left out,
so that each place of the last map is a band and a moment, and the head's heat map says which of them spoke.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from unmask.train.networks.features import Features
from unmask.train.networks.stages import Stages


class Lcnn(Stages):
    """Four blocks of features (N, C, h, w), each ending in a map of half the height and half the width.

    Args:
        channels: Of the features.
        width: Channels of the published network are multiplied by this.
        dropout: On the last map, while training.
        masks: How much is hidden while training (`Features`).
        centred: Whether each row's mean over time is taken away (`Features`).
        stride: Of the first convolution, in time; 2 halves the cost.
    """

    mean: ClassVar[tuple[float, ...]] = (0.0,)
    std: ClassVar[tuple[float, ...]] = (1.0,)

    def __init__(
        self,
        channels: int = 3,
        width: float = 1.0,
        dropout: float = 0.5,
        masks: int = 0,
        centred: bool = False,
        stride: int = 1,
    ) -> None:
        a, b, c, d = (max(1, round(width * one)) for one in (32, 48, 64, 32))
        parts = {
            "features": Features(channels, masks, centred),
            "block_1": nn.Sequential(_Larger(channels, a, 5, stride), _halved()),
            "block_2": nn.Sequential(_pair(a, b), _halved(), nn.BatchNorm2d(b)),
            "block_3": nn.Sequential(_pair(b, c), _halved()),
            "block_4": nn.Sequential(
                _pair(c, d), nn.BatchNorm2d(d), _pair(d, d), _halved(), nn.BatchNorm2d(d), nn.Dropout(dropout)
            ),
        }
        super().__init__(parts, {"block_1": a, "block_2": b, "block_3": c, "block_4": d})


class _Larger(nn.Module):
    """A convolution of twice the channels, of each two of which the larger is kept."""

    def __init__(self, inside: int, out: int, side: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, 2 * out, side, stride=(1, stride), padding=side // 2)

    def forward(self, x: Tensor) -> Tensor:
        one, other = self.conv(x).chunk(2, dim=1)
        return torch.maximum(one, other)


def _pair(inside: int, out: int) -> nn.Sequential:
    """Mix the channels of each place, then look around it."""
    return nn.Sequential(_Larger(inside, inside, 1), nn.BatchNorm2d(inside), _Larger(inside, out, 3))


def _halved() -> nn.MaxPool2d:
    """An odd row or column at the end is kept: of 20 coefficients each counts."""
    return nn.MaxPool2d(2, ceil_mode=True)

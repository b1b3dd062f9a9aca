"""A plain convolutional network that learns from nothing: convolution, batch norm, ReLU, pooling.

The shape is that of the custom networks in published classifiers of real and generated faces (three to five blocks of
growing width), with what is known of their traces in mind:

- Traces are high-frequency (Durall et al. 2020, arXiv:2003.01826), so the first block looks at full resolution and
  nothing is pooled until its filters have spoken.
- Full resolution is where the cost lies, so that block is narrow; the width doubles as the side halves.
- A global average at the end (the head's) instead of a dense layer over places: the same trace counts wherever it is,
  and a few hundred thousand numbers are enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import nn

from unmask.train.networks.stages import Stages


class PlainCnn(Stages):
    """Blocks named block_1, block_2 and so on, each ending in a feature map; each but the first begins by pooling.

    Args:
        widths: Channels of each block.
        depths: Convolutions in each block.
    """

    mean: ClassVar[tuple[float, float, float]] = (0.5, 0.5, 0.5)
    std: ClassVar[tuple[float, float, float]] = (0.25, 0.25, 0.25)
    least_px: ClassVar[int] = 32

    def __init__(self, widths: Sequence[int] = (16, 32, 64, 128, 256), depths: Sequence[int] = (2, 1, 1, 1, 1)) -> None:
        before = (3, *widths[:-1])
        blocks = {
            f"block_{number}": _block(inside, width, depth, pooled=number > 1)
            for number, (inside, width, depth) in enumerate(zip(before, widths, depths, strict=True), start=1)
        }
        super().__init__(blocks, dict(zip(blocks, widths, strict=True)))
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")


def _block(before: int, width: int, depth: int, *, pooled: bool) -> nn.Sequential:
    layers: list[nn.Module] = [nn.MaxPool2d(2)] if pooled else []
    for number in range(depth):
        layers += [
            nn.Conv2d(width if number else before, width, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)

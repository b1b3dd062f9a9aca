"""The generator: an autoencoder without shortcuts, so that all that it draws went through its decoder.

Fully convolutional: it learns from small crops and works on any picture whose sides are multiples of its stride. There
is no normalisation layer, because statistics of small batches would differ from those of use, and no skip connection,
because one would carry the photo's own fine detail past the upsamplers whose traces are wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn

from unmask.train.generators.design import Network, Upsampler

_GROWTH: Final = (1, 2, 3, 4)
"""Channels after one halving, two, ..., in units of the recipe's width. Nothing but the three colours is ever held at
full resolution, and no block sits at half of it: those places are dear, and a picture must take a few milliseconds."""

_SLOPE: Final = 0.2
_RESIDUE: Final = 0.3
"""How much of a block is added to its input: the sum of blocks must not outgrow the picture when learning begins."""


class Autoencoder(nn.Module):
    """A photo to a few numbers per place, and back.

    Args:
        options: The recipe's [network].
    """

    def __init__(self, options: Network) -> None:
        super().__init__()
        widths = [options.width * growth for growth in _GROWTH[: options.depth]]
        upsampler = UPSAMPLERS[options.upsampler]
        self.stride = 2**options.depth
        down = [_halve(inside, out) for inside, out in pairwise((3, *widths))]
        self.encoder = nn.Sequential(*down, Residual(widths[-1]), nn.Conv2d(widths[-1], options.latent, 1))
        up: list[nn.Module] = [nn.Conv2d(options.latent, widths[-1], 3, padding=1), _bend(), Residual(widths[-1])]
        for inside, out in pairwise(reversed(widths)):
            up += [upsampler(inside, out), _bend()]
            if out > widths[0]:
                up.append(Residual(out))
        self.decoder = nn.Sequential(*up, upsampler(widths[0], 3))
        self.apply(_begin)

    def forward(self, pictures: Tensor) -> Tensor:
        """Draw pictures again.

        Args:
            pictures: float32 (N, 3, H, W) in -1 to 1, H and W multiples of `stride`.

        Returns:
            The same shape, about the same range; nothing is clipped, so that every error has a gradient.
        """
        drawn: Tensor = self.decoder(self.encoder(pictures))
        return drawn


class Graph(nn.Module):
    """The autoencoder as it is exported: pixels uint8 (N, H, W, 3) in, the same out."""

    def __init__(self, network: Autoencoder) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> Tensor:
        """Draw a batch again."""
        drawn: Tensor = self.network(pixels.permute(0, 3, 1, 2).float() / 127.5 - 1)
        return ((drawn + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


class Residual(nn.Module):
    """Two convolutions whose outcome is added to their input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), _bend(), nn.Conv2d(width, width, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """The same shape as `x`."""
        added: Tensor = self.body(x)
        return x + _RESIDUE * added


def _begin(layer: nn.Module) -> None:
    """Initial weights (He et al. 2015) under which signals keep their size; PyTorch's own let them fade away."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.kaiming_normal_(layer.weight, a=_SLOPE)
        assert layer.bias is not None
        nn.init.zeros_(layer.bias)


def _bend() -> nn.Module:
    return nn.LeakyReLU(_SLOPE)


def _halve(inside: int, out: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(inside, out, 4, stride=2, padding=1), _bend())


def _nearest(inside: int, out: int) -> nn.Module:
    return nn.Sequential(nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(inside, out, 3, padding=1))


def _bilinear(inside: int, out: int) -> nn.Module:
    smooth = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
    return nn.Sequential(smooth, nn.Conv2d(inside, out, 3, padding=1))


def _transposed(inside: int, out: int) -> nn.Module:
    return nn.ConvTranspose2d(inside, out, 4, stride=2, padding=1)


def _shuffle(inside: int, out: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(inside, 4 * out, 3, padding=1), nn.PixelShuffle(2))


UPSAMPLERS: Final[Mapping[Upsampler, Callable[[int, int], nn.Module]]] = {
    "nearest": _nearest,
    "bilinear": _bilinear,
    "transposed": _transposed,
    "shuffle": _shuffle,
}
"""What doubles the sides: repeated or blended places and a convolution, a convolution that spreads (its kernel is a
multiple of its stride, without which it draws a chequerboard at once: Odena et al. 2016), channels laid out as places
(Shi et al. 2016, arXiv:1609.05158)."""

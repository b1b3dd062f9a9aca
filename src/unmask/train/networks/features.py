"""The first part of networks of sounds: features at one scale, and what is hidden of them while the network learns."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

_WIDEST: Final = 0.2
"""Of the rows, or of the columns, that one mask may hide."""


class Features(nn.Module):
    """Normalise each channel; on request take away each row's mean, and hide bands and moments.

    Args:
        channels: Of the features (N, C, h, w).
        masks: So many bands of rows and so many stretches of columns are hidden while the network learns, each of a
            random width up to a fifth (SpecAugment, Park et al. 2019, arXiv:1904.08779). 0 hides nothing.
        centred: Whether to take from each row its mean over time. That removes what a microphone or a room adds alike
            everywhere (cepstral mean normalisation), and with it the average spectrum, in which vocoders differ too.
    """

    def __init__(self, channels: int, masks: int = 0, centred: bool = False) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self._masks = masks
        self._centred = centred

    def forward(self, features: Tensor) -> Tensor:
        """The same shape. What is hidden has the mean, 0."""
        if self._centred:
            features = features - features.mean(dim=3, keepdim=True)
        scaled: Tensor = self.norm(features)
        if self.training:
            for _ in range(self._masks):
                scaled = scaled * shown(scaled, 2) * shown(scaled, 3)
        return scaled


def shown(features: Tensor, axis: int) -> Tensor:
    """0 in one stretch of an axis, another for each of N, and 1 elsewhere; broadcasts to (N, C, h, w)."""
    count, size = features.shape[0], features.shape[axis]
    shape = [count, 1, 1, 1]
    width, place = torch.rand(2, *shape, device=features.device)
    places = torch.arange(size, device=features.device) / size
    places = places.view([size if one == axis else 1 for one in range(4)])
    start = place * (1 - _WIDEST * width)
    outside: Tensor = (places < start) | (places >= start + _WIDEST * width)
    return outside.float()

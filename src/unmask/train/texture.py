"""How much of each texture there is, and where: the statistics of feature maps over regions of a picture.

Generators and blends change how much texture there is more than where it is, and the spread of a channel over the
picture says how much (the same statistics carry style in Gatys et al. 2016). Few numbers a picture leave a head little
to learn by heart. Regions tell a face from what it was pasted into.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

from unmask.train.design import Region
from unmask.train.precision import in_full

_LEAST_VARIANCE: Final = 1e-5
_RADIUS: Final = 0.32  # of the centre, in sides of the picture: a face cut with a margin of 1.8 fills it
_SOFT: Final = 0.04  # of a side: how gently the centre ends


def width(channels: Sequence[int], regions: Sequence[Region]) -> int:
    """How many statistics there are."""
    return 2 * sum(channels) * len(regions)


def describe(maps: Sequence[Tensor], regions: Sequence[Region]) -> Tensor:
    """Mean and spread (standard deviation) of every channel (N, C, h, w) in each region: (N, width)."""
    return torch.cat([_Measured(one, regions).statistics() for one in maps], dim=1)


def places(maps: Sequence[Tensor], regions: Sequence[Region], slope: Tensor) -> Tensor:
    """How a logit would change if a place weighed more in the statistics.

    Args:
        maps: Of each (N, C, h, w).
        regions: As for `describe`.
        slope: What the logit gains by each statistic: (N, width), or (1, width).

    Returns:
        (N, h, w) in the resolution of the coarsest map, of mean 0.
    """
    rows, columns = min(maps, key=lambda one: one.shape[-1]).shape[-2:]
    local, start = torch.zeros(()), 0
    for one in maps:
        count = width([one.shape[1]], regions)
        gained = _Measured(one, regions).gained(slope[:, start : start + count])
        local = local + nn.functional.adaptive_avg_pool2d(gained, (rows, columns))
        start += count
    return local - local.mean(dim=(1, 2), keepdim=True)  # sides that do not divide overlap a little


class _Measured:
    """A feature map and its statistics, each (N, C, regions).

    All sums over places are products with a matrix of the regions' shares: one pass over a map that is large, where a
    sum for each region and statistic would take a dozen. Squares are taken around a point between the regions' means,
    so that little of a spread is lost where they are far from 0.
    """

    def __init__(self, one: Tensor, regions: Sequence[Region]) -> None:
        self._rows, self._columns = one.shape[-2:]
        shares = torch.stack([_share(region, self._rows, self._columns).flatten() for region in regions])
        self._shares = shares.to(one.device)
        with in_full(one):
            values = one.float().flatten(2)
            self._mean = values @ self._shares.T
            middle = self._mean.mean(dim=2, keepdim=True)
            self._away = values - middle
            self._square = self._away * self._away
            self._beside = self._mean - middle
            self._variance = (self._square @ self._shares.T - self._beside * self._beside).clamp(min=0.0)
            self._spread = torch.sqrt(self._variance + _LEAST_VARIANCE)

    def statistics(self) -> Tensor:
        """(N, regions x 2 x C): for each region its means, then its spreads."""
        return torch.stack([self._mean, self._spread], dim=1).permute(0, 3, 1, 2).flatten(1)

    def gained(self, slope: Tensor) -> Tensor:
        """What a logit gains by each place (N, h, w), of its slopes (N or 1, regions x 2 x C).

        By a place whose channel lies v from the mean, a mean gains v and a spread s gains (v^2 - s^2) / 2 s; multiplied
        out, both are products with what was measured.
        """
        to_mean, to_spread = slope.reshape(slope.shape[0], len(self._shares), 2, -1).permute(0, 2, 3, 1).unbind(dim=1)
        to_square = to_spread / (2 * self._spread)
        to_away = to_mean - 2 * to_square * self._beside
        constant = to_square * (self._beside * self._beside - self._variance) - to_mean * self._beside
        gained = to_away.mT @ self._away + to_square.mT @ self._square + constant.sum(dim=1)[:, :, None]
        local = (gained * self._shares).sum(dim=1) * self._shares.shape[1]
        return local.view(-1, self._rows, self._columns)


def _share(region: Region, rows: int, columns: int) -> Tensor:
    """What each place counts in a region, 1 in all: (rows, columns)."""
    if region == "all":
        return torch.full((rows, columns), 1 / (rows * columns))
    down, along = ((torch.arange(side) + 0.5) / side - 0.5 for side in (rows, columns))
    inside = torch.sigmoid((_RADIUS - torch.sqrt(down[:, None] ** 2 + along[None] ** 2)) / _SOFT)
    share = inside if region == "centre" else 1 - inside
    return share / share.sum()

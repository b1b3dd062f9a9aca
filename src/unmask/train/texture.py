"""How much of each texture there is, and where: the statistics of feature maps over regions of a picture.

Generators and blends change how much texture there is more than where it is, and the spread of a channel over the
picture says how much (the same statistics carry style in Gatys et al. 2016). Few numbers a picture leave a head little
to learn by heart. Regions tell a face from what it was pasted into.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import torch
from torch import Tensor, nn

from unmask.train.design import Region

_LEAST_VARIANCE: Final = 1e-5
_RADIUS: Final = 0.32  # of the centre, in sides of the picture: a face cut with a margin of 1.8 fills it
_SOFT: Final = 0.04  # of a side: how gently the centre ends


def width(channels: Sequence[int], regions: Sequence[Region]) -> int:
    """How many statistics there are."""
    return 2 * sum(channels) * len(regions)


def describe(maps: Sequence[Tensor], regions: Sequence[Region]) -> Tensor:
    """Mean and spread (standard deviation) of every channel (N, C, h, w) in each region: (N, width)."""
    return torch.cat([part for *_, mean, spread in _parts(maps, regions) for part in (mean, spread)], dim=1)


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
    for values, share, mean, spread in _parts(maps, regions):
        count = mean.shape[1]
        to_mean = slope[:, start : start + count, None, None]
        to_spread = slope[:, start + count : start + 2 * count, None, None]
        away = values - mean[:, :, None, None]
        square = away * away
        more = (square - (square * share).sum(dim=(2, 3), keepdim=True)) / (2 * spread[:, :, None, None])
        gained = ((to_mean * away + to_spread * more) * share).sum(dim=1, keepdim=True) * share.numel()
        local = local + nn.functional.adaptive_avg_pool2d(gained, (rows, columns))[:, 0]
        start += 2 * count
    return local - local.mean(dim=(1, 2), keepdim=True)  # sides that do not divide overlap a little


def _parts(maps: Sequence[Tensor], regions: Sequence[Region]) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """For each map and region: the map, the region's share of each place, and its mean and spread (N, C)."""
    for one in maps:
        values = one.float()
        for region in regions:
            share = _share(region, values.shape[-2], values.shape[-1]).to(values.device)
            mean = (values * share).sum(dim=(2, 3))
            variance = ((values - mean[:, :, None, None]) ** 2 * share).sum(dim=(2, 3))
            yield values, share, mean, torch.sqrt(variance + _LEAST_VARIANCE)


def _share(region: Region, rows: int, columns: int) -> Tensor:
    """What each place counts in a region, 1 in all: (rows, columns)."""
    if region == "all":
        return torch.full((rows, columns), 1 / (rows * columns))
    down, along = ((torch.arange(side) + 0.5) / side - 0.5 for side in (rows, columns))
    inside = torch.sigmoid((_RADIUS - torch.sqrt(down[:, None] ** 2 + along[None] ** 2)) / _SOFT)
    share = inside if region == "centre" else 1 - inside
    return share / share.sum()

"""Statistics over regions: as exact as sums over every place would be, also where numbers are far from 0."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from unmask.train import texture
from unmask.train.design import Region

SIDE = 28
REGIONS: list[list[Region]] = [["all"], ["centre", "surround"]]


def drawn(level: float, spread: float, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return level + spread * torch.randn(2, 5, SIDE, SIDE, generator=generator)


def summed(one: Tensor, regions: Sequence[Region]) -> Tensor:
    """What the module promises, summed place by place in double precision."""
    parts = []
    for region in regions:
        share = texture._share(region, SIDE, SIDE).double()
        mean = (one.double() * share).sum(dim=(2, 3))
        variance = ((one.double() - mean[:, :, None, None]) ** 2 * share).sum(dim=(2, 3))
        parts += [mean, torch.sqrt(variance + 1e-5)]
    return torch.cat(parts, dim=1)


@pytest.mark.parametrize("regions", REGIONS)
@pytest.mark.parametrize(("level", "spread"), [(0.0, 1.0), (0.0, 1e-3), (100.0, 0.1), (-3000.0, 5.0)])
def test_a_spread_is_not_lost_in_what_lies_far_from_zero(regions: list[Region], level: float, spread: float) -> None:
    one = drawn(level, spread)
    torch.testing.assert_close(texture.describe([one], regions).double(), summed(one, regions), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("regions", REGIONS)
def test_a_flat_map_has_the_least_spread_there_is(regions: list[Region]) -> None:
    found = texture.describe([torch.full((1, 5, SIDE, SIDE), 333.3)], regions).view(len(regions), 2, 5)
    torch.testing.assert_close(found[:, 0], torch.full((len(regions), 5), 333.3))
    torch.testing.assert_close(found[:, 1], torch.full((len(regions), 5), 1e-5**0.5), rtol=0.1, atol=0.0)


def test_maps_one_after_the_other_region_by_region_mean_before_spread() -> None:
    maps = [drawn(2.0, 1.0), drawn(7.0, 0.5, seed=1)[:, :3]]
    found = texture.describe(maps, ["centre", "surround"])
    assert found.shape == (2, texture.width([5, 3], ["centre", "surround"]))
    torch.testing.assert_close(found[:, :20], texture.describe(maps[:1], ["centre", "surround"]))
    torch.testing.assert_close(found[:, 20:23], texture.describe(maps[1:], ["centre"])[:, :3])
    torch.testing.assert_close(found[:, 29:], texture.describe(maps[1:], ["surround"])[:, 3:])


def test_a_network_that_learns_in_16_bit_is_still_described_in_full() -> None:
    one = drawn(100.0, 0.1)
    with torch.autocast("cpu", torch.bfloat16):
        found = texture.describe([one], ["centre", "surround"])
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, texture.describe([one], ["centre", "surround"]))

"""The light convolutional network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.train.networks.of_sounds import (
    contract_holds,
    every_weight_learns,
    graph_computes_the_same,
    loss_falls,
    maps_as_told,
)
from unmask.train.networks import OWN
from unmask.train.networks.lcnn import Lcnn


def small() -> Lcnn:
    torch.manual_seed(0)
    return Lcnn(width=0.25, dropout=0.0)


def test_a_recipe_may_name_it_and_it_keeps_the_contract() -> None:
    network = OWN["lcnn"]()
    contract_holds(network)
    assert network.channels == [32, 48, 64, 32]
    assert sum(one.numel() for one in network.parameters()) < 200_000


@pytest.mark.parametrize(("hears", "last"), [("lfcc", (2, 7)), ("log-mel", (5, 7)), ("spectrogram", (16, 7))])
def test_places_are_bands_and_moments(hears: str, last: tuple[int, int]) -> None:
    assert maps_as_told(small(), hears)[-1].shape[2:] == last


def test_it_takes_one_channel_and_may_step_in_time() -> None:
    maps = Lcnn(channels=1, width=0.25, stride=2).eval()(torch.randn(1, 1, 20, 400))
    assert maps[-1].shape == (1, 8, 2, 13)


def test_of_two_filters_the_larger_speaks() -> None:
    network = small().eval()
    first = dict(network.get_submodule("block_1.0.conv").named_parameters())
    with torch.no_grad():
        first["weight"].zero_()
        first["bias"].copy_(torch.arange(16.0))
        assert (network(torch.randn(1, 3, 20, 40))[0] == torch.arange(8.0, 16.0)[:, None, None]).all()


def test_what_is_not_kept_is_cut_off() -> None:
    network = small()
    network.keep([1])
    assert [name for name, _ in network.named_children()] == ["features", "block_1", "block_2"]


def test_all_of_it_learns() -> None:
    every_weight_learns(small(), "lfcc")


def test_a_few_steps_teach_it() -> None:
    loss_falls(small(), "lfcc")


def test_its_graph_computes_the_same(tmp_path: Path) -> None:
    graph_computes_the_same(Lcnn(width=0.25, masks=2, centred=True), "lfcc", tmp_path)

"""The convolutional network with a recurrent one behind it."""

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
from unmask.train.networks.cnn_gru import CnnGru


def small() -> CnnGru:
    torch.manual_seed(0)
    return CnnGru(widths=(4, 8, 8), hidden=8, dropout=0.0)


def test_a_recipe_may_name_it_and_it_keeps_the_contract() -> None:
    network = OWN["cnn_gru"]()
    contract_holds(network)
    assert network.channels == [16, 32, 64, 64, 128]


@pytest.mark.parametrize("hears", ["log-mel", "lfcc"])
def test_the_last_map_has_a_place_for_each_moment(hears: str) -> None:
    assert maps_as_told(small(), hears)[-1].shape == (3, 16, 1, 13)


def test_a_moment_knows_what_comes_before_and_after() -> None:
    network = small().eval()
    features = torch.randn(1, 3, 80, 400)
    with torch.no_grad():
        before = network(features)[-1]
        features[..., 204:210] += 5
        changed = (network(features)[-1] - before).abs().amax(dim=1)[0, 0]
    assert changed.argmax() in (25, 26)
    assert changed[22] > 0
    assert changed[30] > 0


def test_widths_beyond_its_steps_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        CnnGru(widths=(4, 4, 4, 4, 4))


def test_all_of_it_learns() -> None:
    every_weight_learns(small(), "log-mel")


def test_a_few_steps_teach_it() -> None:
    loss_falls(small(), "log-mel", rate=1e-2)


def test_its_graph_computes_the_same(tmp_path: Path) -> None:
    graph_computes_the_same(small(), "log-mel", tmp_path)

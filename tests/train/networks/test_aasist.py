"""The network that listens to samples, its filters and its graphs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from tests.train.networks.of_sounds import (
    contract_holds,
    every_weight_learns,
    graph_computes_the_same,
    loss_falls,
    maps_as_told,
    sounds,
)
from unmask.train.networks import OWN
from unmask.train.networks.aasist import Aasist, _band_passes
from unmask.train.networks.graphs import Graphs, _Keep
from unmask.types import RATE_HZ


def small() -> Aasist:
    torch.manual_seed(0)
    return Aasist(widths=(4, 4, 8, 8, 8, 8), graph_widths=(8, 8), pooled=4, dropout=0.0)


def test_a_recipe_may_name_it_and_it_is_as_large_as_the_small_one_of_the_paper() -> None:
    network = OWN["aasist"]()
    contract_holds(network)
    assert network.channels == [24, 160]
    assert 70_000 < sum(one.numel() for one in network.parameters()) < 100_000


def test_its_last_map_has_one_place() -> None:
    encoded, read = maps_as_told(small(), "waveform")
    assert encoded.shape == (3, 8, 23, 18)
    assert read.shape == (3, 40, 1, 1)


def test_each_filter_passes_its_band() -> None:
    waves = _band_passes()
    assert waves.shape == (69, 129)
    spectra = np.abs(np.fft.rfft(waves, 4096, axis=1))
    peaks_hz = spectra.argmax(axis=1) * RATE_HZ / 4096
    edges_hz = 700 * ((1 + 8000 / 700) ** (np.arange(70) / 69) - 1)
    clear = slice(10, None)  # lower bands are narrower than 129 samples can tell apart
    assert (peaks_hz > edges_hz[:-1] - 10)[clear].all()
    assert (peaks_hz < edges_hz[1:] + 10)[clear].all()
    np.testing.assert_allclose(spectra[65:].max(axis=1), 1, atol=0.15)


def test_a_tone_lights_up_its_band() -> None:
    samples, _ = sounds(2)
    with torch.no_grad():
        picture = Aasist().get_submodule("filters")(samples[:, None, None])
    assert picture.shape == (2, 1, 23, 500)
    hiss, tone = picture.mean(dim=(1, 3)) / picture.mean(dim=(1, 2, 3))[:, None]
    wanted = int(2595 * np.log10(1 + 3000 / 700) / (2595 * np.log10(1 + 8000 / 700)) * 23)
    assert (tone / hiss).argmax().item() == wanted


def test_only_the_best_nodes_are_kept_times_their_scores() -> None:
    keep = _Keep(2, 0.5).eval()
    with torch.no_grad():
        keep.score.weight.copy_(torch.tensor([[1.0, 0.0]]))
        keep.score.bias.zero_()
        nodes = torch.tensor([[[1.0, 5.0], [3.0, 6.0], [-1.0, 7.0], [2.0, 8.0]]])
        kept = keep(nodes)
    wanted = nodes[:, [1, 3]] * torch.sigmoid(nodes[:, [1, 3], :1])
    assert torch.allclose(kept, wanted)


def test_the_order_of_moments_says_nothing_to_the_graphs() -> None:
    torch.manual_seed(0)
    graphs = Graphs(8, bands=6, first_width=8, width=8, dropout=0.5).eval()
    encoded = torch.randn(2, 8, 6, 10)
    with torch.no_grad():
        assert torch.allclose(graphs(encoded), graphs(encoded.flip(3)), atol=1e-5)
        assert not torch.allclose(graphs(encoded), graphs(encoded.flip(2)), atol=1e-3)


def test_all_of_it_learns() -> None:
    every_weight_learns(small(), "waveform")


def test_a_few_steps_teach_it() -> None:
    loss_falls(small(), "waveform", steps=15)


def test_its_graph_computes_the_same(tmp_path: Path) -> None:
    graph_computes_the_same(small(), "waveform", tmp_path)

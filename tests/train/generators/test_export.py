"""The exported generator draws what the network draws, at any size, and its card says what it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.train.generators.tiny import generator
from unmask.errors import ExportError
from unmask.makers.generators import Generator, inside
from unmask.train.generators.export import compare, export
from unmask.train.generators.networks import Autoencoder, Graph


@dataclass(frozen=True)
class Made:
    """A network, and where it was exported to."""

    network: Autoencoder
    generator: Generator


@pytest.fixture(scope="module")
def made(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    recipe = generator(network={"upsampler": "bilinear"}, sources=["alpha"], held_out=True)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Autoencoder(recipe.network)
    return Made(network, export(recipe, network, prepared, tmp_path_factory.mktemp("generators"), {"all": 30.0}))


def test_the_card_says_what_it_is(made: Made) -> None:
    (found,) = inside(made.generator.graph.parent, held_out=True)
    assert found == made.generator
    assert (found.card.name, found.card.upsampler, found.card.depth) == ("tiny", "bilinear", 2)
    (source,) = found.card.sources
    assert (source.name, source.licence, source.items) == ("alpha (real)", "CC0", 4)


@pytest.mark.parametrize("size", [(1, 16, 80, 3), (3, 48, 32, 3)])
def test_the_graph_draws_what_the_network_draws_at_any_size(made: Made, size: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, size, np.uint8)
    with torch.inference_mode():
        wanted = Graph(made.network)(torch.from_numpy(pixels)).numpy()
    (drawn,) = made.generator.session().run(pixels).values()
    assert drawn.shape == size
    assert np.abs(drawn.astype(np.int16) - wanted).max() <= 1


def test_a_graph_of_another_network_is_refused(made: Made) -> None:
    other = Autoencoder(generator(network={"upsampler": "bilinear"}).network)
    with pytest.raises(ExportError, match="differs from the trained one"):
        compare(made.generator.graph, other)

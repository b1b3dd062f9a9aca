"""The autoencoder: every upsampler gives back the size it was given, and nothing goes past the latent numbers."""

from __future__ import annotations

from typing import get_args

import pytest
import torch

from tests.train.generators.tiny import generator
from unmask.train.generators.design import Upsampler
from unmask.train.generators.networks import UPSAMPLERS, Autoencoder, Graph


def autoencoder(**options: object) -> Autoencoder:
    torch.manual_seed(0)
    return Autoencoder(generator(network=options).network)


@pytest.mark.parametrize("upsampler", get_args(Upsampler))
@pytest.mark.parametrize("depth", [2, 3, 4])
def test_the_size_comes_back(upsampler: str, depth: int) -> None:
    network = autoencoder(upsampler=upsampler, depth=depth)
    pictures = torch.rand(2, 3, 32, 48)
    assert network(pictures).shape == pictures.shape
    assert network.encoder(pictures).shape == (2, 4, 32 // network.stride, 48 // network.stride)
    assert network.stride == 2**depth


def test_every_upsampler_of_a_recipe_exists() -> None:
    assert set(UPSAMPLERS) == set(get_args(Upsampler))


def test_all_that_is_drawn_went_through_the_latent_numbers() -> None:
    network = autoencoder()
    torch.nn.init.zeros_(network.get_parameter("encoder.3.weight"))
    one, other = network(torch.rand(2, 3, 32, 32))
    torch.testing.assert_close(one, other)


def test_the_graph_takes_pixels_and_gives_pixels() -> None:
    network = autoencoder()
    pixels = torch.randint(0, 256, (2, 32, 48, 3), dtype=torch.uint8)
    drawn = Graph(network)(pixels)
    assert drawn.dtype == torch.uint8
    assert drawn.shape == pixels.shape
    torch.nn.init.constant_(network.get_parameter("decoder.5.0.bias"), 50.0)  # far too bright is white, not black again
    assert (Graph(network)(pixels) == 255).all()

"""Networks of our own: one contract for all, and what is true of each alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from unmask.card import Cut
from unmask.errors import UsageError
from unmask.runtime import Session
from unmask.train.graph import write_graph
from unmask.train.networks import OF_PICTURES
from unmask.train.networks.inception_resnet_v1 import InceptionResnetV1
from unmask.train.networks.mobilefacenet import MobileFaceNet
from unmask.train.networks.plain_cnn import PlainCnn
from unmask.train.networks.stages import Stages

SIZES = {"plain_cnn": 64, "inception_resnet_v1": 96, "mobilefacenet": 112}


def small(name: str) -> Stages:
    """A network with every kind of part that it has, and as few of them as will do: graphs take long to write."""
    if name == "plain_cnn":
        return PlainCnn(widths=(4, 8), depths=(2, 1))
    if name == "inception_resnet_v1":
        network: Stages = InceptionResnetV1(repeats=(1, 1, 1))
        network.keep([3])
        return network
    network = MobileFaceNet()
    network.keep([1])
    return network


def test_every_network_of_ours_is_tested() -> None:
    assert SIZES.keys() == OF_PICTURES.keys()


def pictures(count: int, size_px: int) -> Tensor:
    return torch.randn((count, 3, size_px, size_px), generator=torch.Generator().manual_seed(0))


class OfPixels(nn.Module):
    """What a graph is made of: pixels as a detector takes them, normalised, to the last map that is kept."""

    def __init__(self, network: Stages) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> Tensor:
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (self.network.mean, self.network.std))
        maps: list[Tensor] = self.network((pixels.permute(0, 3, 1, 2).float() / 255 - mean) / std)
        return maps[-1]


@pytest.fixture(params=OF_PICTURES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def network(name: str) -> Stages:
    torch.manual_seed(0)
    return OF_PICTURES[name]().eval()


def test_maps_have_the_channels_it_tells_and_the_shallowest_is_first(network: Stages, name: str) -> None:
    with torch.no_grad():
        maps = network(pictures(2, SIZES[name]))
    assert [one.shape[:2] for one in maps] == [(2, channels) for channels in network.channels]
    sides = [one.shape[2:] for one in maps]
    assert sides == sorted(sides, reverse=True)
    assert all(height == width for height, width in sides)
    assert all(torch.isfinite(one).all() for one in maps)


def test_it_says_how_to_normalise_and_has_names_to_freeze_by(network: Stages) -> None:
    assert len(network.mean) == len(network.std) == 3
    assert all(0 <= value <= 1 for value in (*network.mean, *network.std))
    owners = {key.split(".")[0] for key in network.state_dict()}
    assert owners <= {part for part, _ in network.named_children()}
    assert len(owners) > 3


def test_what_is_not_kept_is_cut_off_and_the_rest_says_the_same(network: Stages, name: str) -> None:
    batch = pictures(2, SIZES[name])
    keys, channels = set(network.state_dict()), network.channels
    with torch.no_grad():
        before = network(batch)
        network.keep([1, 0])
        after = network(batch)
    assert network.channels == [channels[1], channels[0]]
    assert all(torch.equal(one, other) for one, other in zip(after, [before[1], before[0]], strict=True))
    assert set(network.state_dict()) < keys
    with pytest.raises(IndexError):
        network.keep([2])


def test_it_learns_from_top_to_bottom(network: Stages, name: str) -> None:
    network.train()
    network(pictures(2, SIZES[name]))[-1].square().sum().backward()
    assert [key for key, one in network.named_parameters() if one.grad is None] == []


def test_a_picture_too_small_is_one_sentence(network: Stages) -> None:
    with pytest.raises(UsageError, match=r"takes pictures .* px.* not 24: set cut\.size_px"):
        network(pictures(1, 24))


def test_its_graph_computes_the_same_for_any_batch(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = OfPixels(small(name).eval())
    write_graph(model, ["map"], Cut(kind="patch", size_px=SIZES[name]), tmp_path / "model.onnx")
    pixels = np.random.default_rng(0).integers(0, 256, (3, SIZES[name], SIZES[name], 3), np.uint8)
    with torch.no_grad():
        wanted = model(torch.from_numpy(pixels)).numpy()
    assert np.abs(wanted).max() > 0.01
    assert np.abs(Session(tmp_path / "model.onnx").run(pixels)["map"] - wanted).max() < 1e-3


class TestPlainCnn:
    def test_its_first_block_keeps_full_resolution_and_it_is_small(self) -> None:
        network = PlainCnn().eval()
        with torch.no_grad():
            assert [one.shape[-1] for one in network(pictures(1, 128))] == [128, 64, 32, 16, 8]
        assert sum(one.numel() for one in network.parameters()) < 1_000_000

    def test_widths_and_depths_are_chosen(self) -> None:
        network = PlainCnn(widths=(4, 8, 12), depths=(1, 2, 3))
        assert network.channels == [4, 8, 12]
        assert [sum(isinstance(one, nn.Conv2d) for one in part.modules()) for part in network.children()] == [1, 2, 3]

    def test_widths_without_a_depth_are_refused(self) -> None:
        with pytest.raises(ValueError, match="shorter"):
            PlainCnn(widths=(4, 8), depths=(1,))


class TestInceptionResnetV1:
    """Against the published network: facenet-pytorch counts 23,482,624 numbers without the classifier."""

    def test_it_has_the_published_number_of_parameters(self) -> None:
        network = OF_PICTURES["inception_resnet_v1"]()
        assert sum(one.numel() for one in network.parameters()) == 23_482_624

    def test_it_has_the_published_keys_and_shapes(self) -> None:
        state = OF_PICTURES["inception_resnet_v1"]().state_dict()
        shapes: dict[str, tuple[int, ...]] = {
            "conv2d_1a.conv.weight": (32, 3, 3, 3),
            "conv2d_4b.bn.running_var": (256,),
            "repeat_1.4.branch2.2.conv.weight": (32, 32, 3, 3),
            "repeat_1.0.conv2d.bias": (256,),
            "mixed_6a.branch1.2.conv.weight": (256, 192, 3, 3),
            "repeat_2.9.branch1.1.conv.weight": (128, 128, 1, 7),
            "repeat_2.9.branch1.2.conv.weight": (128, 128, 7, 1),
            "mixed_7a.branch2.2.bn.weight": (256,),
            "repeat_3.4.branch0.conv.weight": (192, 1792, 1, 1),
            "block8.conv2d.weight": (1792, 384, 1, 1),
            "last_linear.weight": (512, 1792),
            "last_bn.num_batches_tracked": (),
        }
        assert {key: tuple(state[key].shape) for key in shapes} == shapes
        assert len(state) == 714
        assert "last_linear.bias" not in state

    def test_pixels_come_from_minus_one_to_one(self) -> None:
        mean, std = InceptionResnetV1.mean[0], InceptionResnetV1.std[0]
        ends = (np.array([0, 127.5, 255]) / 255 - mean) / std
        np.testing.assert_allclose(ends, [-127.5 / 128, 0, 127.5 / 128], atol=1e-12)

    def test_the_least_size_is_the_least_that_works(self) -> None:
        network: Any = OF_PICTURES["inception_resnet_v1"]().eval()
        with torch.no_grad():
            assert network(pictures(1, network.least_px))[-1].shape == (1, 512, 1, 1)
            network.least_px = 1
            with pytest.raises(RuntimeError, match="Kernel size"):
                network(pictures(1, 74))


class TestMobileFaceNet:
    def test_it_takes_one_size_only(self) -> None:
        with pytest.raises(UsageError, match=r"MobileFaceNet takes pictures of 112 px, not 128: set cut\.size_px"):
            MobileFaceNet()(pictures(1, 128))

    def test_it_has_as_many_numbers_as_the_published_graph_in_as_many_tensors(self) -> None:
        state = MobileFaceNet().state_dict()
        assert len(state) == 102
        assert sum(one.numel() for one in state.values()) == 989_952

"""Feature maps of timm's networks: channels first, as many as it says, and the same weights as the whole network."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from torch import Tensor, nn

from unmask.card import Cut
from unmask.errors import RecipeError
from unmask.runtime import Session
from unmask.train.graph import write_graph
from unmask.train.networks.timm_maps import Maps, timm_maps

CBAM = {"block_args": {"attn_layer": "cbam"}}


@dataclass(frozen=True)
class Case:
    """A network, and the shapes (C, h, w) of its maps of pictures of 64 px."""

    name: str
    shapes: tuple[tuple[int, int, int], ...]
    options: dict[str, Any] = field(default_factory=dict)
    maps: tuple[int, ...] | tuple[str, ...] = (-1,)
    depth: dict[str, Any] = field(default_factory=dict)  # options that only make the test quick

    def build(self) -> Maps:
        torch.manual_seed(0)
        return timm_maps(self.name, {**self.options, **self.depth}, self.maps)


SIZED = {"img_size": 64}
CASES = (
    Case("mobilenetv2_100", ((320, 2, 2),)),
    Case("mobilenetv2_100", ((24, 16, 16), (320, 2, 2)), maps=(1, -1)),
    Case("efficientnet_lite0", ((40, 8, 8), (112, 4, 4)), maps=("blocks.2", "blocks.4")),
    Case("efficientnet_b0", ((320, 2, 2),)),
    Case("resnet18", ((512, 2, 2),)),
    Case("resnet50", ((2048, 2, 2),)),
    Case("seresnet18", ((512, 2, 2),)),
    Case("resnet18", ((512, 2, 2),), CBAM),
    Case("vgg16", ((512, 2, 2),), depth={"mlp_ratio": 0.01}),
    Case("vgg16_bn", ((512, 2, 2),), depth={"mlp_ratio": 0.01}),
    Case("legacy_xception", ((2048, 2, 2),)),
    Case("xception41", ((2048, 2, 2),)),
    Case("vit_tiny_patch16_224", ((192, 4, 4),), SIZED, depth={"depth": 2}),
    Case("vit_tiny_patch16_224", ((192, 4, 4), (192, 4, 4)), SIZED, ("blocks.0", "blocks.1"), {"depth": 2}),
    Case("deit_tiny_patch16_224", ((192, 4, 4),), SIZED, depth={"depth": 2}),
    Case("convnext_atto", ((320, 2, 2),)),
    Case("swin_tiny_patch4_window7_224", ((768, 2, 2),), SIZED, depth={"depths": (1, 1, 1, 1)}),
    Case(
        "swin_tiny_patch4_window7_224",
        ((96, 16, 16), (192, 8, 8)),
        SIZED,
        ("patch_embed.proj", "layers.1"),
        {"depths": (1, 1, 1, 1)},
    ),
    Case("mobilevit_xxs", ((320, 2, 2),)),
    Case("edgenext_xx_small", ((168, 2, 2),)),
)


def pictures(count: int = 2) -> Tensor:
    return torch.randn((count, 3, 64, 64), generator=torch.Generator().manual_seed(0))


def label(case: Case) -> str:
    return f"{case.name}{'-cbam' if case.options == CBAM else ''}-{'-'.join(map(str, case.maps))}"


@pytest.mark.parametrize("case", CASES, ids=label)
def test_maps_come_channels_first_with_the_channels_it_tells(case: Case) -> None:
    found = case.build()
    with torch.no_grad():
        maps = found.backbone.eval()(pictures())
    assert [tuple(one.shape) for one in maps] == [(2, *shape) for shape in case.shapes]
    assert found.channels == [shape[0] for shape in case.shapes]
    assert len(found.mean) == len(found.std) == 3


@pytest.mark.parametrize(
    ("name", "options", "layers"),
    [
        ("resnet10t", {}, ("layer1", "layer2")),
        ("vit_tiny_patch16_224", {**SIZED, "depth": 2}, ("blocks.0", "blocks.1")),
        ("swin_tiny_patch4_window7_224", {**SIZED, "depths": (1, 1, 1, 1)}, ("layers.0", "layers.1")),
    ],
)
def test_a_map_by_its_layer_is_the_map_by_its_number(
    name: str, options: dict[str, Any], layers: tuple[str, ...]
) -> None:
    numbers = (1, 2) if name == "resnet10t" else (0, 1)
    by_number, by_name = timm_maps(name, options, numbers), timm_maps(name, options, layers)
    state = by_name.network.state_dict()
    by_number.network.load_state_dict({key: state[key] for key in by_number.network.state_dict()})
    with torch.no_grad():
        pairs = zip(by_number.backbone.eval()(pictures()), by_name.backbone.eval()(pictures()), strict=True)
        for one, other in pairs:
            torch.testing.assert_close(one, other)


@pytest.mark.parametrize("maps", [(-1,), ("layer3", "layer4")], ids=str)
def test_weights_and_frozen_parts_of_the_whole_network_are_those_of_the_backbone(maps: Any) -> None:
    found = timm_maps("resnet10t", {}, maps)
    torch.manual_seed(7)
    whole: Any = timm.create_model("resnet10t", num_classes=0).eval()
    state = whole.state_dict()
    found.network.load_state_dict({name: state[name] for name in found.network.state_dict()})
    with torch.no_grad():
        torch.testing.assert_close(found.backbone.eval()(pictures())[-1], whole.forward_features(pictures()))
    found.network.get_submodule("layer4").requires_grad_(False)
    frozen = [name for name, one in found.backbone.named_parameters() if not one.requires_grad]
    assert len(frozen) == sum(name.startswith("layer4.") for name, _ in whole.named_parameters())


def test_what_lies_behind_the_last_map_is_cut_off() -> None:
    assert "conv_head.weight" not in timm_maps("mobilenetv2_100", {}, (-1,)).network.state_dict()
    early = timm_maps("resnet10t", {}, (1,)).network
    assert not [name for name, _ in early.named_parameters() if name.startswith(("layer2", "layer3", "layer4"))]


def test_a_transformer_ends_in_its_norm_and_an_earlier_map_does_not() -> None:
    case = {**SIZED, "depth": 2}
    with torch.no_grad():
        last = timm_maps("vit_tiny_patch16_224", case, (-1,)).backbone.eval()(pictures())[0]
        first = timm_maps("vit_tiny_patch16_224", case, (0,)).backbone.eval()(pictures())[0]
    torch.testing.assert_close(last.mean(dim=1), torch.zeros(2, 4, 4), atol=1e-4, rtol=0)
    assert first.mean(dim=1).abs().max() > 1e-3


class Foreign(nn.Module):
    """A network that somebody else registered: it knows no stages."""

    def __init__(self, shape: str) -> None:
        super().__init__()
        self.pretrained_cfg = {"input_size": (3, 64, 64), "mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6)}
        self.shape = shape
        self.output_fmt = "NHWC" if shape == "NHWC" else "NCHW"
        self.stem = nn.Conv2d(3, 5, 16, stride=16)

    def forward_features(self, pixels: Tensor) -> Tensor:
        found: Tensor = self.stem(pixels)
        turned = {"NHWC": found.permute(0, 2, 3, 1), "tokens": found.flatten(2).transpose(1, 2)}
        return {**turned, "NCHW": found, "one": found.mean(dim=(2, 3)), "odd": turned["tokens"][:, 1:]}[self.shape]


class TestForeign:
    @pytest.fixture(params=["NCHW", "NHWC", "tokens"])
    def network(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Foreign:
        return self.registered(request.param, monkeypatch)

    def registered(self, shape: str, monkeypatch: pytest.MonkeyPatch) -> Foreign:
        network = Foreign(shape)
        monkeypatch.setattr(timm, "create_model", lambda *_, **__: network)
        return network

    def test_its_last_map_is_what_its_features_are(self, network: Foreign) -> None:
        found = timm_maps("foreign", {}, (-1,))
        with torch.no_grad():
            assert torch.equal(found.backbone(pictures())[0], network.stem(pictures()))
        assert (found.channels, found.mean, found.std) == ([5], (0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
        assert found.network is network
        assert network.training, "trying it changes nothing"

    def test_one_vector_is_a_map_of_one_place(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.registered("one", monkeypatch)
        assert timm_maps("foreign", {}, (-1,)).backbone(pictures())[0].shape == (2, 5, 1, 1)

    def test_tokens_that_make_no_square_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.registered("odd", monkeypatch)
        with pytest.raises(RecipeError, match="15 tokens make no square map"):
            timm_maps("foreign", {}, (-1,))

    def test_of_its_maps_only_the_last_has_a_number(self, network: Foreign) -> None:
        assert network is not None
        with pytest.raises(RecipeError, match=r"only gives its last map by number: write maps = \[-1\]"):
            timm_maps("foreign", {}, (0, -1))


@pytest.mark.parametrize(
    ("name", "options", "maps"),
    [
        ("efficientnet_b99", {}, (-1,)),
        ("resnet10t", {"typo": 1}, (-1,)),
        ("resnet10t", {}, (9,)),
        ("resnet10t", {}, ("layer9",)),
    ],
)
def test_what_timm_does_not_know_is_one_sentence(name: str, options: dict[str, Any], maps: Any) -> None:
    with pytest.raises(RecipeError, match=f'the backbone "{name}" cannot be built: .'):
        timm_maps(name, options, maps)


class OfPixels(nn.Module):
    """Pixels as a detector takes them to the last map."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, pixels: Tensor) -> Tensor:
        maps: list[Tensor] = self.backbone(pixels.permute(0, 3, 1, 2).float() / 128 - 1)
        return maps[-1]


@pytest.mark.parametrize(
    "case",
    [
        Case("resnet10t", ((512, 2, 2),), CBAM),
        Case("vit_tiny_patch16_224", ((192, 4, 4),), SIZED, depth={"depth": 1}),
        Case("vit_tiny_patch16_224", ((192, 4, 4),), SIZED, ("blocks.0",), {"depth": 1}),
    ],
    ids=label,
)
def test_its_graph_computes_the_same_for_any_batch(case: Case, tmp_path: Path) -> None:
    model = OfPixels(case.build().backbone).eval()
    write_graph(model, ["map"], Cut(kind="patch", size_px=64), tmp_path / "model.onnx")
    pixels = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    with torch.no_grad():
        wanted = model(torch.from_numpy(pixels)).numpy()
    assert wanted.shape == (3, *case.shapes[0])
    assert np.abs(Session(tmp_path / "model.onnx").run(pixels)["map"] - wanted).max() < 1e-3

"""Networks: the heat map adds up to the logit, what is frozen stays, and misfit weights are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from tests.train.tiny import BACKBONE, backbone
from unmask.errors import RecipeError
from unmask.train.design import Model
from unmask.train.heads import Places, Statistics
from unmask.train.models import Describer, Detector, Eye, Shown, build, hold, parameters

OWN = Model.model_validate({"backbones": [backbone(weights="own.safetensors")]})


def model(*others: dict[str, Any], head: str = "places", dropout: float = 0.2, **options: Any) -> Detector:
    """A network of the tiny backbone with these options, and of other backbones beside it."""
    torch.manual_seed(0)
    eyes = [backbone(**options), *others]
    return build(Model.model_validate({"backbones": eyes, "head": head, "hidden": 8, "dropout": dropout}))


def eye(network: Detector, number: int = 0) -> Eye:
    found = network.eyes[number]
    assert isinstance(found, Eye)
    return found


def pixels(count: int = 2, size_px: int = 64) -> Tensor:
    values = np.random.default_rng(0).integers(0, 256, (count, size_px, size_px, 3), np.uint8)
    return torch.from_numpy(values)


@pytest.mark.parametrize(
    "name", [BACKBONE, "test_resnet", "test_convnext", "test_vit", "mobilenetv2_100"], ids=lambda name: name
)
def test_the_heat_map_adds_up_to_the_logit(name: str) -> None:
    network = model(name=name).eval()
    assert isinstance(network.head, Places)
    with torch.no_grad():
        network.head.constant.fill_(0.7)
        logit, activation = network(pixels(3))
    assert logit.dtype == activation.dtype == torch.float32
    assert logit.shape == (3,)
    assert activation.ndim == 3
    torch.testing.assert_close(logit, activation.mean(dim=(1, 2)) + 0.7)
    assert activation.std() > 0


@pytest.mark.parametrize("head", ["places", "dense", "statistics"])
def test_pictures_of_a_batch_do_not_touch_each_other(head: str) -> None:
    network = model(head=head).eval()
    batch = pixels(4)
    with torch.no_grad():
        together, _ = network(batch)
        alone = torch.cat([network(one[None])[0] for one in batch])
    torch.testing.assert_close(together, alone)


def test_pixels_are_normalised_as_the_backbone_was_trained() -> None:
    seen: list[Tensor] = []
    batch = pixels()
    own: dict[str, Any] = {"mean": (0.5, 0.4, 0.3), "std": (0.1, 0.2, 0.3)}
    timms: dict[str, Any] = {}
    for options, mean, std in (
        (timms, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        (own, (0.5, 0.4, 0.3), (0.1, 0.2, 0.3)),
    ):
        network = model(**options).eval()
        eye(network).backbone.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        with torch.no_grad():
            network(batch)
        expected = (batch.permute(0, 3, 1, 2) / 255 - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(
            3, 1, 1
        )
        torch.testing.assert_close(seen[-1], expected, atol=1e-5, rtol=1e-5)


def test_a_graph_shows_logit_map_and_embedding() -> None:
    network = model(head="dense").eval()
    with torch.no_grad():
        logit, activation, embedding = Shown(network)(pixels(3))
        assert torch.equal(logit, network(pixels(3))[0])
        assert torch.equal(activation, network(pixels(3))[1])
        torch.testing.assert_close(embedding, network.maps(pixels(3))[-1].mean(dim=(2, 3)))


class TestOurOwn:
    """Networks that timm does not have, by the same words in a recipe."""

    def own(self, **options: Any) -> Detector:
        return build(Model.model_validate({"backbone": {"name": "plain_cnn", "weights": "none", **options}}))

    def test_it_scores_and_freezes_like_any_other(self) -> None:
        network = self.own().eval()
        first = next(name for name, _ in eye(network).network.named_children())
        with torch.no_grad():
            logit, activation = network(pixels(3))
        torch.testing.assert_close(logit, activation.mean(dim=(1, 2)) + network.head.constant)
        assert parameters(self.own(freeze=[first])) < parameters(network)
        assert parameters(self.own(maps=[0])) < parameters(network), "what lies behind the last map is cut off"

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"weights": "hub"}, "no download for"),
            ({"maps": [99]}, "have numbers, from 0 to"),
            ({"maps": ["first"]}, "have numbers, from 0 to"),
            ({"options": {"typo": 1}}, "cannot be built"),
        ],
    )
    def test_what_it_cannot_is_one_sentence(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(RecipeError, match=message):
            self.own(**options)


def test_an_earlier_stage_resolves_more_and_costs_less() -> None:
    early, late = model(maps=[1]).eval(), model().eval()
    with torch.no_grad():
        assert early(pixels())[1].shape == (2, 16, 16)
        assert late(pixels())[1].shape == (2, 2, 2)
    assert parameters(early) < parameters(late), "what lies behind it is cut off"


def test_dropout_is_for_training_only() -> None:
    network = model(dropout=0.5)
    batch = pixels()
    with torch.no_grad():
        network.train()
        for layer in eye(network).modules():
            layer.eval()
        assert not torch.equal(network(batch)[0], network(batch)[0])
        network.eval()
        assert torch.equal(network(batch)[0], network(batch)[0])


class TestMaps:
    """Which feature maps a head reads, and of how many backbones."""

    LAYERS = ("blocks.1", "blocks.3")

    def test_they_are_those_named_and_all_are_described(self) -> None:
        network = model(backbone(maps=[-1]), head="statistics", maps=self.LAYERS).eval()
        with torch.no_grad():
            found = network.maps(pixels())
            assert [tuple(one.shape) for one in found] == [(2, 24, 16, 16), (2, 48, 4, 4), (2, 64, 2, 2)]
            described = Describer(network)(pixels())
            assert isinstance(network.head, Statistics)
            assert torch.equal(described, network.head.describe(found))
            logit, activation = network(pixels())
            assert torch.equal(network.judge(described), logit)
        assert activation.shape == (2, 2, 2)
        torch.testing.assert_close(activation.mean(dim=(1, 2)), logit)

    def test_a_layer_by_its_name_gives_what_it_gave_in_the_whole_network(self) -> None:
        network = model(head="statistics", maps=self.LAYERS).eval()
        torch.manual_seed(0)
        whole: Any = timm.create_model(BACKBONE, num_classes=0).eval()
        given: list[Tensor] = []
        for number in (1, 3):
            whole.blocks[number].register_forward_hook(lambda module, inputs, output: given.append(output))
        with torch.no_grad():
            whole((pixels().permute(0, 3, 1, 2).float() - eye(network).mean) / eye(network).std)
            for mine, theirs in zip(network.maps(pixels()), given, strict=True):
                torch.testing.assert_close(mine, theirs)

    def test_what_lies_behind_the_last_of_them_is_cut_off(self) -> None:
        names = set(model(head="statistics", maps=self.LAYERS[:1]).state_dict())
        assert any("blocks.1." in name for name in names)
        assert not [name for name in names if "blocks.2." in name or "conv_head" in name]

    def test_each_backbone_normalises_for_itself_and_has_weights_of_its_own(self, tmp_path: Path) -> None:
        torch.manual_seed(1)
        state = dict(timm.create_model(BACKBONE).state_dict())
        save_file(state, tmp_path / "own.safetensors")
        eyes = [backbone(), backbone(weights="own.safetensors", mean=[0.5] * 3, std=[0.25] * 3)]
        options = Model.model_validate({"backbones": eyes, "head": "statistics"})
        network = build(options, [None, tmp_path / "own.safetensors"])
        first, second = eye(network, 0), eye(network, 1)
        assert torch.equal(second.backbone.state_dict()["model.conv_stem.weight"], state["conv_stem.weight"])
        assert not torch.equal(first.backbone.state_dict()["model.conv_stem.weight"], state["conv_stem.weight"])
        torch.testing.assert_close(first.mean.flatten(), torch.tensor([0.485, 0.456, 0.406]) * 255)
        torch.testing.assert_close(second.mean.flatten(), torch.full((3,), 127.5))
        torch.testing.assert_close(second.std.flatten(), torch.full((3,), 63.75))


class TestFrozen:
    FROZEN = ("conv_stem", "bn1", "blocks.0")

    def test_what_is_frozen_stays_while_the_rest_learns(self) -> None:
        network = model(freeze=self.FROZEN, dropout=0.0)
        before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        optimizer = torch.optim.AdamW(network.parameters(), lr=0.1, weight_decay=0.1)
        network.train()
        for _ in range(2):
            network(pixels())[0].sum().backward()
            optimizer.step()
            optimizer.zero_grad()
        after = network.state_dict()
        frozen = {name for name in before if name.removeprefix("eyes.0.backbone.model.").startswith(self.FROZEN)}
        assert any("running_mean" in name for name in frozen), "the statistics of batch norm count as well"
        assert frozen == {name for name in frozen if torch.equal(before[name], after[name])}
        learnt = {name for name in before if not torch.equal(before[name], after[name])}
        assert {"head.constant", "head.place_score.weight"} <= learnt
        assert any("blocks.1" in name and "running_mean" in name for name in learnt)

    def test_a_backbone_frozen_whole_stays_beside_one_that_learns(self) -> None:
        network = model(backbone(maps=[1]), head="statistics", freeze="all", maps=[1])
        before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        optimizer = torch.optim.AdamW(network.parameters(), lr=0.1, weight_decay=0.1)
        network.train()
        for _ in range(2):
            network(pixels(4))[0].sum().backward()
            optimizer.step()
            optimizer.zero_grad()
        changed = {name for name, tensor in network.state_dict().items() if not torch.equal(before[name], tensor)}
        assert not [name for name in changed if name.startswith("eyes.0.")], "its batch norm does not learn either"
        assert any(name.startswith("eyes.1.") and "running_mean" in name for name in changed)
        assert {"head.hidden.weight", "head.scale.running_mean"} <= changed

    def test_frozen_whole_only_the_head_is_counted(self) -> None:
        network = model(head="statistics", freeze="all")
        assert isinstance(network.head, Statistics)
        assert parameters(network) == 2 * 64 * 8 + 8 + 8 + 1 == parameters(network.head)

    def test_frozen_numbers_are_not_counted(self) -> None:
        free, partly = model(), model(freeze=self.FROZEN)
        assert 0 < parameters(partly) < parameters(free) == sum(p.numel() for p in free.parameters())

    def test_parts_thaw_in_their_epoch_and_statistics_with_them(self) -> None:
        options = Model.model_validate(
            {"backbone": backbone(freeze=["conv_stem", "bn1", "blocks.0"], thaw={"blocks.0": 3}), "dropout": 0.0}
        )
        torch.manual_seed(0)
        network = build(options).train()
        learnt = []
        for epoch in (2, 3):
            hold(network, options, epoch)
            before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
            network.zero_grad()
            network(pixels())[0].sum().backward()
            torch.optim.SGD([one for one in network.parameters() if one.requires_grad], lr=0.1).step()
            changed = {name for name, tensor in network.state_dict().items() if not torch.equal(before[name], tensor)}
            learnt.append(sorted(name for name in changed if "blocks.0." in name))
            assert not [name for name in changed if "conv_stem" in name or ".model.bn1." in name]
        assert learnt[0] == []
        assert any("running_mean" in name for name in learnt[1])
        assert any("weight" in name for name in learnt[1])

    def test_freezing_does_not_change_what_is_computed(self) -> None:
        free, partly = model().eval(), model(freeze=self.FROZEN).eval()
        with torch.no_grad():
            torch.testing.assert_close(free(pixels())[0], partly(pixels())[0])


@pytest.mark.parametrize(
    "options",
    [
        {"name": "efficientnet_b99"},
        {"maps": [9]},
        {"maps": ["blocks.99"]},
        {"options": {"pad_typo": "same"}},
    ],
    ids=str,
)
def test_what_timm_does_not_know_is_one_sentence(options: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match=rf'the backbone "{options.get("name", BACKBONE)}" cannot be built: .'):
        model(**options)


def test_a_part_that_is_not_there_lists_those_that_are() -> None:
    with pytest.raises(RecipeError, match=r"no part blocks\.99, encoder; its parts are: conv_stem, bn1, blocks"):
        model(freeze=("blocks.99", "encoder"))


class TestWeights:
    @pytest.fixture
    def state(self) -> dict[str, Tensor]:
        """What timm would save: the backbone with its classifier."""
        torch.manual_seed(1)
        network: nn.Module = timm.create_model(BACKBONE)
        return dict(network.state_dict())

    def test_a_file_is_loaded_and_may_hold_a_classifier(self, state: dict[str, Tensor], tmp_path: Path) -> None:
        save_file(state, tmp_path / "own.safetensors")
        assert "classifier.weight" in state
        network = build(OWN, [tmp_path / "own.safetensors"])
        mine = network.state_dict()
        assert torch.equal(mine["eyes.0.backbone.model.conv_stem.weight"], state["conv_stem.weight"])
        assert torch.equal(mine["eyes.0.backbone.model.bn1.running_mean"], state["bn1.running_mean"])

    @pytest.mark.parametrize("fault", ["missing", "shape"])
    def test_a_file_that_does_not_fit_is_refused_by_name(
        self, state: dict[str, Tensor], tmp_path: Path, fault: str
    ) -> None:
        if fault == "missing":
            del state["conv_stem.weight"]
        else:
            state["conv_stem.weight"] = state["conv_stem.weight"][:, :1].contiguous()
        save_file(state, tmp_path / "own.safetensors")
        with pytest.raises(RecipeError, match=r"does not fit .*: 1 tensors differ, the first is conv_stem\.weight"):
            build(OWN, [tmp_path / "own.safetensors"])

    def test_a_file_of_another_kind(self, tmp_path: Path) -> None:
        (tmp_path / "own.safetensors").write_bytes(b"\x80\x02this is a pickle")
        with pytest.raises(RecipeError, match="is no safetensors file"):
            build(OWN, [tmp_path / "own.safetensors"])

    def test_a_download_that_fails_is_one_sentence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def offline(*_: object, **options: object) -> nn.Module:
            assert options["pretrained"] is True
            raise ConnectionError("there is no network")

        monkeypatch.setattr(timm, "create_model", offline)
        with pytest.raises(RecipeError, match="there is no network"):
            model(weights="hub")

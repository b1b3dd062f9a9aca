"""Heads: what they read, and that the map is where the logit comes from."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from unmask.train.heads import Dense, Places, Statistics
from unmask.train.models import Head

SHAPES = ((3, 12), (5, 6), (4, 3))
"""Channels and side of three maps."""


def maps(count: int = 2, seed: int = 0) -> list[Tensor]:
    """Feature maps of which no two channels have the same mean or spread."""
    random = torch.Generator().manual_seed(seed)
    made = []
    for channels, side in SHAPES:
        spread = torch.rand((1, channels, 1, 1), generator=random) + 0.5
        made.append(torch.randn((count, channels, side, side), generator=random) * spread + spread)
    return made


def statistics(dropout: float = 0.0) -> Statistics:
    """A head that has seen some batches, so that what it scales by is not 0 and 1."""
    torch.manual_seed(1)
    head = Statistics([channels for channels, _ in SHAPES], 16, dropout)
    for seed in range(10):
        head(maps(8, seed))
    return head.eval()


def describe(maps: list[Tensor]) -> Tensor:
    return Statistics([1], 1, 0.0).describe(maps)


def dense(dropout: float = 0.0, batch_norm: bool = True) -> Dense:
    torch.manual_seed(1)
    head = Dense([channels for channels, _ in SHAPES], 16, dropout, batch_norm)
    for seed in range(10):
        head(maps(8, seed))
    return head.eval()


def places(dropout: float = 0.0) -> Places:
    torch.manual_seed(1)
    head = Places([channels for channels, _ in SHAPES], dropout)
    nn.init.constant_(head.constant, 0.7)
    return head.eval()


def test_describe_is_mean_and_standard_deviation_of_each_channel_map_by_map() -> None:
    given = maps(3)
    expected = [part for one in given for part in (one.mean(dim=(2, 3)), one.std(dim=(2, 3), correction=0))]
    found = describe(given)
    assert found.shape == (3, 2 * 12)
    torch.testing.assert_close(found, torch.cat(expected, dim=1), atol=1e-4, rtol=0)


def test_a_channel_that_is_the_same_everywhere_has_a_spread_and_a_gradient() -> None:
    flat = torch.full((1, 2, 4, 4), 3.0, requires_grad=True)
    found = describe([flat])
    torch.testing.assert_close(found, torch.tensor([[3.0, 3.0, 0.0, 0.0]]), atol=0.01, rtol=0)
    (gradient,) = torch.autograd.grad(found.sum(), flat)
    assert gradient.isfinite().all()


def test_half_precision_maps_are_described_in_single() -> None:
    given = maps()
    found = describe([one.bfloat16() for one in given])
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, describe([one.bfloat16().float() for one in given]))


@torch.no_grad()
def test_places_add_up_to_the_logit_and_only_the_last_map_counts() -> None:
    head, given = places(), maps(3)
    logit, activation = head(given)
    assert activation.shape == (3, 3, 3)
    torch.testing.assert_close(logit, activation.mean(dim=(1, 2)) + 0.7)
    torch.testing.assert_close(head([given[-1]])[0], logit)
    moved = given[-1].roll(1, dims=3)
    torch.testing.assert_close(head([moved])[1], activation.roll(1, dims=2), msg="each place is scored alone")


class TestStatistics:
    @torch.no_grad()
    def test_the_mean_of_the_map_is_the_logit(self) -> None:
        head, given = statistics(), maps(3)
        logit, activation = head(given)
        assert logit.dtype == activation.dtype == torch.float32
        assert activation.shape == (3, 3, 3), "the resolution of the coarsest map"
        torch.testing.assert_close(logit, activation.mean(dim=(1, 2)))
        assert (activation.std(dim=(1, 2)) > 0.01).all()
        torch.testing.assert_close(logit, head.judge(describe(given)))

    @torch.no_grad()
    def test_the_logit_is_that_of_two_plain_layers(self) -> None:
        head, given = statistics(), maps(3)
        mean, variance = head.scale.running_mean, head.scale.running_var
        assert mean is not None
        assert variance is not None
        scaled = (describe(given) - mean) / (variance + 1e-5).sqrt()
        hidden = (scaled @ head.hidden.weight.T + head.hidden.bias).clamp(min=0)
        torch.testing.assert_close(head(given)[0], (hidden @ head.out.weight.T + head.out.bias)[:, 0])

    def test_the_map_says_how_the_logit_moves_when_a_place_counts_more(self) -> None:
        """Autograd's answer: weigh the places, all alike at first, and derive the logit by the weights."""
        head, given = statistics(), maps(3)
        side = SHAPES[-1][1]
        weight = torch.full((3, 1, side, side), 1 / side**2, requires_grad=True)
        parts = []
        for one in given:
            finer = one.shape[-1] // side
            mine = weight.repeat_interleave(finer, 2).repeat_interleave(finer, 3) / finer**2
            mean = (mine * one).sum(dim=(2, 3))
            variance = (mine * (one - mean[:, :, None, None]) ** 2).sum(dim=(2, 3))
            parts += [mean, torch.sqrt(variance + 1e-5)]
        described = torch.cat(parts, dim=1)
        torch.testing.assert_close(described, describe(given), msg="alike, they are the description")
        (gradient,) = torch.autograd.grad(head.judge(described).sum(), weight)
        expected = (gradient - gradient.mean(dim=(2, 3), keepdim=True))[:, 0]
        with torch.no_grad():
            logit, activation = head(given)
        assert expected.std() > 0.01
        torch.testing.assert_close(activation - logit[:, None, None], expected, atol=1e-5, rtol=1e-4)

    def test_it_agrees_with_the_derivative_by_the_features_themselves(self) -> None:
        """For the coarsest map alone: along the gradient by the means in full, and by the squares, which are twice
        the features' own share in the spread, by half."""
        torch.manual_seed(2)
        head = Statistics([4], 16, 0.0).eval()
        features = maps(3)[-1].requires_grad_()
        (gradient,) = torch.autograd.grad(head.judge(describe([features])).sum(), features)
        count = features.shape[-1] ** 2
        away = (features - features.mean(dim=(2, 3), keepdim=True)).detach()
        to_mean = gradient.mean(dim=(2, 3), keepdim=True)
        by_mean = to_mean * away * count
        by_square = (gradient - to_mean) * away * count / 2
        local = (by_mean + by_square - by_square.mean(dim=(2, 3), keepdim=True)).sum(dim=1)
        with torch.no_grad():
            logit, activation = head([features])
        assert local.std() > 0.01
        torch.testing.assert_close(activation - logit[:, None, None], local, atol=1e-5, rtol=1e-4)

    @torch.no_grad()
    def test_what_moves_in_a_finer_map_moves_in_the_activation(self) -> None:
        head, given = statistics(), maps(2)
        flat = [one.mean(dim=(2, 3), keepdim=True).expand_as(one) for one in given[1:]]
        finer = SHAPES[0][1] // SHAPES[-1][1]
        logit, activation = head([given[0], *flat])
        moved_logit, moved = head([given[0].roll((finer, -finer), dims=(2, 3)), *flat])
        torch.testing.assert_close(moved_logit, logit, msg="where something is does not count")
        assert activation.std() > 0.01
        torch.testing.assert_close(moved, activation.roll((1, -1), dims=(1, 2)))

    @torch.no_grad()
    def test_pictures_of_a_batch_do_not_touch_each_other(self) -> None:
        head, given = statistics(), maps(4)
        logit, activation = head(given)
        for number in range(4):
            alone, own = head([one[number : number + 1] for one in given])
            torch.testing.assert_close(alone, logit[number : number + 1])
            torch.testing.assert_close(own, activation[number : number + 1])

    def test_what_it_scales_by_is_learnt_from_batches_and_is_no_parameter(self) -> None:
        head = Statistics([3], 4, 0.0)
        assert {name for name, _ in head.named_parameters()} == {
            "hidden.weight",
            "hidden.bias",
            "out.weight",
            "out.bias",
        }
        for _ in range(200):
            head(maps(8)[:1])
        described = describe(maps(8)[:1])
        assert head.scale.running_mean is not None
        torch.testing.assert_close(head.scale.running_mean, described.mean(dim=0), atol=1e-4, rtol=1e-4)

    def test_while_it_learns_the_map_is_just_the_logit(self) -> None:
        head = statistics().train()
        logit, activation = head(maps(4))
        assert torch.equal(activation, logit[:, None, None])


@pytest.mark.parametrize("batch_norm", [False, True])
class TestDense:
    @torch.no_grad()
    def test_the_mean_of_the_map_is_the_logit_of_two_plain_layers(self, batch_norm: bool) -> None:
        head, given = dense(batch_norm=batch_norm), maps(3)
        logit, activation = head(given)
        assert activation.shape == (3, 3, 3), "the resolution of the last map"
        torch.testing.assert_close(logit, activation.mean(dim=(1, 2)))
        first = given[-1].mean(dim=(2, 3)) @ head.hidden.weight.T + head.hidden.bias
        if head.scale is not None:
            first = head.scale(first)
        torch.testing.assert_close(logit, (first.relu() @ head.out.weight.T + head.out.bias)[:, 0])
        torch.testing.assert_close(logit, head.judge(head.describe(given)))

    def test_the_map_is_the_gradient_by_the_features_times_their_distance_from_the_mean(self, batch_norm: bool) -> None:
        head = dense(batch_norm=batch_norm)
        features = maps(3)[-1].requires_grad_()
        (gradient,) = torch.autograd.grad(head([features])[0].sum(), features)
        away = (features - features.mean(dim=(2, 3), keepdim=True)).detach()
        local = (gradient * away).sum(dim=1) * features.shape[-1] ** 2
        with torch.no_grad():
            logit, activation = head([features])
        assert local.std() > 0.01
        torch.testing.assert_close(activation - logit[:, None, None], local, atol=1e-5, rtol=1e-4)

    def test_while_it_learns_the_map_is_just_the_logit(self, batch_norm: bool) -> None:
        logit, activation = dense(batch_norm=batch_norm).train()(maps(4))
        assert torch.equal(activation, logit[:, None, None])


@torch.no_grad()
def test_embeddings_are_what_the_last_decision_stands_on() -> None:
    given = maps(3)
    assert places().embed(given).shape == dense().embed(given).shape == (3, SHAPES[-1][0])
    torch.testing.assert_close(places().embed(given), given[-1].mean(dim=(2, 3)))
    head = statistics()
    hidden = head.embed(given)
    torch.testing.assert_close(hidden @ head.out.weight[0] + head.out.bias, head(given)[0])


@pytest.mark.parametrize("head", [places(0.5), dense(0.5), statistics(0.5)], ids=["places", "dense", "statistics"])
def test_dropout_is_for_training_only(head: Head) -> None:
    with torch.no_grad():
        head.train()
        assert not torch.equal(head(maps(8))[0], head(maps(8))[0])
        head.eval()
        assert torch.equal(head(maps(8))[0], head(maps(8))[0])


class TestLearning:
    """What a head gives while it learns: the same logit, and what its last layer reads."""

    @torch.no_grad()
    def test_the_logit_is_the_heads_and_the_embedding_leads_to_it(self) -> None:
        given = maps(3)
        for head in (places(), dense(), statistics()):
            logit, embedding = head.learn(given)
            torch.testing.assert_close(logit, head(given)[0])
            assert embedding.shape == (3, head.width)
            if isinstance(head, Places):
                read = embedding @ head.place_score.weight[0, :, 0, 0] + head.constant
            else:
                read = head.out(embedding)[:, 0]
                again = head.learn_described(head.describe(given))
                torch.testing.assert_close(again, (logit, embedding))
            torch.testing.assert_close(read, logit)

    def test_an_objective_on_the_embedding_teaches_what_comes_before(self) -> None:
        given = [one.requires_grad_() for one in maps(3)]
        for head in (places(), dense(), statistics()):
            (gradient,) = torch.autograd.grad(head.learn(given)[1].square().sum(), given[-1])
            assert gradient.abs().max() > 0

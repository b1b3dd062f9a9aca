"""The first part of networks of sounds."""

from __future__ import annotations

import torch

from unmask.train.networks.features import Features, shown


def features(count: int = 4) -> torch.Tensor:
    return 3 + torch.rand((count, 3, 20, 100), generator=torch.Generator().manual_seed(0))


def test_it_brings_channels_to_one_scale_and_learns_nothing() -> None:
    first = Features(3).train()
    scaled = first(features())
    assert scaled.mean().abs() < 1e-4
    assert abs(scaled.std() - 1) < 1e-2
    assert list(first.parameters()) == []


def test_masks_hide_bands_and_moments_of_each_alone_while_it_learns() -> None:
    torch.manual_seed(0)
    first = Features(3, masks=2)
    hidden = first.train()(features()) == 0
    assert 0.05 < hidden.float().mean() < 0.7
    assert (hidden.all(dim=(1, 3)).any(dim=1) | hidden.all(dim=(1, 2)).any(dim=1)).all()
    assert not torch.equal(hidden[0], hidden[1])
    assert not (first.eval()(features()) == 0).any()


def test_a_mask_is_one_stretch_of_at_most_a_fifth() -> None:
    torch.manual_seed(0)
    seen = shown(torch.zeros(200, 3, 20, 100), 3)
    assert seen.shape == (200, 1, 1, 100)
    gone = 1 - seen[:, 0, 0]
    assert gone.sum(dim=1).max() <= 21
    assert (gone.diff(dim=1) > 0).sum(dim=1).max() <= 1


def test_centred_rows_forget_what_is_there_all_the_time() -> None:
    first = Features(3, centred=True).eval()
    room = torch.rand(1, 3, 20, 1)
    assert torch.allclose(first(features()), first(features() + room), atol=1e-5)

"""Heads: from the feature maps of a backbone to one logit, and a map of where it came from.

All give a map whose mean, up to a constant, is the logit, and none needs a gradient to draw it. A head works in two
steps, so that what frozen backbones say need be computed only once: `describe` brings the maps of a picture to one row
of numbers, `judge` the row to a logit. What `embed` gives is for maps of many pictures: it never decides.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

_LEAST_VARIANCE = 1e-5


class Places(nn.Module):
    """Score every place of the last feature map, and average: class activation (Zhou et al. 2016, arXiv:1512.04150).

    Scoring places and averaging the scores is the same arithmetic as averaging features and scoring once.

    Args:
        channels: Of each feature map; the last counts.
        dropout: On the features, while training.
    """

    def __init__(self, channels: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout2d(dropout)
        self.place_score = nn.Conv2d(channels[-1], 1, kernel_size=1, bias=False)
        self.constant = nn.Parameter(torch.zeros(1))

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits (N,) and activation (N, h, w), from feature maps (N, C, h, w)."""
        activation = self.place_score(self.dropout(maps[-1])).float()[:, 0]
        return activation.mean(dim=(1, 2)) + self.constant, activation

    def embed(self, maps: Sequence[Tensor]) -> Tensor:
        """The last map averaged over its places: (N, C)."""
        return _pooled(maps)


class Dense(nn.Module):
    """Average the last map over its places, then two layers: the head of most published systems.

    The layers are linear between the places where a hidden unit opens or closes, so what a place adds to the logit can
    be written down, as in `Statistics`.

    Args:
        channels: Of each feature map; the last counts.
        hidden: Width of the hidden layer.
        dropout: On both layers, while training.
        batch_norm: Whether to normalise the hidden layer over the batch.
    """

    def __init__(self, channels: Sequence[int], hidden: int, dropout: float, batch_norm: bool) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.hidden = nn.Linear(channels[-1], hidden)
        self.scale = nn.BatchNorm1d(hidden) if batch_norm else None
        self.out = nn.Linear(hidden, 1)

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits (N,) and activation (N, h, w), whose mean is the logit."""
        described = self.describe(maps)
        logit = self.judge(described)
        if self.training:  # nobody looks at the map of a network that learns
            return logit, logit[:, None, None]
        slope = (self._first(described) > 0).float() * self.out.weight
        if self.scale is not None:
            assert self.scale.running_var is not None  # BatchNorm1d keeps it unless told otherwise
            slope = slope * self.scale.weight / torch.sqrt(self.scale.running_var + self.scale.eps)
        away = maps[-1].float() - described[:, :, None, None]
        return logit, logit[:, None, None] + ((slope @ self.hidden.weight)[:, :, None, None] * away).sum(dim=1)

    def describe(self, maps: Sequence[Tensor]) -> Tensor:
        """The last map averaged over its places: (N, C)."""
        return _pooled(maps)

    def judge(self, described: Tensor) -> Tensor:
        """Logits (N,) of what `describe` gave."""
        last: Tensor = self.out(self.dropout(functional.relu(self._first(described))))
        return last[:, 0]

    def embed(self, maps: Sequence[Tensor]) -> Tensor:
        """What the backbone says, before this head interprets it: (N, C)."""
        return self.describe(maps)

    def _first(self, described: Tensor) -> Tensor:
        first: Tensor = self.hidden(self.dropout(described.float()))
        return first if self.scale is None else self.scale(first)


class Statistics(nn.Module):
    """Two layers over the mean and the spread of every channel.

    Generators and blends change how much texture there is more than where it is, and the spread of a channel over the
    picture says how much (the same statistics carry style in Gatys et al. 2016). Few numbers a picture leave a small
    network little to learn by heart.

    The activation says how the logit would change if a place weighed more in those statistics: its features against the
    picture's average, along the gradient of the logit, which two layers let us write down.

    Args:
        channels: Of each feature map.
        hidden: Width of the hidden layer.
        dropout: On both layers, while training.
    """

    def __init__(self, channels: Sequence[int], hidden: int, dropout: float) -> None:
        super().__init__()
        size = 2 * sum(channels)
        self.scale = nn.BatchNorm1d(size, affine=False)
        self.dropout = nn.Dropout(dropout)
        self.hidden = nn.Linear(size, hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits (N,) and activation (N, h, w) in the resolution of the coarsest map; its mean is the logit."""
        described = self.describe(maps)
        logit = self.judge(described)
        if self.training:  # nobody looks at the map of a network that learns
            return logit, logit[:, None, None]
        return logit, logit[:, None, None] + self._local(maps, described)

    def describe(self, maps: Sequence[Tensor]) -> Tensor:
        """Mean and spread (standard deviation) of every channel over all places: (N, 2 x channels of all maps)."""
        parts = []
        for one in maps:
            values = one.float()
            mean = values.mean(dim=(2, 3))
            variance = ((values - mean[:, :, None, None]) ** 2).mean(dim=(2, 3))
            parts += [mean, torch.sqrt(variance + _LEAST_VARIANCE)]
        return torch.cat(parts, dim=1)

    def embed(self, maps: Sequence[Tensor]) -> Tensor:
        """The hidden layer: (N, hidden)."""
        return functional.relu(self._first(self.describe(maps)))

    def judge(self, described: Tensor) -> Tensor:
        """Logits (N,) of what `describe` gave."""
        return self._last(functional.relu(self._first(described)))

    def _first(self, described: Tensor) -> Tensor:
        first: Tensor = self.hidden(self.dropout(self.scale(described.float())))
        return first

    def _last(self, hidden: Tensor) -> Tensor:
        last: Tensor = self.out(self.dropout(hidden))
        return last[:, 0]

    def _local(self, maps: Sequence[Tensor], described: Tensor) -> Tensor:
        """What each place adds to the logit or takes from it: (N, h, w), mean 0."""
        open_units = (self._first(described) > 0).float() * self.out.weight
        variance = self.scale.running_var
        assert variance is not None  # BatchNorm1d keeps it unless told otherwise
        slope = open_units @ self.hidden.weight / torch.sqrt(variance + self.scale.eps)
        side = min(one.shape[-1] for one in maps)
        local, start = torch.zeros(()), 0
        for one in maps:
            count = one.shape[1]
            to_mean = slope[:, start : start + count, None, None]
            to_spread = slope[:, start + count : start + 2 * count, None, None]
            spread = described[:, start + count : start + 2 * count, None, None].float()
            away = one.float() - one.float().mean(dim=(2, 3), keepdim=True)
            square = away * away
            more = (square - square.mean(dim=(2, 3), keepdim=True)) / (2 * spread)
            places = (to_mean * away + to_spread * more).sum(dim=1, keepdim=True)
            local = local + functional.adaptive_avg_pool2d(places, side)[:, 0]
            start += 2 * count
        return local - local.mean(dim=(1, 2), keepdim=True)  # sides that do not divide overlap a little


def _pooled(maps: Sequence[Tensor]) -> Tensor:
    return maps[-1].float().mean(dim=(2, 3))


Head = Places | Dense | Statistics

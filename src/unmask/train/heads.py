"""Heads: from the feature maps of a backbone to one logit, and a map of where it came from.

All give a map whose mean, up to a constant, is the logit, and none needs a gradient to draw it. A head works in two
steps, so that what frozen backbones say need be computed only once: `describe` brings the maps of a picture to one row
of numbers, `judge` the row to a logit. What `embed` gives is for maps of many pictures: it never decides. While a head
learns, `learn` and `learn_described` also give the `width` numbers that its last layer reads, for objectives that look
at them (`unmask.train.objectives`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from unmask.train import texture
from unmask.train.design import Region


class Places(nn.Module):
    """Score every place of the last feature map, and average: class activation (Zhou et al. 2016, arXiv:1512.04150).

    Scoring places and averaging the scores is the same arithmetic as averaging features and scoring once.

    Args:
        channels: Of each feature map; the last counts.
        dropout: On the features, while training.
    """

    def __init__(self, channels: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.width = channels[-1]
        self.dropout = nn.Dropout2d(dropout)
        self.place_score = nn.Conv2d(channels[-1], 1, kernel_size=1, bias=False)
        self.constant = nn.Parameter(torch.zeros(1))

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits (N,) and activation (N, h, w), from feature maps (N, C, h, w)."""
        return self._scored(self.dropout(maps[-1]))

    def learn(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits (N,) and the last map averaged over its places: (N, C)."""
        last = self.dropout(maps[-1])
        return self._scored(last)[0], _pooled([last])

    def embed(self, maps: Sequence[Tensor]) -> Tensor:
        """The last map averaged over its places: (N, C)."""
        return _pooled(maps)

    def _scored(self, last: Tensor) -> tuple[Tensor, Tensor]:
        activation = self.place_score(last).float()[:, 0]
        return activation.mean(dim=(1, 2)) + self.constant, activation


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
        self.width = hidden
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
        return self.learn_described(described)[0]

    def learn(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits (N,) and the hidden layer (N, hidden)."""
        return self.learn_described(self.describe(maps))

    def learn_described(self, described: Tensor) -> tuple[Tensor, Tensor]:
        """The same, of what `describe` gave."""
        hidden = functional.relu(self._first(described))
        return self.out(self.dropout(hidden))[:, 0], hidden

    def embed(self, maps: Sequence[Tensor]) -> Tensor:
        """What the backbone says, before this head interprets it: (N, C)."""
        return self.describe(maps)

    def _first(self, described: Tensor) -> Tensor:
        first: Tensor = self.hidden(self.dropout(described.float()))
        return first if self.scale is None else self.scale(first)


class Statistics(nn.Module):
    """Two layers over the mean and the spread of every channel in each region (`unmask.train.texture`).

    The activation says how the logit would change if a place weighed more in those statistics: its features against the
    picture's average, along the gradient of the logit, which two layers let us write down.

    Args:
        channels: Of each feature map.
        hidden: Width of the hidden layer.
        dropout: On both layers, while training.
        regions: Over what the statistics are taken.
    """

    def __init__(
        self, channels: Sequence[int], hidden: int, dropout: float, regions: Sequence[Region] = ("all",)
    ) -> None:
        super().__init__()
        self.regions = tuple(regions)
        size = texture.width(channels, self.regions)
        self.width = hidden
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
        return logit, logit[:, None, None] + texture.places(maps, self.regions, self._slope(described))

    def describe(self, maps: Sequence[Tensor]) -> Tensor:
        """Mean and spread (standard deviation) of every channel in each region: (N, 2 x channels x regions)."""
        return texture.describe(maps, self.regions)

    def embed(self, maps: Sequence[Tensor]) -> Tensor:
        """The hidden layer: (N, hidden)."""
        return functional.relu(self._first(self.describe(maps)))

    def judge(self, described: Tensor) -> Tensor:
        """Logits (N,) of what `describe` gave."""
        return self.learn_described(described)[0]

    def learn(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits (N,) and the hidden layer (N, hidden)."""
        return self.learn_described(self.describe(maps))

    def learn_described(self, described: Tensor) -> tuple[Tensor, Tensor]:
        """The same, of what `describe` gave."""
        hidden = functional.relu(self._first(described))
        return self.out(self.dropout(hidden))[:, 0], hidden

    def _first(self, described: Tensor) -> Tensor:
        first: Tensor = self.hidden(self.dropout(self.scale(described.float())))
        return first

    def _slope(self, described: Tensor) -> Tensor:
        """What the logit gains by each statistic: (N, D). Between the places where units open, it is linear."""
        variance = self.scale.running_var
        assert variance is not None  # BatchNorm1d keeps it unless told otherwise
        open_units = (self._first(described) > 0).float() * self.out.weight
        return open_units @ self.hidden.weight / torch.sqrt(variance + self.scale.eps)


def _pooled(maps: Sequence[Tensor]) -> Tensor:
    return maps[-1].float().mean(dim=(2, 3))

"""A head that reads several looks at one person, in the order of time.

Each look is described by the statistics of its feature maps (`unmask.train.texture`) and projected to a few numbers;
then comes what relates the looks to each other: a recurrent network, a transformer, or nothing. What that says of each
look is scored, and the scores are averaged, so the logit is the mean of what its looks add, and the graph can say when.
It is done in the two steps of all heads (`unmask.train.heads`), so that frozen backbones describe each look but once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from unmask.train import texture
from unmask.train.design import MOST_POSITIONS, Region

_ATTENDING: Final = 4
"""Heads of attention."""
_LAYERS: Final = 1
_POSITION_SPREAD: Final = 0.02  # as transformers begin


class Temporal(nn.Module):
    """Score each look after the others had their say, and average.

    Args:
        channels: Of each feature map.
        width: Numbers that a look is projected to.
        dropout: On the statistics, the same ones in all looks of a window, and before the last layer, while training.
        regions: Over what the statistics are taken.
        among: Lets the looks know of each other: (N, F, width) to (N, F, width).
    """

    def __init__(
        self, channels: Sequence[int], width: int, dropout: float, regions: Sequence[Region], among: nn.Module
    ) -> None:
        super().__init__()
        self.regions = tuple(regions)
        self.width = width
        size = texture.width(channels, self.regions)
        self.scale = nn.BatchNorm1d(size, affine=False)
        self.dropout = nn.Dropout(dropout)
        self.project = nn.Linear(size, width)
        self.norm = nn.LayerNorm(width)
        self.among = among
        self.out = nn.Linear(width, 1)

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits (N,) and what each look adds (N, F), whose mean is the logit, from feature maps (N, F, C, h, w)."""
        activation: Tensor = self.out(self.dropout(self._related(self.describe(maps))))[..., 0]
        return activation.mean(dim=1), activation

    def describe(self, maps: Sequence[Tensor]) -> Tensor:
        """Mean and spread of every channel in each region: (N, F, D); of single looks (N, C, h, w): (N, D)."""
        described = texture.describe([one.flatten(0, -4) for one in maps], self.regions)
        return described.reshape(*maps[0].shape[:-3], described.shape[1])

    def embed(self, maps: Sequence[Tensor]) -> Tensor:
        """What is said of the looks, before it is scored, averaged over time: (N, width)."""
        return self._related(self.describe(maps)).mean(dim=1)

    def judge(self, described: Tensor) -> Tensor:
        """Logits (N,) of what `describe` gave, (N, F, D)."""
        return self.learn_described(described)[0]

    def learn(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits (N,) and the mean over time of what is scored: (N, width)."""
        return self.learn_described(self.describe(maps))

    def learn_described(self, described: Tensor) -> tuple[Tensor, Tensor]:
        """The same, of what `describe` gave. Scoring the mean is the same arithmetic as averaging scores."""
        hidden = self._related(described).mean(dim=1)
        return self.out(self.dropout(hidden))[:, 0], hidden

    def _related(self, described: Tensor) -> Tensor:
        scaled = self.scale(described.float().flatten(0, 1)).reshape(described.shape)
        # Statistics that came and went within a window would be a flicker that no video has.
        kept = self.dropout(torch.ones_like(scaled[:, :1]))
        looks = functional.relu(self.norm(self.project(scaled * kept)))
        related: Tensor = self.among(looks)
        return related


class Recurrent(nn.Module):
    """A gated recurrent unit (GRU, Cho et al. 2014, arXiv:1406.1078), forwards and backwards, beside the looks.

    Args:
        width: Of a look; even.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.cells = nn.GRU(width, width // 2, batch_first=True, bidirectional=True)

    def forward(self, looks: Tensor) -> Tensor:
        """(N, F, width), of any F."""
        said: Tensor = self.cells(looks)[0]
        return looks + said


class Attentive(nn.Module):
    """A small transformer encoder (Vaswani et al. 2017, arXiv:1706.03762) with learned positions.

    Args:
        width: Of a look; a multiple of 4.
        dropout: In its layers, while training.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(MOST_POSITIONS, width) * _POSITION_SPREAD)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, _ATTENDING, 2 * width, dropout, batch_first=True, norm_first=True)
            for _ in range(_LAYERS)
        )

    def forward(self, looks: Tensor) -> Tensor:
        """(N, F, width), for F up to `MOST_POSITIONS`."""
        looks = looks + self.positions[: looks.shape[1]]
        for layer in self.layers:
            looks = layer(looks)
        return looks

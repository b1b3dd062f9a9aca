"""The graph layers of AASIST (Jung et al. 2022, arXiv:2110.01200): attention between bands and moments.

Nodes are rows of (N, V, D); every node knows every other. A node of its own, the stack, belongs to no band and no
moment and gathers what both say.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

_FIRST_TEMPERATURE: Final = 2.0
_TEMPERATURE: Final = 100.0
_KEPT_BANDS: Final = 0.4
_KEPT_MOMENTS: Final = 0.5
_KEPT_LATER: Final = 0.7
_DROPOUT: Final = 0.2


class Graphs(nn.Module):
    """From a map (N, C, bands, moments) to what both graphs say of it: (N, 5 x width, 1, 1).

    Args:
        channels: C.
        bands: Height of the map.
        first_width: Numbers in a node of the two separate graphs.
        width: Likewise where they are one.
        dropout: On the readout, while training.
    """

    def __init__(self, channels: int, bands: int, first_width: int, width: int, dropout: float) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(1, bands, channels))
        self.among_bands = _Attention(channels, first_width)
        self.among_moments = _Attention(channels, first_width)
        self.keep_bands = _Keep(first_width, _KEPT_BANDS)
        self.keep_moments = _Keep(first_width, _KEPT_MOMENTS)
        self.branches = nn.ModuleList(_Branch(first_width, width) for _ in range(2))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """What is loudest in each band and in each moment are the nodes."""
        size = x.abs()
        bands = self.keep_bands(self.among_bands(size.amax(dim=3).transpose(1, 2) + self.positions))
        moments = self.keep_moments(self.among_moments(size.amax(dim=2).transpose(1, 2)))
        one, other = (branch(moments, bands) for branch in self.branches)
        moments, bands, stack = (torch.maximum(*both) for both in zip(one, other, strict=True))
        said = [
            moments.abs().amax(dim=1),
            moments.mean(dim=1),
            bands.abs().amax(dim=1),
            bands.mean(dim=1),
            stack[:, 0],
        ]
        read: Tensor = self.dropout(torch.cat(said, dim=1))
        return read[:, :, None, None]


class _Branch(nn.Module):
    """Twice attention over both graphs at once; of two branches the larger speaks (max graph operation)."""

    def __init__(self, inside: int, width: int) -> None:
        super().__init__()
        self.stack = nn.Parameter(torch.randn(1, 1, inside))
        self.first = _BothAttention(inside, width)
        self.second = _BothAttention(width, width)
        self.keep_moments = _Keep(width, _KEPT_LATER)
        self.keep_bands = _Keep(width, _KEPT_LATER)
        self.dropout = nn.Dropout(_DROPOUT)

    def forward(self, moments: Tensor, bands: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        moments, bands, stack = self.first(moments, bands, self.stack.expand(moments.shape[0], -1, -1))
        moments, bands = self.keep_moments(moments), self.keep_bands(bands)
        more = self.second(moments, bands, stack)
        moments, bands, stack = (self.dropout(a + b) for a, b in zip((moments, bands, stack), more, strict=True))
        return moments, bands, stack


class _Attention(nn.Module):
    """Each node looks at all others, as much as the product of the two says (graph attention)."""

    def __init__(self, inside: int, out: int) -> None:
        super().__init__()
        self.dropout = nn.Dropout(_DROPOUT)
        self.compare = nn.Linear(inside, out)
        self.weigh = _weights(out)
        self.mix = _Mix(inside, out)

    def forward(self, nodes: Tensor) -> Tensor:
        nodes = self.dropout(nodes)
        compared = torch.tanh(self.compare(nodes[:, :, None] * nodes[:, None]))
        shares = functional.softmax(compared @ self.weigh / _FIRST_TEMPERATURE, dim=2)[..., 0]
        mixed: Tensor = self.mix(nodes, shares)
        return mixed


class _BothAttention(nn.Module):
    """Attention over moments and bands together, with weights of their own for each kind of pair, and the stack."""

    def __init__(self, inside: int, out: int) -> None:
        super().__init__()
        self.of_moments = nn.Linear(inside, inside)
        self.of_bands = nn.Linear(inside, inside)
        self.dropout = nn.Dropout(_DROPOUT)
        self.compare = nn.Linear(inside, out)
        self.compare_stack = nn.Linear(inside, out)
        self.weigh_moments, self.weigh_bands, self.weigh_across, self.weigh_stack = (_weights(out) for _ in range(4))
        self.mix = _Mix(inside, out)
        self.mix_stack = _Mix(inside, out, norm=False)

    def forward(self, moments: Tensor, bands: Tensor, stack: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        count = moments.shape[1]
        nodes = self.dropout(torch.cat([self.of_moments(moments), self.of_bands(bands)], dim=1))
        compared = torch.tanh(self.compare(nodes[:, :, None] * nodes[:, None]))
        across = compared @ self.weigh_across
        upper = torch.cat([compared[:, :count, :count] @ self.weigh_moments, across[:, :count, count:]], dim=2)
        lower = torch.cat([across[:, count:, :count], compared[:, count:, count:] @ self.weigh_bands], dim=2)
        scores = torch.cat([upper, lower], dim=1)[..., 0]
        known = torch.tanh(self.compare_stack(nodes * stack)) @ self.weigh_stack
        gathered = functional.softmax(known[..., 0] / _TEMPERATURE, dim=1)[:, None]
        stack = self.mix_stack(stack, gathered, nodes)
        mixed = self.mix(nodes, functional.softmax(scores / _TEMPERATURE, dim=2))
        return mixed[:, :count], mixed[:, count:], stack


class _Mix(nn.Module):
    """What a node gathers from others, by shares (N, V, W), and what it was."""

    def __init__(self, inside: int, out: int, norm: bool = True) -> None:
        super().__init__()
        self.gather = nn.Linear(inside, out)
        self.stay = nn.Linear(inside, out)
        self.norm = nn.BatchNorm1d(out) if norm else None

    def forward(self, nodes: Tensor, shares: Tensor, others: Tensor | None = None) -> Tensor:
        gathered: Tensor = self.gather(shares @ (nodes if others is None else others)) + self.stay(nodes)
        if self.norm is None:
            return gathered
        return functional.selu(self.norm(gathered.transpose(1, 2)).transpose(1, 2))


class _Keep(nn.Module):
    """The nodes with the highest scores, times those (graph pooling, Gao & Ji 2019, arXiv:1905.05178)."""

    def __init__(self, width: int, share: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(_DROPOUT)
        self.score = nn.Linear(width, 1)
        self._share = share

    def forward(self, nodes: Tensor) -> Tensor:
        scores = torch.sigmoid(self.score(self.dropout(nodes)))
        count = max(1, int(nodes.shape[1] * self._share))
        best = scores.topk(count, dim=1).indices.expand(-1, -1, nodes.shape[2])
        return (nodes * scores).gather(1, best)


def _weights(size: int) -> nn.Parameter:
    return nn.Parameter(nn.init.xavier_normal_(torch.empty(size, 1)))

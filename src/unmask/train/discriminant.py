"""A linear discriminant on what frozen backbones say of a picture, solved and not descended to.

Fisher's discriminant (1936) asks for the direction along which fakes and reals lie furthest apart, measured in units
of how much pictures of one kind differ among themselves. "One kind" is the point: the scatter is taken within each
source and label, so what tells one data set from another counts as scatter, not as evidence. A network that descends
a loss finds whatever separates the sources it was shown; this finds what separates fakes from reals in spite of them.
The scatter is shrunk towards the identity (Friedman 1989, Ledoit & Wolf 2004), for there are about as many
statistics as pictures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unmask.errors import RecipeError
from unmask.manifest import FAKE, REAL
from unmask.train import texture
from unmask.train.design import Region

_LEAST_SPREAD: Final = 1e-4
_ROWS: Final = 4096  # at a time, so that no second copy of a large table is made


class Discriminant(nn.Module):
    """One weight for the mean and one for the spread of every channel, in each region of the picture.

    Args:
        channels: Of each feature map.
        regions: "all" of the picture, its "centre", or the "surround" of that.
        together: Numbers of the maps that are weighed together, a list for each discriminant; all of them when empty.
    """

    def __init__(
        self, channels: Sequence[int], regions: Sequence[Region], together: Sequence[Sequence[int]] = ()
    ) -> None:
        super().__init__()
        self.regions = tuple(regions)
        self.width = texture.width(channels, self.regions)
        self.out = nn.Linear(self.width, 1)
        ends = np.cumsum([texture.width([count], self.regions) for count in channels])
        columns = np.split(np.arange(self.width), ends[:-1])
        self.parts = [
            np.concatenate([columns[number] for number in numbers]) for numbers in together or [range(len(columns))]
        ]
        """Which of the statistics each discriminant is solved over."""

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits (N,) and activation (N, h, w) in the resolution of the coarsest map; its mean is the logit."""
        logit = self.judge(self.describe(maps))
        return logit, logit[:, None, None] + texture.places(maps, self.regions, self.out.weight)

    def describe(self, maps: Sequence[Tensor]) -> Tensor:
        """Mean and spread (standard deviation) of every channel in each region: (N, width)."""
        return texture.describe(maps, self.regions)

    def embed(self, maps: Sequence[Tensor]) -> Tensor:
        """The same: (N, width)."""
        return self.describe(maps)

    def judge(self, described: Tensor) -> Tensor:
        """Logits (N,) of what `describe` gave."""
        logits: Tensor = self.out(described.float())
        return logits[:, 0]

    def learn(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits (N,) and what they are read from (N, width): what every head gives, though this one is solved."""
        return self.learn_described(self.describe(maps))

    def learn_described(self, described: Tensor) -> tuple[Tensor, Tensor]:
        """The same, of what `describe` gave."""
        return self.judge(described), described

    @torch.no_grad()
    def take(self, weight: NDArray[np.float64], constant: float) -> None:
        """Judge from now on by these weights (width,) and this constant."""
        self.out.weight.copy_(torch.from_numpy(weight)[None])
        self.out.bias.fill_(constant)


Rows = NDArray[np.float16] | NDArray[np.float32]


@dataclass(frozen=True)
class Table:
    """Described pictures.

    Attributes:
        rows: float16 or float32 (N, D).
        labels: (N,), 1 is fake.
        weights: (N,), what each counts.
        groups: (N,), whose scatter it is part of: pictures of one source, label and maker.
    """

    rows: Rows
    labels: NDArray[np.int64]
    weights: NDArray[np.float64]
    groups: NDArray[np.int64]


def solve_apart(
    table: Table, shrinkage: float, parts: Sequence[NDArray[np.int64]]
) -> tuple[NDArray[np.float64], float]:
    """The mean of several discriminants, each over some of the numbers: again weights (D,) and a constant.

    Eyes that see different things are better asked apart: over all that they see at once, the one that tells most of
    the fakes it is solved on has the say, and takes from what the others know.

    Args:
        table: To learn from.
        shrinkage: As for `solve`.
        parts: Which numbers each is solved over, (K,) of D; a number may belong to several.

    Raises:
        RecipeError: As for `solve`.
    """
    weight, constant = np.zeros(table.rows.shape[1]), 0.0
    for part in parts:
        one, its_constant = solve(replace(table, rows=table.rows[:, part]), shrinkage)
        weight[part] += one / len(parts)
        constant += its_constant / len(parts)
    return weight, constant


def solve(table: Table, shrinkage: float) -> tuple[NDArray[np.float64], float]:
    """The weights (D,) and the constant of the discriminant; its logit is 0 half-way between the two means.

    Args:
        table: To learn from; both labels count the same, whatever their weights add up to.
        shrinkage: How much of the mean variance is added to each; the larger, the less it trusts what it saw vary.

    Raises:
        RecipeError: A label is missing, or the statistics are not finite.
    """
    weight = np.zeros(len(table.labels))
    means = {}
    for label in (REAL, FAKE):
        mine = table.labels == label
        if not table.weights[mine].sum() > 0:
            raise RecipeError("a discriminant needs pictures of both labels to learn from")
        weight[mine] = table.weights[mine] / (2 * table.weights[mine].sum())
        means[label] = _mean(table.rows[mine], weight[mine])
    centre = (means[REAL] + means[FAKE]) / 2
    if not np.isfinite(centre).all():
        raise RecipeError("the backbones' statistics are not finite; choose other maps")
    spread = np.sqrt(_variance(table.rows, weight, centre)) + _LEAST_SPREAD
    scatter = _scatter(table, weight, spread)
    scatter[np.diag_indices_from(scatter)] += shrinkage * float(np.trace(scatter)) / len(scatter)
    direction = np.linalg.solve(scatter, (means[FAKE] - means[REAL]) / spread) / spread
    return direction, -float(direction @ centre)


def _mean(rows: Rows, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    total = np.zeros(rows.shape[1])
    for part in _parts(len(rows)):
        total += weight[part] @ rows[part].astype(np.float64)
    return np.asarray(total / weight.sum())


def _variance(rows: Rows, weight: NDArray[np.float64], centre: NDArray[np.float64]) -> NDArray[np.float64]:
    total = np.zeros(rows.shape[1])
    for part in _parts(len(rows)):
        total += weight[part] @ (rows[part] - centre) ** 2
    return np.asarray(total / weight.sum())


def _scatter(table: Table, weight: NDArray[np.float64], spread: NDArray[np.float64]) -> NDArray[np.float64]:
    """The covariance within groups, in units of the spread of all: (D, D)."""
    total = np.zeros((len(spread), len(spread)), np.float32)
    for group in np.unique(table.groups):
        mine = np.flatnonzero((table.groups == group) & (weight > 0))
        rows, share = table.rows[mine], weight[mine]
        mean = _mean(rows, share)
        for part in _parts(len(rows)):
            away = ((rows[part] - mean) / spread * np.sqrt(share[part])[:, None]).astype(np.float32)
            total += away.T @ away
    return np.asarray(total.astype(np.float64) / weight.sum())


def _parts(count: int) -> Iterator[slice]:
    for start in range(0, count, _ROWS):
        yield slice(start, start + _ROWS)

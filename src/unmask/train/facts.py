"""What a step knows of each picture beside its pixels: label, source, whether it was made, what teachers say of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, Self

import torch
from torch import Tensor
from torch.utils.data import Dataset

from unmask.manifest import Item
from unmask.train.data import Draw, Sample


class Facts(NamedTuple):
    """Of each picture of a batch, all float32 (N,).

    Attributes:
        labels: 1 is fake.
        sources: Numbers of the sources, as `source_names` orders them; a made fake is of its original's.
        made: 1 for a fake that was made on the spot, else 0.
        taught: The logit of the teachers, NaN where they have seen nothing.
    """

    labels: Tensor
    sources: Tensor
    made: Tensor
    taught: Tensor

    @classmethod
    def of(cls, rows: Tensor) -> Self:
        """From a batch of what `Known` gives: (N, 4)."""
        return cls(*rows.unbind(dim=1))


class Drawn(Protocol):
    """Pictures to learn from, and what each was drawn from."""

    @property
    def draws(self) -> Sequence[Draw]:
        """What each was drawn from."""

    def __len__(self) -> int:
        """How many."""

    def __getitem__(self, index: int) -> Sample:
        """A picture, or what was said of it, and its label."""


class Known(Dataset[Sample]):
    """Pictures with all that is known of each: the same inputs, and a row of `Facts` instead of a label alone.

    Args:
        pictures: Of one epoch.
        sources: As `source_names` orders them.
        taught: What teachers say of the items they have seen.
    """

    def __init__(self, pictures: Drawn, sources: Sequence[str], taught: Mapping[Path, float]) -> None:
        self._pictures = pictures
        self._numbers = {source: number for number, source in enumerate(sources)}
        self._taught = taught

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> Sample:
        inputs, label = self._pictures[index]
        draw = self._pictures.draws[index]
        made = draw.label != draw.item.label
        said = math.nan if made else self._taught.get(draw.item.path, math.nan)
        return inputs, torch.tensor([float(label), self._numbers[draw.item.source], made, said])


def source_names(items: Iterable[Item]) -> list[str]:
    """The sources of items, in the order in which they are numbered."""
    return sorted({item.source for item in items})

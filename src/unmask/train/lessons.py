"""Pictures as frozen backbones are to describe them, and the descriptions as a head is to learn from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from unmask.makers import Nobody
from unmask.makers.donors import Gallery
from unmask.manifest import Item
from unmask.train.data import Draw, Sample, Store, form
from unmask.train.recipes import Augment, Recipe

Rows = NDArray[np.float16]
"""Descriptions, (N, D)."""


class View(Dataset[Sample]):
    """One form of every picture; where a maker is named, of the fake that it makes from each.

    Attributes:
        lent: Which train item lent its face to each fake, by its number; -1 where none did.
    """

    def __init__(
        self,
        items: Sequence[Item],
        maker: str | None,
        store: Store,
        recipe: Recipe,
        number: int,
        gallery: Gallery | None = None,
    ) -> None:
        self._items, self.maker, self._store, self._gallery = items, maker, store, gallery
        plain = number % recipe.train.views < recipe.train.plain_views
        self._recipe = recipe.model_copy(update={"augment": Augment.nothing()}) if plain else recipe
        self._chance = (number, *(maker or "").encode())
        self._numbers = {item.path: row for row, item in enumerate(gallery.items)} if gallery else {}
        self.lent = np.full(len(items), -1, np.int64)

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> Sample:
        rng = np.random.default_rng((*self._chance, index))
        draw = Draw(self._items[index], self.maker)
        others = self._gallery.besides(draw.item) if self._gallery else None
        pixels = form(draw, self._store.segments(draw.item), self._recipe, rng, rng, others or Nobody())
        if others and others.taken:
            self.lent[index] = self._numbers[others.taken.path]
        return torch.from_numpy(np.array(pixels)), torch.tensor(float(draw.label))


class Lessons(Dataset[Sample]):
    """The descriptions of one epoch, float32 (D,), with their labels.

    Attributes:
        draws: What each describes.
    """

    def __init__(self, lessons: Sequence[tuple[Rows, int]], draws: Sequence[Draw]) -> None:
        self._lessons = lessons
        self.draws = draws

    def __len__(self) -> int:
        return len(self._lessons)

    def __getitem__(self, index: int) -> Sample:
        rows, row = self._lessons[index]
        return torch.from_numpy(rows[row].astype(np.float32)), torch.tensor(float(self.draws[index].label))

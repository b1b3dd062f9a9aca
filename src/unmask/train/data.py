"""What the network is shown: batches of pairs, one real and one fake, drawn anew each epoch from a fixed seed.

The only splits that can be loaded here are train and val. Nothing in this file can read a test item.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from unmask import manifest
from unmask.errors import ManifestError
from unmask.makers import WITH_DONORS, Donors, Nobody, Portrait, make
from unmask.makers.donors import Gallery, landmarks
from unmask.manifest import FAKE, REAL, Item
from unmask.prepare import MANIFEST, read_segments
from unmask.train.augment import augment
from unmask.train.models import Detector
from unmask.train.recipes import Data, Recipe
from unmask.types import Pixels

Sample = tuple[torch.Tensor, torch.Tensor]
"""pixels uint8 (S, S, 3), label float32 ()."""


@dataclass(frozen=True)
class Draw:
    """One picture of an epoch: an item, and the maker of the fake that is to be made from it, if one is."""

    item: Item
    maker: str | None = None

    @property
    def label(self) -> int:
        """1 is fake."""
        return FAKE if self.maker else self.item.label


def read_split(folder: Path, split: Literal["train", "val"], leave_out: Sequence[str]) -> list[Item]:
    """Items of one split of a prepared folder, without the sources left out.

    Raises:
        ManifestError: The split is empty, lacks a class, or is not one that training may see.
    """
    if split not in ("train", "val"):
        raise ManifestError(f"training reads the splits train and val, never {split}")
    items = manifest.in_split(manifest.hold_out(manifest.read(folder / MANIFEST), leave_out), split)
    labels = {item.label for item in items}
    if labels != {REAL, FAKE}:
        raise ManifestError(f"the split {split} of {folder} needs both real and fake items; it has {len(items)} items")
    return items


def draw_epoch(items: Sequence[Item], data: Data, pictures: int, rng: np.random.Generator) -> list[Draw]:
    """The pictures of one epoch.

    In pairs, real and fake in turn, a made fake after its own original; or each by itself, as `data.balance` says.
    """
    if data.balance in ("weights", "none"):
        everything = Pool(items, data.source_power, rng)
        return [Draw(everything.draw()) for _ in range(pictures)]
    reals = Pool([item for item in items if item.label == REAL], data.source_power, rng)
    fakes = Pool([item for item in items if item.label == FAKE], data.source_power, rng)
    if data.balance == "sampler":
        return [Draw((fakes if rng.random() < 0.5 else reals).draw()) for _ in range(pictures)]
    names, weights = list(data.makers), np.array(list(data.makers.values()))
    draws: list[Draw] = []
    for _ in range(pictures // 2):
        real = reals.draw()
        made = rng.random() < data.made
        fake = Draw(real, str(rng.choice(names, p=weights / weights.sum()))) if made else Draw(fakes.draw())
        draws += [Draw(real), fake]
    return draws


def class_weights(items: Sequence[Item], data: Data) -> tuple[float, float]:
    """What a real and a fake weigh in the loss; the rarer class weighs more where the data are drawn as they are."""
    if data.balance != "weights":
        return 1.0, 1.0
    sizes = Counter(item.source for item in items)
    often = [sizes[item.source] ** (data.source_power - 1) for item in items]  # how often each is drawn
    fakes = sum(times for item, times in zip(items, often, strict=True) if item.label == FAKE) / sum(often)
    return 1 / (2 * (1 - fakes)), 1 / (2 * fakes)


class Pool:
    """Draws sources by weight, and goes through each source without repeating an item before all were seen."""

    def __init__(self, items: Sequence[Item], power: float, rng: np.random.Generator) -> None:
        self._rng = rng
        self._by_source: dict[str, list[Item]] = defaultdict(list)
        for item in items:
            self._by_source[item.source].append(item)
        self._sources = sorted(self._by_source)
        reached = np.cumsum([len(self._by_source[source]) ** power for source in self._sources])
        self._reached = (reached / reached[-1]).tolist()
        self._left: dict[str, list[int]] = {source: [] for source in self._sources}

    def draw(self) -> Item:
        """The next item."""
        # As numpy's own choice by weight draws, number for number, in a tenth of the time.
        source = self._sources[bisect_right(self._reached, self._rng.random())]
        left = self._left[source]
        if not left:
            left.extend(self._rng.permutation(len(self._by_source[source])).tolist())
        return self._by_source[source][left.pop()]


MEMORY_BYTES: Final = 2 * 2**30
"""What decoded pictures may take; beyond it they are decoded anew each time they are shown."""


class Store:
    """The segments of prepared items, kept in memory up to a budget and decoded anew beyond it.

    Filled before the loader forks its workers, so that all of them share one copy. However many items there are, no
    more than the budget stays in memory.
    """

    def __init__(self, items: Iterable[Item], size_px: int, budget_bytes: int = MEMORY_BYTES) -> None:
        self._size_px = size_px
        self._kept: dict[Path, list[Pixels]] = {}
        for item in items:
            segments = self._kept[item.path] = read_segments(item, size_px)
            budget_bytes -= sum(segment.nbytes for segment in segments)
            if budget_bytes < 0:
                break

    def segments(self, item: Item) -> list[Pixels]:
        """The segments of one item: uint8 (S, S, 3) each."""
        return self._kept.get(item.path) or read_segments(item, self._size_px)


class Epoch(Dataset[Sample]):
    """The drawn pictures of one epoch, cut, made and augmented; the same seed and epoch give the same pictures.

    Args:
        items: To draw from.
        store: Of their segments.
        recipe: How to draw and show them.
        epoch: Its number.
        gallery: Faces that makers may put into others; none where no maker needs any.

    Attributes:
        draws: What each picture is.
    """

    def __init__(
        self, items: Sequence[Item], store: Store, recipe: Recipe, epoch: int, gallery: Gallery | None = None
    ) -> None:
        self._recipe = recipe
        self._store = store
        self._gallery = gallery
        self._seed = (recipe.seed, epoch)
        rng = np.random.default_rng(self._seed)
        self.draws = draw_epoch(items, recipe.data, recipe.train.pictures_per_epoch, rng)

    def __len__(self) -> int:
        return len(self.draws)

    def __getitem__(self, index: int) -> Sample:
        draw = self.draws[index]
        # A pair shares the choice of segment and of crop, and nothing else.
        pair = np.random.default_rng((*self._seed, index // 2))
        own = np.random.default_rng((*self._seed, index, 1))
        donors = self._gallery.besides(draw.item) if self._gallery else Nobody()
        segments, partner = self._store.segments(draw.item), self._partner(own)
        return _sample(form(draw, segments, self._recipe, pair, own, donors, partner), draw.label)

    def _partner(self, own: np.random.Generator) -> Pixels | None:
        """A picture of the epoch, of any label, where the recipe mixes amplitudes."""
        if not self._recipe.augment.amplitude:
            return None
        return self._store.segments(self.draws[int(own.integers(len(self.draws)))].item)[0]


def form(
    draw: Draw,
    segments: Sequence[Pixels],
    recipe: Recipe,
    choice: np.random.Generator,
    own: np.random.Generator,
    donors: Donors,
    partner: Pixels | None = None,
) -> Pixels:
    """One picture as the network shall see it: chosen, made fake if it shall be, cropped, changed.

    Args:
        draw: What to show.
        segments: The item's.
        recipe: How.
        choice: Chooses the segment and the crop.
        own: Source of all other chance.
        donors: Faces that a maker may put in.
        partner: Another picture, for changes that mix two.

    Returns:
        uint8 (S, S, 3).
    """
    pixels = segments[int(choice.integers(len(segments)))]
    if draw.maker:
        pixels = make(draw.maker, Portrait(pixels, landmarks(draw.item)), donors, own)
    if recipe.data.crop_px:
        left, top = choice.integers(0, recipe.cut.size_px - recipe.data.crop_px + 1, 2)
        pixels = pixels[top:, left:][: recipe.data.crop_px, : recipe.data.crop_px]
    return augment(pixels, recipe.augment, own, partner)


class Pictures:
    """Pictures to learn from, and those of val to be scored: the feed of a network that learns whole.

    Args:
        recipe: How to show them.
        items: All that will be asked for.
        memory_bytes: What decoded pictures may take.
    """

    def __init__(self, recipe: Recipe, items: Iterable[Item], memory_bytes: int = MEMORY_BYTES) -> None:
        self._recipe = recipe
        self._store = Store(items, recipe.cut.size_px, memory_bytes)
        self._gallery: Gallery | None = None

    def epoch(self, learn: Sequence[Item], number: int) -> Epoch:
        """The pictures of one epoch: uint8 (S, S, 3), and the label. Faces are lent among `learn` alone."""
        lent = self._recipe.data.made and WITH_DONORS & self._recipe.data.makers.keys()
        if lent and (self._gallery is None or self._gallery.items != learn):
            self._gallery = Gallery(learn, self._store.segments)
        return Epoch(learn, self._store, self._recipe, number, self._gallery)

    @torch.inference_mode()
    def scores(self, model: Detector, items: Sequence[Item]) -> NDArray[np.float64]:
        """Mean logit of each item's segments: (len(items),)."""
        plain = Plain(items, self._store)
        model.eval()
        device = next(model.parameters()).device
        logits = [model(pixels.to(device))[0].cpu().numpy() for pixels, _ in DataLoader(plain, 128)]
        return mean_by_item(np.concatenate(logits), plain.owner)


def mean_by_item(logits: NDArray[np.float32], owner: NDArray[np.int64]) -> NDArray[np.float64]:
    """The score of each item, the mean of its segments': `owner` (N,) says whose each of the logits (N,) is."""
    return np.bincount(owner, logits.astype(np.float64)) / np.bincount(owner)


class Plain(Dataset[Sample]):
    """Items as they are, one segment after another: what evaluation during training looks at."""

    def __init__(self, items: Sequence[Item], store: Store) -> None:
        self._store = store
        self._index = [(i, k) for i, item in enumerate(items) for k in range(len(store.segments(item)))]
        self._items = items
        self.owner = np.array([i for i, _ in self._index])

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, index: int) -> Sample:
        i, k = self._index[index]
        return _sample(self._store.segments(self._items[i])[k], self._items[i].label)


def describe(items: Sequence[Item]) -> list[dict[str, str | int]]:
    """Items per source, label and licence, as the card lists them."""
    counts = Counter((item.source, "fake" if item.label == FAKE else "real", item.licence) for item in items)
    return [
        {"name": f"{source or 'data'} ({label})", "licence": licence or "not stated", "items": n}
        for (source, label, licence), n in sorted(counts.items())
    ]


def _sample(pixels: Pixels, label: int) -> Sample:
    return torch.from_numpy(np.array(pixels)), torch.tensor(float(label))

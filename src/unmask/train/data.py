"""What the network is shown: batches of pairs, one real and one fake, drawn anew each epoch from a fixed seed.

The only splits that can be loaded here are train and val. Nothing in this file can read a test item.
"""

from __future__ import annotations

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
from unmask.blend import Points, self_blend
from unmask.errors import ManifestError
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
    """One picture of an epoch: an item, and whether a fake is to be made from it."""

    item: Item
    blend: bool

    @property
    def label(self) -> int:
        """1 is fake."""
        return FAKE if self.blend else self.item.label


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
        everything = _Pool(items, data.source_power, rng)
        return [Draw(everything.draw(), False) for _ in range(pictures)]
    reals = _Pool([item for item in items if item.label == REAL], data.source_power, rng)
    fakes = _Pool([item for item in items if item.label == FAKE], data.source_power, rng)
    if data.balance == "sampler":
        return [Draw((fakes if rng.random() < 0.5 else reals).draw(), False) for _ in range(pictures)]
    draws: list[Draw] = []
    for _ in range(pictures // 2):
        real = reals.draw()
        fake = Draw(real, True) if rng.random() < data.self_blend else Draw(fakes.draw(), False)
        draws += [Draw(real, False), fake]
    return draws


def class_weights(items: Sequence[Item], data: Data) -> tuple[float, float]:
    """What a real and a fake weigh in the loss; the rarer class weighs more where the data are drawn as they are."""
    if data.balance != "weights":
        return 1.0, 1.0
    sizes = Counter(item.source for item in items)
    often = [sizes[item.source] ** (data.source_power - 1) for item in items]  # how often each is drawn
    fakes = sum(times for item, times in zip(items, often, strict=True) if item.label == FAKE) / sum(often)
    return 1 / (2 * (1 - fakes)), 1 / (2 * fakes)


class _Pool:
    """Draws sources by weight, and goes through each source without repeating an item before all were seen."""

    def __init__(self, items: Sequence[Item], power: float, rng: np.random.Generator) -> None:
        self._rng = rng
        self._by_source: dict[str, list[Item]] = defaultdict(list)
        for item in items:
            self._by_source[item.source].append(item)
        self._sources = sorted(self._by_source)
        weights = np.array([len(self._by_source[source]) ** power for source in self._sources])
        self._weights = weights / weights.sum()
        self._left: dict[str, list[int]] = {source: [] for source in self._sources}

    def draw(self) -> Item:
        source = self._sources[int(self._rng.choice(len(self._sources), p=self._weights))]
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
    """The drawn pictures of one epoch, cut, made and augmented; the same seed and epoch give the same pictures."""

    def __init__(self, items: Sequence[Item], store: Store, recipe: Recipe, epoch: int) -> None:
        self._recipe = recipe
        self._store = store
        self._seed = (recipe.seed, epoch)
        rng = np.random.default_rng(self._seed)
        self._draws = draw_epoch(items, recipe.data, recipe.train.pictures_per_epoch, rng)

    def __len__(self) -> int:
        return len(self._draws)

    def __getitem__(self, index: int) -> Sample:
        draw = self._draws[index]
        # A pair shares the choice of segment and of crop, and nothing else.
        pair = np.random.default_rng((*self._seed, index // 2))
        own = np.random.default_rng((*self._seed, index, 1))
        return _sample(form(draw, self._store.segments(draw.item), self._recipe, pair, own), draw.label)


def form(
    draw: Draw, segments: Sequence[Pixels], recipe: Recipe, choice: np.random.Generator, own: np.random.Generator
) -> Pixels:
    """One picture as the network shall see it: chosen, made fake if it shall be, cropped, changed.

    Args:
        draw: What to show.
        segments: The item's.
        recipe: How.
        choice: Chooses the segment and the crop.
        own: Source of all other chance.

    Returns:
        uint8 (S, S, 3).
    """
    pixels = segments[int(choice.integers(len(segments)))]
    if draw.blend:
        pixels = self_blend(pixels, _landmarks(draw.item, recipe.cut.size_px, own), own)
    if recipe.data.crop_px:
        left, top = choice.integers(0, recipe.cut.size_px - recipe.data.crop_px + 1, 2)
        pixels = pixels[top:, left:][: recipe.data.crop_px, : recipe.data.crop_px]
    return augment(pixels, recipe.augment, own)


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

    def epoch(self, learn: Sequence[Item], number: int) -> Dataset[Sample]:
        """The pictures of one epoch: uint8 (S, S, 3), and the label."""
        return Epoch(learn, self._store, self._recipe, number)

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


def _landmarks(item: Item, size_px: int, rng: np.random.Generator) -> Points:
    """The face's landmarks, or for a patch five points of a face somewhere in it: a seam is a seam anywhere."""
    text = item.attributes.get("landmarks_px")
    if text:
        return np.array(text.split(), np.float32).reshape(5, 2)
    eyes = size_px * float(rng.uniform(0.15, 0.4))
    face = np.array([[-0.5, -0.55], [0.5, -0.55], [0, 0], [-0.4, 0.55], [0.4, 0.55]], np.float32) * eyes
    return face + rng.uniform(0.25, 0.75, 2).astype(np.float32) * size_px

"""What frozen backbones say of looks at persons in videos, as `unmask.train.views` keeps it of pictures.

A change is drawn once for a window and is the same for all its looks: one that flickers would be a trace.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from unmask import films
from unmask.manifest import FAKE, REAL, Item
from unmask.strips import count_windows, read_windows
from unmask.train.augment import augment
from unmask.train.data import Draw, Pictures, Pool, Sample, mean_by_item, read_split
from unmask.train.kept import kept, numbered
from unmask.train.lessons import Rows
from unmask.train.models import Detector
from unmask.train.recipes import Augment, Data, Recipe
from unmask.train.views import Described, Progress
from unmask.train.voices import DescribedVoices, Voices
from unmask.types import Pixels

_JUDGED_AT_ONCE: Final = 256


def described(
    model: Detector,
    recipe: Recipe,
    prepared: Path,
    *,
    weights: Sequence[Path | None] = (),
    progress: Progress | None = None,
) -> Described | DescribedWindows | DescribedVoices:
    """What the frozen backbones of a network say of all that its recipe looks at, or listens to."""
    of_pictures = DescribedWindows if recipe.cut.frames else Described
    kind = DescribedVoices if recipe.model.hears else of_pictures
    return kind(model, recipe, prepared, weights=weights, progress=progress)


class DescribedWindows:
    """Descriptions of the train and val windows of a prepared folder, by the frozen backbones of a network.

    Args:
        model: Its backbones describe; its head plays no part.
        recipe: Whose forms to make; what it leaves out is described too, for the runs that do not.
        prepared: The folder, of strips.
        weights: Files that the backbones' weights came from.
        jobs: Persons worked on at a time; all usable cores when None.
        progress: Called with persons described and persons in all.

    Raises:
        RecipeError: A description overflows half precision.
        ManifestError: The prepared folder lacks train or val items.
        UsageError: An item is no strip of such windows.
    """

    def __init__(
        self,
        model: Detector,
        recipe: Recipe,
        prepared: Path,
        *,
        weights: Sequence[Path | None] = (),
        jobs: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._recipe = recipe
        everything, check = (read_split(prepared, split, ()) for split in ("train", "val"))
        self._windows = numbered(everything, [count_windows(item, recipe.cut) for item in everything])
        self._check_windows = numbered(check, [count_windows(item, recipe.cut) for item in check])
        views, val = kept(
            model,
            recipe,
            prepared,
            lambda number: Strips(everything, recipe, number),
            Strips(check, recipe),
            weights=weights,
            code=[Path(__file__)],
            jobs=jobs,
            progress=progress,
        )
        self._views, self._check = [self._in_windows(one) for one in views], self._in_windows(val)

    def epoch(self, learn: Sequence[Item], number: int) -> Sequences:
        """What one epoch learns from: of each person drawn a window by chance, float32 (F, D), and the label."""
        data = self._recipe.data
        frames: int = self._check.shape[1]
        rng = np.random.default_rng((self._recipe.seed, number))
        draws = draw_pairs(learn, data, self._recipe.train.pictures_per_epoch, rng)
        chosen: list[tuple[Rows, int, NDArray[np.int64]]] = []
        for draw in draws:
            view = self._views[int(rng.integers(len(self._views)))]
            window = int(rng.choice(self._windows[draw.item.path]))
            chosen.append((view, window, _kept(rng.random(frames) >= data.drop_looks)))
        return Sequences(chosen, draws)

    @torch.inference_mode()
    def scores(self, model: Detector, items: Sequence[Item]) -> NDArray[np.float64]:
        """Mean logit of each val item's windows: (len(items),)."""
        device = next(model.parameters()).device
        model.eval()
        rows = np.concatenate([np.array(self._check_windows[item.path]) for item in items])
        owner = np.repeat(np.arange(len(items)), [len(self._check_windows[item.path]) for item in items])
        parts = [self._check[rows[start : start + _JUDGED_AT_ONCE]] for start in range(0, len(rows), _JUDGED_AT_ONCE)]
        logits = [model.judge(torch.from_numpy(part).to(device)).cpu().numpy() for part in parts]
        return mean_by_item(np.concatenate(logits), owner)

    def _in_windows(self, looks: Rows) -> Rows:
        """(windows, F, D)."""
        return looks.reshape(-1, self._recipe.cut.frames or 1, looks.shape[1])


def shown(recipe: Recipe, items: Sequence[Item], memory_bytes: int) -> Pictures | ShownWindows | Voices:
    """What a network that learns whole is shown: pictures, windows of looks, or voices."""
    of_pictures = ShownWindows if recipe.cut.frames else Pictures
    return (Voices if recipe.model.hears else of_pictures)(recipe, items, memory_bytes)


class ShownWindows:
    """Windows to learn from, and those of val to be scored: the feed of a network that learns whole.

    Args:
        recipe: How to show them.
        items: All that will be asked for.
        memory_bytes: What decoded strips may take; those beyond are decoded whenever they are shown.
    """

    def __init__(self, recipe: Recipe, items: Sequence[Item], memory_bytes: int) -> None:
        self._recipe = recipe
        self._kept: dict[Path, list[Pixels]] = {}
        for item in items:
            windows = self._kept[item.path] = read_windows(item, recipe.cut)
            memory_bytes -= sum(window.nbytes for window in windows)
            if memory_bytes < 0:
                break

    def epoch(self, learn: Sequence[Item], number: int) -> ShownEpoch:
        """The windows of one epoch: uint8 (K, S, S, 3), and the label."""
        return ShownEpoch(learn, self._windows, self._recipe, number)

    @torch.inference_mode()
    def scores(self, model: Detector, items: Sequence[Item]) -> NDArray[np.float64]:
        """Mean logit of each item's windows: (len(items),)."""
        model.eval()
        device = next(model.parameters()).device
        found = [
            [float(model(torch.tensor(window[None], device=device))[0]) for window in self._windows(item)]
            for item in items
        ]
        return np.array([np.mean(logits) for logits in found])

    def _windows(self, item: Item) -> list[Pixels]:
        return self._kept.get(item.path) or read_windows(item, self._recipe.cut)


class ShownEpoch(Dataset[Sample]):
    """The windows drawn for one epoch; the same seed and epoch give the same ones.

    Args:
        items: To draw from.
        windows: Gives those of an item.
        recipe: How many looks to show of each, and how to change them.
        number: Of the epoch.
    """

    def __init__(
        self, items: Sequence[Item], windows: Callable[[Item], list[Pixels]], recipe: Recipe, number: int
    ) -> None:
        self._windows, self._recipe, self._seed = windows, recipe, (recipe.seed, number)
        rng = np.random.default_rng(self._seed)
        self.draws = draw_pairs(items, recipe.data, recipe.train.pictures_per_epoch, rng)

    def __len__(self) -> int:
        return len(self.draws)

    def __getitem__(self, index: int) -> Sample:
        draw, own = self.draws[index], (*self._seed, index)
        rng = np.random.default_rng(own)
        windows = self._windows(draw.item)
        window = windows[int(rng.integers(len(windows)))]
        looks = sorted(rng.permutation(len(window))[: self._recipe.data.looks or len(window)])
        changed = [augment(window[i], self._recipe.augment, np.random.default_rng((*own, 1))) for i in looks]
        return torch.from_numpy(np.stack(changed)), torch.tensor(float(draw.label))


class Strips(Dataset[Sample]):
    """One form of every person's windows: all looks uint8 (W x F, S, S, 3), one after another, and the label.

    Args:
        items: Prepared strips.
        recipe: How to change them.
        number: Of the form; None leaves them as they are.
    """

    def __init__(self, items: Sequence[Item], recipe: Recipe, number: int | None = None) -> None:
        plain = number is None or number < recipe.train.plain_views
        self._items, self._cut, self._number = items, recipe.cut, number or 0
        self._changes = Augment.nothing() if plain else recipe.augment

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> Sample:
        item = self._items[index]
        looks = [
            augment(look, self._changes, np.random.default_rng((self._number, index, place)))
            for place, window in enumerate(read_windows(item, self._cut))
            for look in window
        ]
        return torch.from_numpy(np.stack(looks)), torch.tensor(float(item.label))


class Sequences(Dataset[Sample]):
    """The windows of one epoch, described: float32 (F, D), with their labels.

    Args:
        chosen: For each the view, the window in it, and which look stands in each place.
        draws: What each describes.
    """

    def __init__(self, chosen: Sequence[tuple[Rows, int, NDArray[np.int64]]], draws: Sequence[Draw]) -> None:
        self._chosen = chosen
        self.draws = draws

    def __len__(self) -> int:
        return len(self._chosen)

    def __getitem__(self, index: int) -> Sample:
        view, window, looks = self._chosen[index]
        said = view[window][looks].astype(np.float32)
        return torch.from_numpy(said), torch.tensor(float(self.draws[index].label))


def draw_pairs(items: Sequence[Item], data: Data, looks: int, rng: np.random.Generator) -> list[Draw]:
    """The persons of one epoch, real and fake in turn: `data.made` of the pairs are clips made by `unmask films`.

    Both of a pair are made, or neither is: how clips were made must not tell which of them are fakes. Where one kind
    lacks a class, all are drawn from the other.
    """
    kinds = [[item for item in items if films.made(item) is kind] for kind in (False, True)]
    able = [{item.label for item in kind} == {REAL, FAKE} for kind in kinds]
    share = data.made if all(able) else float(able[1])
    pools = [
        [Pool([item for item in kind if item.label == label], data.source_power, rng) for label in (REAL, FAKE)]
        if both
        else []
        for kind, both in zip(kinds, able, strict=True)
    ]
    return [Draw(pool.draw()) for _ in range(looks // 2) for pool in pools[int(rng.random() < share)]]


def _kept(stays: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Which look stands in each place: itself, or where it was dropped the one before it that was not; (F,)."""
    places = np.arange(len(stays))
    if not stays.any():
        return places
    before = np.maximum.accumulate(np.where(stays, places, -1))
    return np.asarray(np.where(before < 0, stays.argmax(), before), np.int64)

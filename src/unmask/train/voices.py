"""Voices to learn from, and what frozen backbones say of them: `unmask.train.data` and `views`, for windows of sound.

A batch is half real and half fake. A fake that `unmask voices` made of a recording stands beside that very recording,
so what is said and who says it tell nothing. What happens to a window is drawn before its label is looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from unmask import sound_changes, sound_codecs
from unmask.manifest import FAKE, REAL, Item
from unmask.prepare_speech import as_samples, read_windows
from unmask.train import hearing, sound_augment
from unmask.train.data import Draw, Pool, Sample, mean_by_item, read_split
from unmask.train.discriminant import Table
from unmask.train.kept import kept, numbered
from unmask.train.lessons import Lessons
from unmask.train.models import Detector
from unmask.train.recipes import Data, Recipe
from unmask.train.sound_augment import SoundAugment, augment_sound
from unmask.train.views import Progress, by_source
from unmask.types import Samples
from unmask.voices import made

Windows = NDArray[np.int16]
"""Of one recording: (K, T)."""

_JUDGED_AT_ONCE = 32


def collected(items: Sequence[Item]) -> list[Item]:
    """Without what was made here, if there are other fakes: how well one's own vocoders are found says little."""
    found = [item for item in items if not made(item)]
    return found if any(item.label == FAKE for item in found) else list(items)


def draw_voices(items: Sequence[Item], data: Data, count: int, rng: np.random.Generator) -> list[Draw]:
    """The recordings of one epoch, real and fake in turn: `data.made` of the fakes are made ones.

    A made fake is one of the real recording before it, where there is one, else any.
    """
    reals = Pool([item for item in items if item.label == REAL], data.source_power, rng)
    fakes = [item for item in items if item.label == FAKE]
    ours = [item for item in fakes if made(item)]
    share = data.made if 0 < len(ours) < len(fakes) else float(bool(ours))
    pools = [Pool(some, data.source_power, rng) if some else None for some in (collected(fakes), ours)]
    made_of: dict[str, list[Item]] = defaultdict(list)
    for item in ours:
        made_of[item.group].append(item)
    draws: list[Draw] = []
    for _ in range(count // 2):
        real = reals.draw()
        mine = next((made_of[key] for key in _keys(real) if key in made_of), None)
        ask = rng.random() < share
        pool = pools[int(ask)]
        assert pool is not None  # its share would be 0
        draws += [Draw(real), Draw(mine[int(rng.integers(len(mine)))] if ask and mine else pool.draw())]
    return draws


def _keys(real: Item) -> Iterator[str]:
    """What the group of a fake that was made of it may be: its own, or its path as some table has it."""
    yield real.group
    parts = Path(real.attributes.get("original", "")).parts
    yield from ("/".join(parts[start:]) for start in range(len(parts)))


class Voices:
    """Windows to learn from, and those of val to be scored: the feed of a network that learns whole.

    Args:
        recipe: How to show them.
        items: All that will be asked for.
        memory_bytes: What windows may take; those beyond are read whenever they are shown.
    """

    def __init__(self, recipe: Recipe, items: Iterable[Item], memory_bytes: int) -> None:
        self._recipe = recipe
        self._kept: dict[Path, Windows] = {}
        for item in items:
            windows = self._kept[item.path] = read_windows(item, recipe.cut)
            memory_bytes -= windows.nbytes
            if memory_bytes < 0:
                break

    def epoch(self, learn: Sequence[Item], number: int) -> VoiceEpoch:
        """The windows of one epoch: float32 (T,), and the label."""
        return VoiceEpoch(learn, self._windows, self._recipe, number)

    @torch.inference_mode()
    def scores(self, model: Detector, items: Sequence[Item]) -> NDArray[np.float64]:
        """Mean logit of each item's windows: (len(items),)."""
        model.eval()
        device = next(model.parameters()).device
        windows = [self._windows(item) for item in items]
        owner = np.repeat(np.arange(len(items)), [len(one) for one in windows])
        together = np.concatenate(windows)
        parts = [together[start : start + _JUDGED_AT_ONCE] for start in range(0, len(together), _JUDGED_AT_ONCE)]
        logits = [model(torch.from_numpy(as_samples(part)).to(device))[0].cpu().numpy() for part in parts]
        return mean_by_item(np.concatenate(logits), owner)

    def _windows(self, item: Item) -> Windows:
        there = self._kept.get(item.path)
        return read_windows(item, self._recipe.cut) if there is None else there


class VoiceEpoch(Dataset[Sample]):
    """The windows drawn for one epoch; the same seed and epoch give the same ones.

    Args:
        items: To draw from.
        windows: Gives those of an item.
        recipe: How to change them.
        number: Of the epoch.

    Attributes:
        draws: What each window is.
    """

    def __init__(self, items: Sequence[Item], windows: Callable[[Item], Windows], recipe: Recipe, number: int) -> None:
        self._windows, self._recipe, self._seed = windows, recipe, (recipe.seed, number)
        rng = np.random.default_rng(self._seed)
        self.draws = draw_voices(items, recipe.data, recipe.train.pictures_per_epoch, rng)

    def __len__(self) -> int:
        return len(self.draws)

    def __getitem__(self, index: int) -> Sample:
        draw = self.draws[index]
        pair = np.random.default_rng((*self._seed, index // 2))  # a pair shares the place in the recording
        windows = self._windows(draw.item)
        window = as_samples(windows[int(pair.random() * len(windows))])
        changed = augment_sound(window, self._recipe.sound, np.random.default_rng((*self._seed, index, 1)))
        return torch.from_numpy(changed), torch.tensor(float(draw.label))


class DescribedVoices:
    """Descriptions of the train and val windows of a prepared folder, by the frozen backbones of a network.

    Args:
        model: Its backbones describe; its head plays no part.
        recipe: Whose forms to make; what it leaves out is described too, for the runs that do not.
        prepared: The folder.
        weights: Files that the backbones' weights came from.
        jobs: Recordings worked on at a time; all usable cores when None.
        progress: Called with recordings described and recordings in all.

    Raises:
        RecipeError: A description overflows half precision.
        ManifestError: The prepared folder lacks train or val items.
        UsageError: An item holds no such windows.
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
        self._windows, self._check_windows = (
            numbered(items, [len(read_windows(item, recipe.cut)) for item in items]) for items in (everything, check)
        )
        code = [Path(str(one.__file__)) for one in (hearing, sound_augment, sound_changes, sound_codecs)]
        self._views, self._check = kept(
            model,
            recipe,
            prepared,
            lambda number: VoiceForms(everything, recipe, number),
            VoiceForms(check, recipe),
            weights=weights,
            code=[Path(__file__), *code],
            jobs=jobs,
            progress=progress,
        )

    def epoch(self, learn: Sequence[Item], number: int) -> Lessons:
        """What one epoch learns from: of each recording drawn a window by chance, float32 (D,), and the label."""
        rng = np.random.default_rng((self._recipe.seed, number))
        draws = draw_voices(learn, self._recipe.data, self._recipe.train.pictures_per_epoch, rng)
        views = rng.integers(len(self._views), size=len(draws))
        rows = [int(rng.choice(self._windows[draw.item.path])) for draw in draws]
        return Lessons([(self._views[view], row) for view, row in zip(views, rows, strict=True)], draws)

    def table(self, learn: Sequence[Item]) -> Table:
        """All descriptions of these items at once, each weighed by how often an epoch would draw it."""
        data = self._recipe.data
        kinds = {
            "real": ([item for item in learn if item.label == REAL], 1.0),
            "collected": ([item for item in learn if item.label == FAKE and not made(item)], 1.0 - data.made),
            "made": ([item for item in learn if made(item)], data.made),
        }
        rows: list[int] = []
        labels: list[int] = []
        weights: list[float] = []
        groups: list[str] = []
        for kind, (mine, share) in kinds.items():
            for item, weight in zip(mine, by_source(mine, data.source_power), strict=True) if mine else ():
                own = self._windows[item.path]
                rows += own
                labels += [item.label] * len(own)
                weights += [share * weight / len(own)] * len(own)
                groups += [f"{kind} {item.source} {item.attributes.get('made', '')}"] * len(own)
        views = len(self._views)
        return Table(
            rows=np.concatenate([view[rows] for view in self._views]),
            labels=np.tile(labels, views),
            weights=np.tile(weights, views) / views,
            groups=np.tile(np.unique(groups, return_inverse=True)[1], views),
        )

    @torch.inference_mode()
    def scores(self, model: Detector, items: Sequence[Item]) -> NDArray[np.float64]:
        """Mean logit of each val item's windows: (len(items),)."""
        device = next(model.parameters()).device
        model.eval()
        rows = [row for item in items for row in self._check_windows[item.path]]
        owner = np.repeat(np.arange(len(items)), [len(self._check_windows[item.path]) for item in items])
        logits = model.judge(torch.from_numpy(self._check[rows]).to(device)).cpu().numpy()
        return mean_by_item(logits, owner)


class VoiceForms(Dataset[Sample]):
    """One form of every recording: all its windows, float32 (K, T), and the label.

    Args:
        items: Prepared recordings.
        recipe: How to change them.
        number: Of the form; None leaves them as they are.
    """

    def __init__(self, items: Sequence[Item], recipe: Recipe, number: int | None = None) -> None:
        plain = number is None or number < recipe.train.plain_views
        self._items, self._cut, self._number = items, recipe.cut, number or 0
        self._changes = SoundAugment.nothing() if plain else recipe.sound

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> Sample:
        windows = as_samples(read_windows(self._items[index], self._cut))
        changed = [self._changed(window, index, place) for place, window in enumerate(windows)]
        return torch.from_numpy(np.stack(changed)), torch.tensor(float(self._items[index].label))

    def _changed(self, window: Samples, index: int, place: int) -> Samples:
        return augment_sound(window, self._changes, np.random.default_rng((self._number, index, place)))

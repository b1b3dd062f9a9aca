"""Pretraining without labels: the train split's pictures, whatever they are, teach a backbone what pictures look like.

What comes out is a file of weights with the network's own names, which a recipe can begin with. It learns from the
pictures of every source that is not left out, and whoever measures a generator as unseen leaves it out here too.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from lightning.fabric import Fabric
from pydantic import Field
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from unmask import manifest
from unmask.errors import ManifestError, RecipeError, UnmaskError, UsageError
from unmask.manifest import Item
from unmask.prepare import MANIFEST, read_cut
from unmask.train.augment import augment
from unmask.train.data import MEMORY_BYTES, Draw, Store, draw_epoch
from unmask.train.learning import schedule
from unmask.train.loop import precision
from unmask.train.models import Eye, build
from unmask.train.pretrained import FIGURES, Pretrained, finish, finished, keep, resume
from unmask.train.recipes import Recipe
from unmask.train.run import find_weights, pin
from unmask.train.vicreg import Student, Terms, vicreg
from unmask.types import Pixels, Value

Progress = Callable[[str, int, int], None]
"""Called with what is going on, steps done and steps in all."""

_SMOOTH: Final = 0.95  # of the loss that progress shows


class Pretraining(Value):
    """How long and how fast.

    Attributes:
        epochs: Passes of `pictures` pictures, drawn anew each time.
        pictures: Likewise; each is seen in two views.
        batch: Pictures a step.
        learning_rate: Its peak; AdamW, rising for a tenth of the steps and falling along a cosine.
        weight_decay: Of all weights but biases and normalisation.
        width: Of the expander in which views are compared.
    """

    epochs: int = Field(default=20, gt=0)
    pictures: int = Field(default=6000, gt=0)
    batch: int = Field(default=128, gt=1)
    learning_rate: float = Field(default=5e-4, gt=0.0)
    weight_decay: float = Field(default=0.01, ge=0.0)
    width: int = Field(default=1024, gt=0)


def pretrain(
    recipe: Recipe,
    prepared: Path,
    out: Path,
    *,
    options: Pretraining | None = None,
    weights: Path | None = None,
    progress: Progress | None = None,
    workers: int = 1,
    memory_bytes: int = MEMORY_BYTES,
) -> Pretrained:
    """Pretrain the backbone of a recipe, or go on where that was stopped.

    The whole backbone learns, as far as its last map that the recipe reads; `freeze` and `learn` speak of what labels
    may change later. Views are made by the recipe's [augment] and crop. The state after each epoch lies beside `out`,
    as NAME.state.safetensors, until the last.

    Args:
        recipe: Which backbone, from which weights, and which views.
        prepared: A folder made by `unmask prepare` with the recipe's cut.
        out: The safetensors file to write.
        options: How long and how fast.
        weights: Folder in which a weights file named by the recipe lies; the current folder when None.
        progress: Called after every step.
        workers: Processes that make views while the network works; 0 makes them in this one.
        memory_bytes: What decoded pictures may take; those beyond are decoded whenever they are shown.

    Raises:
        RecipeError: The recipe has several backbones, views that do not differ, or does not fit the data or weights.
        UsageError: `out` or its state is of other data, another recipe or other options, or a batch exceeds an epoch.
        ManifestError: The prepared folder has nothing to learn from.
        UnmaskError: The loss is no number any more, or the disk is full. What was kept before stays.
    """
    options = options or Pretraining()
    if read_cut(prepared) != recipe.cut:
        raise RecipeError(f"{prepared} was prepared with another cut than the recipe's: prepare it again")
    _check(recipe, options)
    items = manifest.in_split(manifest.hold_out(manifest.read(prepared / MANIFEST), recipe.data.leave_out), "train")
    if not items:
        raise ManifestError(f"{prepared} has no items in train, or all their sources are left out")
    files = find_weights(recipe, weights)
    about = _about(recipe, options, items, files)
    if out.is_file():
        return finished(out, about)

    fabric = Fabric(accelerator="auto", devices=1, precision=precision())
    fabric.launch()
    fabric.seed_everything(recipe.seed, verbose=False)
    student = _student(recipe, files, options.width).to(fabric.device)
    decayed = [one for one in student.parameters() if one.ndim > 1]
    others = [one for one in student.parameters() if one.ndim <= 1]
    stepper: Any = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": options.weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=options.learning_rate,
    )
    start, last = resume(out, about, student, stepper)
    wrapped, stepper = fabric.setup(student, stepper)

    store = Store(items, recipe.cut.size_px, memory_bytes)
    a_pass = options.pictures // options.batch
    smooth: float | None = None
    for epoch in range(start, options.epochs):
        fabric.seed_everything(recipe.seed + epoch, verbose=False)  # what was stopped draws the same chances
        wrapped.train()
        views = _Views(items, store, recipe, options.pictures, epoch)
        helped = {"num_workers": workers, "prefetch_factor": 4} if workers else {}
        loader = DataLoader(views, options.batch, drop_last=True, **cast("Any", helped))
        terms: list[Terms] = []
        for step, pairs in enumerate(fabric.setup_dataloaders(loader), start=epoch * a_pass):
            for group in stepper.param_groups:
                group["lr"] = options.learning_rate * schedule("one-cycle", step, options.epochs * a_pass)
            one, other = wrapped(pairs.flatten(0, 1)).float().unflatten(0, (-1, 2)).unbind(1)
            now = vicreg(one, other)
            loss = now.loss.item()
            if not math.isfinite(loss):
                what = f"the loss is no longer a number in epoch {epoch + 1}: lower the learning rate; "
                raise UnmaskError(what + "the last whole epoch is kept")
            fabric.backward(now.loss)
            fabric.clip_gradients(wrapped, stepper, max_norm=1.0)
            stepper.step()
            stepper.zero_grad()
            terms.append(Terms(*(term.detach() for term in now)))
            smooth = loss if smooth is None else _SMOOTH * smooth + (1 - _SMOOTH) * loss
            if progress:
                progress(f"pretraining, loss {smooth:.3f}", step + 1, options.epochs * a_pass)
        last = {name: float(torch.stack([getattr(one, name) for one in terms]).mean()) for name in FIGURES}
        keep(out, about, student, stepper, epoch + 1, last)
    finish(out, about, student.eye.network, last)
    return finished(out, about)


class _Views(Dataset[Tensor]):
    """The pictures of one epoch, each in two views: uint8 (2, S, S, 3)."""

    def __init__(self, items: Sequence[Item], store: Store, recipe: Recipe, pictures: int, epoch: int) -> None:
        self._store, self._recipe = store, recipe
        self._seed = (recipe.seed, epoch)
        as_they_come = recipe.data.model_copy(update={"balance": "none"})
        self._draws: list[Draw] = draw_epoch(items, as_they_come, pictures, np.random.default_rng(self._seed))

    def __len__(self) -> int:
        return len(self._draws)

    def __getitem__(self, index: int) -> Tensor:
        rng = np.random.default_rng((*self._seed, index))
        segments = self._store.segments(self._draws[index].item)
        pixels = segments[int(rng.integers(len(segments)))]
        return torch.from_numpy(np.stack([self._view(pixels, rng) for _ in range(2)]))

    def _view(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        side_px = self._recipe.data.crop_px
        if side_px:
            left, top = rng.integers(0, self._recipe.cut.size_px - side_px + 1, 2)
            pixels = pixels[top:, left:][:side_px, :side_px]
        return augment(pixels, self._recipe.augment, rng)


def _check(recipe: Recipe, options: Pretraining) -> None:
    if len(recipe.model.backbones) > 1:
        raise RecipeError(f"the recipe {recipe.name} has several backbones: pretrain each by a recipe of its own")
    if recipe.model.backbones[0].sees == "learned-residual":
        raise RecipeError('a "learned-residual" is no part of the weights that are written: give sees = "residual"')
    chances = recipe.augment.model_dump(exclude={"jpeg_quality"}).values()
    if not recipe.data.crop_px and not any(chances):
        raise RecipeError(f"two views of a picture would be the same: the [augment] of {recipe.name} changes nothing")
    if options.pictures < options.batch:
        raise UsageError(f"an epoch of {options.pictures} pictures does not hold one batch of {options.batch}")


def _student(recipe: Recipe, files: Sequence[Path | None], width: int) -> Student:
    whole = recipe.model.backbones[0].model_copy(update={"freeze": (), "thaw": {}, "learn": "all"})
    model = build(recipe.model.model_copy(update={"backbones": (whole,)}), files)
    size_px = recipe.data.crop_px or recipe.cut.size_px
    with torch.no_grad():
        maps = model.eval().maps(torch.zeros((1, size_px, size_px, 3), dtype=torch.uint8))
    return Student(cast("Eye", model.eyes[0]), sum(one.shape[1] for one in maps), width)


def _about(recipe: Recipe, options: Pretraining, items: Sequence[Item], files: Sequence[Path | None]) -> dict[str, str]:
    """What the file says of itself; all of it must be the same where it is gone on with."""
    backbone = recipe.model.backbones[0]
    drawn = {
        "augment": recipe.augment.model_dump(),
        "data": recipe.data.model_dump(include={"crop_px", "source_power"}),
    }
    told: list[Any] = [backbone.model_dump(), recipe.cut.model_dump(), drawn, recipe.seed, options.model_dump()]
    told.append(pin(items, files))
    return {
        "backbone": backbone.name,
        "from": backbone.weights,
        "sees": backbone.sees,
        "left_out": ", ".join(recipe.data.leave_out),
        "sources": ", ".join(sorted({item.source for item in items})),
        "pictures": str(len(items)),
        "epochs": str(options.epochs),
        "made_of": hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest(),
    }

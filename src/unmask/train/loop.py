"""The training loop, from top to bottom: read, build, learn, look at val, keep.

A run (`unmask.train.run`) stopped at any moment goes on from its last whole epoch. The last epoch is the result; no
epoch is picked by its score, so val stays fresh for calibration.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

import numpy as np
import torch
from lightning.fabric import Fabric
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset

from unmask.errors import RecipeError, UnmaskError, UsageError
from unmask.makers import generators
from unmask.makers.reconstruct import by_generators
from unmask.manifest import Item
from unmask.prepare import REENCODED, read_cut
from unmask.train import run as runs
from unmask.train.attacks import attack
from unmask.train.data import MEMORY_BYTES, Sample, class_weights, describe, read_split
from unmask.train.facts import Facts, Known, source_names
from unmask.train.learning import follow, optimizer, pace, staying
from unmask.train.models import Detector, build, hold
from unmask.train.objectives import Lesson, wanted
from unmask.train.recipes import Recipe
from unmask.train.run import Run, claim, find_weights, keep, pin, resume, stalled
from unmask.train.solving import figures, solved
from unmask.train.teachers import hear, teachers
from unmask.train.trackers import trackers
from unmask.train.views import Described
from unmask.train.voices import DescribedVoices, collected
from unmask.train.windows import DescribedWindows, described, shown

Progress = Callable[[str, int, int], None]
"""Called with what is going on, steps done and steps in all."""

_SMOOTH: Final = 0.95  # of the loss that progress shows


def train(
    recipe: Recipe,
    prepared: Path,
    folder: Path,
    *,
    weights: Path | None = None,
    progress: Progress | None = None,
    workers: int = 1,
    devices: int = 1,
    memory_bytes: int = MEMORY_BYTES,
) -> Run:
    """Train a recipe on a prepared folder, or go on with a run that was stopped.

    Args:
        recipe: What to do.
        prepared: A folder made by `unmask prepare` with the recipe's cut.
        folder: Where the run lives.
        weights: Folder in which a weights file named by the recipe lies; the current folder when None.
        progress: Called after every step.
        workers: Processes that make pictures while the network works; 0 makes them in this one.
        devices: Processors that learn together, each from its part of every batch (DDP); the recipe stays as it is.
        memory_bytes: What decoded pictures may take; those beyond are decoded whenever they are shown.

    Raises:
        RecipeError: The recipe does not fit the data, the weights or the number of devices.
        UsageError: `folder` holds a run of another recipe.
        ManifestError: The prepared folder lacks train or val items.
    """
    if read_cut(prepared) != recipe.cut:
        raise RecipeError(f"{prepared} was prepared with another cut than the recipe's: prepare it again")
    learn, check = (read_split(prepared, split, recipe.data.leave_out) for split in ("train", "val"))
    check = collected(check) if recipe.model.hears else check
    _check_reencoded([*learn, *check], recipe)
    _check_devices(recipe, devices)

    options = recipe.train
    fabric = Fabric(
        accelerator="auto",
        devices=devices,
        strategy=_strategy(recipe, devices),
        precision=precision() if options.precision == "auto" else options.precision,
    )
    fabric.launch()
    fabric.seed_everything(recipe.seed, verbose=False)
    files = find_weights(recipe, weights)
    if "reconstruct" in recipe.data.makers and recipe.data.made:
        by_generators.look_in((weights or Path()) / generators.FOLDER)
    model = build(recipe.model, files).to(fabric.device).to(memory_format=torch.channels_last)
    objective = wanted(recipe, model, learn).to(fabric.device)
    masters = teachers(recipe)
    first = fabric.is_global_zero  # it alone writes, looks at val and tells
    if first:
        pinned = {"teachers": {one.card.name: one.card.sha256 for one in masters}} if masters else {}
        found = {"train": describe(learn), "val": describe(check), "sha256": pin([*learn, *check], files)}
        claim(folder, recipe, found | pinned)
    if recipe.model.solved:
        return _solved(recipe, prepared, folder, model, (learn, check), files, progress)
    average = build(recipe.model.initialised("none"))
    average.load_state_dict(model.state_dict())
    average.to(fabric.device)
    stepper = optimizer(model, recipe, objective)
    start = resume(folder, model, average, stepper, objective)
    if start == options.epochs or stalled(runs.lines(folder, start), options.patience):
        return Run(folder, runs.lines(folder, start)[-1], first)
    hold(model, recipe.model, options.epochs)  # whatever learns in any epoch must be known when devices are joined
    lesson = Lesson(model)
    wrapped, stepper = fabric.setup(lesson, stepper)

    frozen = recipe.model.frozen
    feed = (
        _described(recipe, prepared, model, files, progress)
        if frozen
        else shown(recipe, [*learn, *check], memory_bytes)
    )
    tell = _Teller(progress if first else None, options.epochs * (options.pictures_per_epoch // options.batch))
    tracked = trackers(folder) if first else []
    sources, heard = source_names(learn), hear(masters, prepared, learn, progress if first else None)
    costs = torch.tensor(class_weights(learn, recipe.data), device=fabric.device)
    for epoch in range(start, options.epochs):
        began = time.monotonic()
        hold(model, recipe.model, epoch + 1)
        wrapped.train()
        fabric.seed_everything(recipe.seed + epoch, verbose=False)  # a run that was stopped draws the same chances
        chance = torch.Generator(fabric.device).manual_seed(recipe.seed + epoch)
        loader = _loader(Known(feed.epoch(learn, epoch), sources, heard), recipe, fabric, workers)
        total, steps = 0.0, options.epochs * len(loader)
        for step, (inputs, rows) in enumerate(fabric.setup_dataloaders(loader, use_distributed_sampler=False)):
            done = epoch * len(loader) + step
            rate = pace(stepper, options, done, steps)
            facts = Facts.of(rows)
            labels = facts.labels
            inputs = _attacked(model, inputs, labels, recipe, chance)
            inputs, labels, cost = _mixed(inputs, labels, costs[labels.long()], options.mixup)
            logits, embedding = lesson.described(inputs) if frozen else wrapped(inputs)
            loss = objective(logits, embedding, labels, cost, facts, done / steps)
            now = loss.item()
            if not math.isfinite(now):
                what = f"the loss is no longer a number in epoch {epoch + 1}: lower train.learning_rate; "
                raise UnmaskError(what + "the last whole epoch is kept")
            fabric.backward(loss)
            if options.clip:
                fabric.clip_gradients(wrapped, stepper, max_norm=options.clip)
            stepper.step()
            stepper.zero_grad()
            kept = staying(options, done + 1, steps)
            follow(average.head, model.head, kept)
            if not frozen:
                follow(average.eyes, model.eyes, kept)
            total += now
            tell(done + 1, now, options.batch)
        seconds = time.monotonic() - began
        line = {
            "epoch": epoch + 1,
            "loss": _over_devices(fabric, total / len(loader)),
            "learning_rate": rate,
            "seconds": round(seconds, 2),
            "pictures_per_s": round(len(loader) * options.batch / seconds, 2),
        }
        if first:
            line |= figures(check, feed.scores(average, check))
            keep(folder, model, average, line, stepper, objective)
            for tracker in tracked:
                tracker.log_metrics(line, epoch + 1)
        fabric.barrier()
        if stalled(runs.lines(folder), options.patience):
            break
    for tracker in tracked:
        tracker.finalize("success")
    return Run(folder, runs.lines(folder)[-1], first)


def precision() -> Literal["bf16-mixed", "32-true"]:
    """bfloat16 where the machine multiplies in it; emulated, it is several times slower than 32 bit."""
    found = [getattr(torch.cpu, f"_is_{what}_supported", bool)() for what in ("amx_tile", "avx512_bf16")]  # torch 2.6
    fast = torch.cuda.is_bf16_supported() if torch.cuda.is_available() else any(found)
    return "bf16-mixed" if fast else "32-true"


class _Teller:
    """Tells progress, with the loss and the speed that people watch."""

    def __init__(self, progress: Progress | None, steps: int) -> None:
        self._progress, self._steps = progress, steps
        self._loss: float | None = None
        self._then, self._seconds = time.monotonic(), 0.0

    def __call__(self, done: int, loss: float, pictures: int) -> None:
        if self._progress is None:
            return
        now = time.monotonic()
        self._loss = loss if self._loss is None else _SMOOTH * self._loss + (1 - _SMOOTH) * loss
        took, self._then = now - self._then, now
        self._seconds = _SMOOTH * self._seconds + (1 - _SMOOTH) * took if self._seconds else took
        speed = pictures / max(self._seconds, 1e-6)
        self._progress(f"training, loss {self._loss:.3f}, {speed:.0f} pictures/s", done, self._steps)


def _loader(epoch: Dataset[Sample], recipe: Recipe, fabric: Fabric, workers: int) -> DataLoader[Sample]:
    """Batches in the order drawn; of each, every device gets its own run of neighbours, so that pairs stay whole."""
    helpers = 0 if recipe.model.frozen else workers  # descriptions need no making
    share = recipe.train.batch // fabric.world_size
    if fabric.world_size > 1:
        whole = recipe.train.pictures_per_epoch // recipe.train.batch * recipe.train.batch
        starts = range(fabric.global_rank * share, whole, recipe.train.batch)
        epoch = Subset(epoch, [start + k for start in starts for k in range(share)])
    return DataLoader(epoch, share, num_workers=helpers, drop_last=True, prefetch_factor=4 if helpers else None)


def _described(
    recipe: Recipe, prepared: Path, model: Detector, weights: list[Path | None], progress: Progress | None
) -> Described | DescribedWindows | DescribedVoices:
    """What the network's frozen backbones say of what it looks at."""

    def told(done: int, of: int) -> None:
        if progress:
            progress("describing pictures", done, of)

    return described(model, recipe, prepared, weights=weights, progress=told)


def _solved(
    recipe: Recipe,
    prepared: Path,
    folder: Path,
    model: Detector,
    items: tuple[list[Item], list[Item]],
    weights: list[Path | None],
    progress: Progress | None,
) -> Run:
    """A run whose head is not learned but solved, or the one that is there."""
    there = runs.lines(folder) if (folder / runs.STATE).is_file() else []
    if there:
        return Run(folder, there[-1])
    feed = _described(recipe, prepared, model, weights, progress)
    assert not isinstance(feed, DescribedWindows)  # the recipe sees to it
    return solved(recipe, folder, model.cpu(), feed, *items)


def _attacked(model: Detector, pixels: Tensor, labels: Tensor, recipe: Recipe, chance: torch.Generator) -> Tensor:
    """The batch with a part of its pictures attacked, as the recipe's adversary wants it."""
    enemy = recipe.train.adversary
    if enemy is None:
        return pixels
    chosen = torch.rand(len(pixels), generator=chance, device=pixels.device) < enemy.share
    if chosen.any():
        pixels = pixels.clone()
        pixels[chosen] = attack(
            model, pixels[chosen], labels[chosen], enemy.method, enemy.strength, enemy.steps, chance
        )
    return pixels


def _mixed(inputs: Tensor, labels: Tensor, costs: Tensor, alpha: float) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs, labels and costs, mixed with those of another item of the batch by one share for all."""
    if not alpha:
        return inputs, labels, costs
    mine = float(np.random.beta(alpha, alpha))
    order = torch.randperm(len(inputs), device=inputs.device)
    # Two losses mixed, each with its own cost, are one loss at the mean cost and at the labels' mean weighted by cost.
    mixed, dear, cost = (mine * part + (1 - mine) * part[order] for part in (inputs.float(), labels * costs, costs))
    return mixed, dear / cost, cost


def _check_reencoded(items: list[Item], recipe: Recipe) -> None:
    """A source prepared without the recipe's treatment would teach its compression."""
    for item in items:
        wanted = str(recipe.data.reencode.get(item.source, ""))
        if item.attributes.get(REENCODED, "") != wanted:
            raise RecipeError(f'the source "{item.source}" was not prepared as the recipe wants: prepare it again')


def _over_devices(fabric: Fabric, mine: float) -> float:
    mean = fabric.all_reduce(torch.tensor(mine, device=fabric.device))
    assert isinstance(mean, Tensor)  # as it came
    return mean.item()


def _strategy(recipe: Recipe, devices: int) -> str:
    """Data-parallel where several devices learn; what thaws later has no gradient before."""
    if devices == 1:
        return "auto"
    thaws = any(backbone.thaw for backbone in recipe.model.backbones)
    return "ddp_find_unused_parameters_true" if thaws else "ddp"


def _check_devices(recipe: Recipe, devices: int) -> None:
    if devices > 1 and recipe.model.frozen:
        raise UsageError("a head on frozen backbones learns in a minute on one device: leave out --devices")
    alone = [name for name in recipe.train.beside if name != "teacher"]
    if devices > 1 and alone:
        raise UsageError(f"train.{alone[0]} looks at whole batches, on one device: leave out --devices")
    if recipe.train.batch % devices:
        raise RecipeError(f"train.batch, {recipe.train.batch}, must be a multiple of the {devices} devices")

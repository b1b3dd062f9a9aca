"""The training loop, from top to bottom: read, build, learn, look at val, keep.

A run is a folder: recipe.json, last.safetensors (everything needed to go on), metrics.jsonl (one line an epoch).
Stopped at any moment it goes on from its last whole epoch. The last epoch is the result; no epoch is picked by its
score, so val stays fresh for calibration.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch
from lightning.fabric import Fabric
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader

from unmask import metrics
from unmask.errors import RecipeError, UsageError
from unmask.manifest import FAKE, REAL, Item
from unmask.prepare import REENCODED, read_cut
from unmask.train.data import Pictures, describe, read_split
from unmask.train.models import Detector, build
from unmask.train.recipes import Recipe
from unmask.train.views import Described

RECIPE: Final = "recipe.json"
STATE: Final = "last.safetensors"
LOG: Final = "metrics.jsonl"
DATA: Final = "data.json"

Progress = Callable[[str, int, int], None]
"""Called with what is going on, steps done and steps in all."""


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, and what val said of the last epoch."""

    folder: Path
    last: dict[str, Any]


def train(
    recipe: Recipe,
    prepared: Path,
    folder: Path,
    *,
    weights: Path | None = None,
    progress: Progress | None = None,
    workers: int = 1,
) -> Run:
    """Train a recipe on a prepared folder, or go on with a run that was stopped.

    Args:
        recipe: What to do.
        prepared: A folder made by `unmask prepare` with the recipe's cut.
        folder: Where the run lives.
        weights: Folder in which a weights file named by the recipe lies; the current folder when None.
        progress: Called after every step.
        workers: Processes that make pictures while the network works; 0 makes them in this one.

    Raises:
        RecipeError: The recipe does not fit the data or the weights.
        UsageError: `folder` holds a run of another recipe.
        ManifestError: The prepared folder lacks train or val items.
    """
    if read_cut(prepared) != recipe.cut:
        raise RecipeError(f"{prepared} was prepared with another cut than the recipe's: prepare it again")
    _claim(folder, recipe)
    learn = read_split(prepared, "train", recipe.data.leave_out)
    check = read_split(prepared, "val", recipe.data.leave_out)
    _check_reencoded([*learn, *check], recipe)
    (folder / DATA).write_text(json.dumps({"train": describe(learn), "val": describe(check)}, indent=2) + "\n")

    options = recipe.train
    fabric = Fabric(accelerator="auto", devices=1, precision=precision())
    fabric.seed_everything(recipe.seed, verbose=False)
    files = find_weights(recipe, weights)
    model = build(recipe.model, files).to(memory_format=torch.channels_last)
    average = build(recipe.model.initialised("none"))
    average.load_state_dict(model.state_dict())
    optimizer = torch.optim.AdamW(_groups(model, options.weight_decay), lr=options.learning_rate)
    start = _resume(folder, model, average, optimizer)
    fabric.launch()
    wrapped, optimizer = fabric.setup(model, optimizer)
    wrapped.mark_forward_method("judge")
    average.to(fabric.device)

    if start == options.epochs:
        return Run(folder, _lines(folder)[-1])
    feed = _feed(recipe, prepared, model, [*learn, *check], files, progress)
    helpers = 0 if recipe.model.frozen else workers  # descriptions need no making
    steps = options.pictures_per_epoch // options.batch
    for epoch in range(start, options.epochs):
        wrapped.train()
        torch.manual_seed(recipe.seed + epoch)  # so that a run which was stopped drops the same features out
        loader = DataLoader(
            feed.epoch(learn, epoch),
            options.batch,
            num_workers=helpers,
            drop_last=True,
            prefetch_factor=4 if helpers else None,
        )
        total = 0.0
        for step, (inputs, labels) in enumerate(fabric.setup_dataloaders(loader)):
            done = epoch * steps + step
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(options.learning_rate, done, options.epochs * steps)
            logits = wrapped.judge(inputs) if recipe.model.frozen else wrapped(inputs)[0]
            target = labels * (1 - 2 * options.label_smoothing) + options.label_smoothing
            loss = nn.functional.binary_cross_entropy_with_logits(logits, target)
            fabric.backward(loss)
            fabric.clip_gradients(wrapped, optimizer, max_norm=1.0)
            optimizer.step()
            optimizer.zero_grad()
            _follow(average.head, model.head, decay := min(options.average, (done + 1) / (done + 10)))
            if not recipe.model.frozen:
                _follow(average.eyes, model.eyes, decay)
            total += loss.item()
            if progress:
                progress("training", done + 1, options.epochs * steps)
        line = {"epoch": epoch + 1, "loss": total / steps, **figures(check, feed.scores(average, check))}
        _keep(folder, model, average, optimizer, line)
    return Run(folder, _lines(folder)[-1])


def figures(items: list[Item], scores: NDArray[np.float64]) -> dict[str, float]:
    """AUC on val, pooled and for each source that has both classes."""
    labels = np.array([item.label for item in items])
    sources = np.array([item.source for item in items])
    found = {"auc": metrics.auc(labels, scores)}
    for source in sorted(set(sources)):
        mine = sources == source
        if set(labels[mine]) == {REAL, FAKE}:
            found[f"auc/{source}"] = metrics.auc(labels[mine], scores[mine])
    return found


def _feed(
    recipe: Recipe,
    prepared: Path,
    model: Detector,
    items: list[Item],
    weights: list[Path | None],
    progress: Progress | None,
) -> Pictures | Described:
    """What the network learns from: pictures, or what its frozen backbones say of them."""
    if not recipe.model.frozen:
        return Pictures(recipe, items)

    def described(done: int, of: int) -> None:
        if progress:
            progress("describing pictures", done, of)

    return Described(model, recipe, prepared, weights=weights, progress=described)


def precision() -> Literal["bf16-mixed", "32-true"]:
    """bfloat16 where the machine multiplies in it; emulated, it is several times slower than 32 bit."""
    has_amx = getattr(torch.cpu, "_is_amx_tile_supported", bool)  # since torch 2.6
    fast = torch.cuda.is_bf16_supported() if torch.cuda.is_available() else has_amx()
    return "bf16-mixed" if fast else "32-true"


def learning_rate(peak: float, step: int, steps: int, warmup: float = 0.1) -> float:
    """One cycle: up from a tenth of the peak in the first tenth of the steps, then down along a cosine."""
    rise = max(1, round(steps * warmup))
    if step < rise:
        return peak * (0.1 + 0.9 * step / rise)
    return peak * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def find_weights(recipe: Recipe, folder: Path | None) -> list[Path | None]:
    """Where the initial weights of each backbone lie; None for "hub" and "none".

    Raises:
        RecipeError: A file is not there.
    """
    found: list[Path | None] = []
    for backbone in recipe.model.backbones:
        path = None if backbone.weights in ("hub", "none") else (folder or Path()) / backbone.weights
        if path is not None and not path.is_file():
            raise RecipeError(f"no file {path}: give its folder with --weights, or take timm's own: --weights hub")
        found.append(path)
    return found


def load(folder: Path) -> tuple[Recipe, Detector]:
    """The recipe and the averaged network of a run, ready to score.

    Raises:
        UsageError: The folder holds no run, or one without a whole epoch.
    """
    if not (folder / STATE).is_file():
        raise UsageError(f"{folder} holds no finished epoch: run unmask train first")
    recipe = _read_recipe(folder)
    model = build(recipe.model.initialised("none"))
    state = load_file(folder / STATE)
    model.load_state_dict({k.removeprefix("average."): v for k, v in state.items() if k.startswith("average.")})
    return recipe, model.eval()


def epochs_done(folder: Path) -> int:
    """How many whole epochs a run has."""
    with safe_open(folder / STATE, "pt") as state:
        return int(state.get_tensor("epoch"))


def _check_reencoded(items: list[Item], recipe: Recipe) -> None:
    """A source prepared without the recipe's treatment would teach its compression."""
    for item in items:
        wanted = str(recipe.data.reencode.get(item.source, ""))
        if item.attributes.get(REENCODED, "") != wanted:
            raise RecipeError(f'the source "{item.source}" was not prepared as the recipe wants: prepare it again')


def _claim(folder: Path, recipe: Recipe) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / RECIPE
    if path.is_file() and _read_recipe(folder) != recipe:
        raise UsageError(f"{folder} holds a run of another recipe: choose another folder, or remove this one")
    path.write_text(recipe.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _read_recipe(folder: Path) -> Recipe:
    try:
        return Recipe.model_validate_json((folder / RECIPE).read_bytes())
    except (OSError, ValidationError) as error:
        raise UsageError(f"{folder / RECIPE} cannot be read: the run is damaged, or of another version") from error


def _groups(model: Detector, weight_decay: float) -> list[dict[str, Any]]:
    """Biases and normalisation are not decayed."""
    decayed = [p for p in model.parameters() if p.ndim > 1]
    free = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]


@torch.no_grad()
def _follow(average: nn.Module, model: nn.Module, decay: float) -> None:
    for mine, theirs in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
        if mine.dtype.is_floating_point:
            mine.lerp_(theirs.to(mine.dtype), 1 - decay)
        else:
            mine.copy_(theirs)


def _keep(folder: Path, model: Detector, average: Detector, optimizer: Any, line: dict[str, Any]) -> None:
    """Write the log, then the state, each whole: a stop between them repeats one epoch and its line."""
    lines = [*(old for old in _lines(folder) if old["epoch"] < line["epoch"]), line]
    draft = folder / f"{LOG}.new"
    draft.write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
    draft.replace(folder / LOG)
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {f"average.{name}": tensor for name, tensor in average.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": value for name, value in state.items()}
    tensors["epoch"] = torch.tensor(line["epoch"])
    fresh = folder / f"{STATE}.new"
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, fresh)
    fresh.replace(folder / STATE)


def _resume(folder: Path, model: Detector, average: Detector, optimizer: torch.optim.Optimizer) -> int:
    """Epochs already done, with their state loaded."""
    if not (folder / STATE).is_file():
        return 0
    state = load_file(folder / STATE)
    for prefix, network in (("model.", model), ("average.", average)):
        network.load_state_dict({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in state.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".")
            moments.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    return int(state["epoch"])


def _lines(folder: Path) -> list[dict[str, Any]]:
    path = folder / LOG
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []

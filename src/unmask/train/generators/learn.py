"""How a generator learns, from top to bottom. Stopped at any moment, it goes on from the state last kept."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from unmask.errors import UnmaskError, UsageError
from unmask.train.generators import crops
from unmask.train.generators.design import GeneratorRecipe
from unmask.train.generators.gan import Critic
from unmask.train.generators.losses import PIXELS, Compare, Features
from unmask.train.generators.networks import Autoencoder, Graph
from unmask.train.generators.state import keep, resume
from unmask.train.learning import follow, schedule
from unmask.train.run import write
from unmask.types import Pixels

Progress = Callable[[str, int, int], None]
"""Called with what is going on, steps done and steps in all."""

RECIPE: Final = "recipe.json"
_LOOKED_AT: Final = 64  # photos of val
_BETAS: Final = (0.8, 0.95)
_SMOOTH: Final = 0.95  # of the loss that progress shows


def learn(
    recipe: GeneratorRecipe,
    prepared: Path,
    folder: Path,
    *,
    weights: Path | None = None,
    progress: Progress | None = None,
) -> Autoencoder:
    """Train a generator on the real photos of the train split, or go on with one that was stopped.

    Args:
        recipe: What to do.
        prepared: A folder made by `unmask prepare`; its segments must be larger than the crops.
        folder: Where its state lives; made if missing.
        weights: Folder of the weights file that the loss of features needs; the current folder when None.
        progress: Called after every step.

    Returns:
        The moving average of the network, ready to draw.

    Raises:
        RecipeError: The weights file is not there.
        UsageError: `folder` holds another recipe's state, or segments are smaller than the crops.
        ManifestError: There are no real photos to learn from.
        UnmaskError: The loss is no longer a number.
    """
    options = recipe.train
    _claim(folder, recipe)
    photos = crops.photos(prepared, crops.real_items(prepared, "train", recipe.sources))
    if min(len(photo) for photo in photos) < options.crop_px:
        raise UsageError(f"train.crop_px of {recipe.name} is larger than the segments of {prepared}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network, critic = Autoencoder(recipe.network), Critic()
    average = copy.deepcopy(network)
    stepper, critic_stepper = _optimizer(network, recipe), _optimizer(critic, recipe)
    networks = {"network": network, "average": average, "critic": critic}
    steppers = {"stepper": stepper, "critic_stepper": critic_stepper}
    start = resume(folder, networks, steppers)
    comparisons = _comparisons(recipe, weights or Path())
    network.to(memory_format=torch.channels_last)  # twice as fast on common processors

    shown = math.nan
    for step in range(start, options.steps):
        rng = np.random.default_rng((recipe.seed, step))  # a run that was stopped draws the same chances
        for each in (stepper, critic_stepper):
            each.param_groups[0]["lr"] = options.learning_rate * schedule("one-cycle", step, options.steps)
        photo = as_input(crops.batch(photos, options.batch, options.crop_px, rng))
        drawn = network(photo)
        loss = torch.stack([weight * compare(drawn, photo) for compare, weight in comparisons]).sum()
        if "adversarial" in recipe.losses and step >= options.critic_after * options.steps:
            _step(critic_stepper, critic.errs(photo, drawn), critic, options.clip)
            loss = loss + recipe.losses["adversarial"] * critic.sees_through(drawn)
        now = loss.item()
        if not math.isfinite(now):
            what = f"the loss of {recipe.name} is no longer a number in step {step + 1}: lower train.learning_rate"
            raise UnmaskError(what)
        _step(stepper, loss, network, options.clip)
        follow(average, network, min(options.average, (step + 1) / (step + 10)))
        if (step + 1) % options.keep_every == 0 or step + 1 == options.steps:
            keep(folder, step + 1, networks, steppers)
        shown = now if math.isnan(shown) else _SMOOTH * shown + (1 - _SMOOTH) * now
        if progress:
            progress(f"learning, loss {shown:.4f}", step + 1, options.steps)
    return average.eval()


@torch.inference_mode()
def psnr(network: Autoencoder, prepared: Path) -> dict[str, float]:
    """How near to the photos of val the network draws, in dB: the mean over photos, by source and "all" over all.

    Args:
        network: A trained one.
        prepared: The folder it learned from. Photos of all sources count, those it never learned from too.
    """
    items = crops.real_items(prepared, "val")
    items = items[:: max(1, len(items) // _LOOKED_AT)]
    graph = Graph(network)
    found: dict[str, list[float]] = {"all": []}
    for item in items:
        for photo in crops.photos(prepared, [item]):
            whole = _whole(photo, network.stride)
            drawn = graph(torch.tensor(whole[None])).numpy()[0]
            error = float(np.square(drawn.astype(np.float64) - whole).mean())
            decibel = 10 * math.log10(255**2 / max(error, 1e-3))
            found["all"].append(decibel)
            found.setdefault(item.source, []).append(decibel)
    return {name: round(float(np.mean(values)), 2) for name, values in found.items()}


def as_input(pixels: Pixels) -> Tensor:
    """float32 (N, 3, H, W) in -1 to 1 of uint8 (N, H, W, 3)."""
    upright = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
    return upright.contiguous(memory_format=torch.channels_last)


def _whole(photo: Pixels, stride: int) -> Pixels:
    height, width = (side // stride * stride for side in photo.shape[:2])
    return photo[:height, :width]


def _comparisons(recipe: GeneratorRecipe, weights: Path) -> list[tuple[Compare, float]]:
    """What compares a drawn picture with its photo, with the recipe's weight of each."""
    found: list[tuple[Compare, float]] = []
    for name, weight in recipe.losses.items():
        if name in PIXELS:
            found.append((PIXELS[name], weight))
        elif name == "features":
            found.append((Features(weights), weight))
    return found


def _step(optimizer: torch.optim.Optimizer, loss: Tensor, network: nn.Module, clip: float) -> None:
    """One step of a network. What the other's loss left in its gradients is wiped first."""
    optimizer.zero_grad()
    torch.autograd.backward(loss)
    nn.utils.clip_grad_norm_(network.parameters(), clip)
    optimizer.step()


def _optimizer(network: nn.Module, recipe: GeneratorRecipe) -> torch.optim.Optimizer:
    betas = _BETAS if "adversarial" not in recipe.losses else (0.5, 0.95)
    return torch.optim.Adam(network.parameters(), lr=recipe.train.learning_rate, betas=betas)


def _claim(folder: Path, recipe: GeneratorRecipe) -> None:
    """Make the folder this recipe's."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / RECIPE
    text = recipe.model_dump_json(indent=2) + "\n"
    if path.is_file() and path.read_text(encoding="utf-8") != text:
        raise UsageError(f"{folder} holds another recipe's generator: choose another folder, or remove this one")
    write(path, text)

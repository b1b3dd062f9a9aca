"""What pretraining leaves on disk: the weights, and beside them, until they are done, the state of the last epoch.

Both are safetensors files whose metadata say what they were made of, so that a stopped run goes on with its own state
and with no other. Each is written whole or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from unmask.errors import UnmaskError, UsageError
from unmask.journal import room
from unmask.train import run as runs

if TYPE_CHECKING:
    from unmask.train.models import Eye

FIGURES: Final = ("loss", "apart", "spread")

About = Mapping[str, str]
"""What a file says of itself; "epochs", "pictures" and whatever else it was made of."""


@dataclass(frozen=True)
class Pretrained:
    """Weights that learned without labels.

    Attributes:
        file: Where they are.
        epochs: How many they took.
        pictures: How many different pictures there were to learn from.
        loss: Mean of the last epoch, as the two that follow (`unmask.train.vicreg.Terms`).
        apart: How far two views of a picture lie apart.
        spread: How far pictures lie apart; near 0 nothing was learned.
    """

    file: Path
    epochs: int
    pictures: int
    loss: float
    apart: float
    spread: float


def state_of(out: Path) -> Path:
    """Where the state lies while weights are being made."""
    return out.with_name(f"{out.stem}.state.safetensors")


def finished(out: Path, about: About) -> Pretrained:
    """What a file of weights says of itself, if it is the one that would be made.

    Raises:
        UsageError: It was made of something else, or cannot be read.
    """
    found = _metadata(out)
    if any(found.get(name) != value for name, value in about.items()):
        raise UsageError(f"{out} is there already and was made otherwise: choose another name, or remove it")
    figures = json.loads(found["figures"])
    return Pretrained(out, int(found["epochs"]), int(found["pictures"]), *(float(figures[name]) for name in FIGURES))


def finish(out: Path, about: About, network: nn.Module, figures: Mapping[str, float]) -> None:
    """Write the weights, by the network's own names, and remove the state.

    Raises:
        UnmaskError: The disk is full.
    """
    _write(out, network.state_dict(), {**about, "figures": json.dumps(figures)})
    state_of(out).unlink(missing_ok=True)


def keep(out: Path, about: About, student: nn.Module, stepper: Any, epochs: int, figures: Mapping[str, float]) -> None:
    """Write the state after so many epochs.

    Raises:
        UnmaskError: The disk is full; the state before it stays.
    """
    tensors = {f"student.{name}": tensor for name, tensor in student.state_dict().items()}
    for index, moments in stepper.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": value for name, value in moments.items()}
    _write(state_of(out), tensors, {**about, "done": str(epochs), "figures": json.dumps(figures)})


def resume(out: Path, about: About, student: nn.Module, stepper: torch.optim.Optimizer) -> tuple[int, dict[str, float]]:
    """Epochs already done, with their state loaded, and the figures of the last.

    Raises:
        UsageError: The state is of something else, or cannot be read.
    """
    path = state_of(out)
    if not path.is_file():
        return 0, {}
    found = _metadata(path)
    if any(found.get(name) != value for name, value in about.items()):
        raise UsageError(f"{path} is of something else that was stopped: choose another name, or remove it")
    weights: dict[str, Tensor] = {}
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in load_file(path).items():
        kind, rest = name.split(".", 1)
        if kind == "student":
            weights[rest] = tensor
        else:
            index, key = rest.split(".")
            moments.setdefault(int(index), {})[key] = tensor
    student.load_state_dict(weights)
    stepper.load_state_dict({**stepper.state_dict(), "state": moments})
    return int(found["done"]), json.loads(found["figures"])


def of_run(run: Path, out: Path) -> int:
    """Write the backbone of a finished run as a file of weights that recipes may begin from.

    Args:
        run: A folder that `train` filled, of a recipe with one backbone.
        out: The safetensors file.

    Returns:
        How many numbers it holds.

    Raises:
        UsageError: The run has no whole epoch, or several backbones.
    """
    recipe, model = runs.load(run)
    if len(model.eyes) > 1:
        raise UsageError(f"{run} has {len(model.eyes)} backbones; a file of weights holds one")
    network = cast("Eye", model.eyes[0]).network
    tensors = network.state_dict()
    _write(out, tensors, {"run": recipe.name, "learned_from": json.dumps(recipe.model_dump(mode="json"))})
    return sum(one.numel() for one in tensors.values())


def _metadata(path: Path) -> dict[str, str]:
    try:
        with safe_open(path, "pt") as file:
            return dict(file.metadata() or {})
    except SafetensorError as error:
        raise UsageError(f"{path} cannot be read: it is damaged, or no safetensors file; remove it first") from error


def _write(path: Path, tensors: Mapping[str, Tensor], about: dict[str, str]) -> None:
    draft = path.with_name(f"{path.name}.new")
    try:
        with room(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            save_file({name: one.detach().cpu().contiguous() for name, one in tensors.items()}, draft, about)
            draft.replace(path)
    except SafetensorError as error:  # how it tells of a full disk
        raise UnmaskError(
            f"{path} could not be written ({error}): mend that and give the same command again"
        ) from error
    finally:
        draft.unlink(missing_ok=True)

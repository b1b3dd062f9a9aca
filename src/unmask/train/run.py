"""A run: a folder that holds one experiment, and everything needed to go on with it.

recipe.json says what is done, data.json what it is learned from, metrics.csv has one line an epoch, last.safetensors
the state after the last whole epoch. Each file is written whole or not at all, so a run that was stopped at any moment,
or had no room left on the disk, goes on from its last whole epoch.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from unmask.errors import RecipeError, UnmaskError, UsageError
from unmask.journal import room
from unmask.manifest import Item
from unmask.train.models import Detector, build
from unmask.train.recipes import Recipe

RECIPE: Final = "recipe.json"
STATE: Final = "last.safetensors"
LOG: Final = "metrics.csv"
DATA: Final = "data.json"

Line = dict[str, float]
"""What one epoch came to; `epoch` counts from 1."""


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        folder: Where it lives.
        last: What val said of the last epoch.
        tells: Whether this process is the one that tells of it, where several devices learned together.
    """

    folder: Path
    last: Line
    tells: bool = True


def claim(folder: Path, recipe: Recipe, data: dict[str, Any]) -> None:
    """Make a folder the recipe's, on these data; one that has learned nothing yet may become another's.

    Args:
        folder: The run.
        recipe: What is done.
        data: What goes into data.json; "sha256" is what `pin` says of it.

    Raises:
        UsageError: It holds a run of another recipe, or one that learned from other data or weights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / STATE).is_file():
        again = "choose another folder, or remove this one"
        if read_recipe(folder) != recipe:
            raise UsageError(f"{folder} holds a run of another recipe: {again}")
        if (folder / DATA).is_file() and json.loads((folder / DATA).read_text(encoding="utf-8")) != data:
            raise UsageError(f"{folder} holds a run on other data, or from other initial weights: {again}")
    write(folder / RECIPE, recipe.model_dump_json(indent=2) + "\n")
    write(folder / DATA, json.dumps(data, indent=2) + "\n")


def pin(items: Iterable[Item], weights: Iterable[Path | None]) -> str:
    """A hash of what a run learns from and looks at, and of the weights it begins with."""
    rows = sorted(
        (item.attributes.get("original_sha256") or item.path.name, item.label, item.split, item.source)
        for item in items
    )
    digest = hashlib.sha256(json.dumps(rows).encode())
    for file in weights:
        digest.update(hashlib.sha256(file.read_bytes()).digest() if file else b"none")
    return digest.hexdigest()


def read_recipe(folder: Path) -> Recipe:
    """The recipe of a run.

    Raises:
        UsageError: There is none, or one of another version.
    """
    try:
        return Recipe.model_validate_json((folder / RECIPE).read_bytes())
    except (OSError, ValidationError) as error:
        raise UsageError(f"{folder / RECIPE} cannot be read: the run is damaged, or of another version") from error


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
    recipe = read_recipe(folder)
    model = build(recipe.model.initialised("none"))
    model.load_state_dict(_part(_state(folder), "average."))
    return recipe, model.eval()


def epochs_done(folder: Path) -> int:
    """How many whole epochs a run has."""
    with safe_open(folder / STATE, "pt") as state:
        return int(state.get_tensor("epoch"))


def keep(
    folder: Path,
    model: Detector | None,
    average: Detector,
    line: Line,
    optimizer: Any | None = None,
    objective: nn.Module | None = None,
) -> None:
    """Write the log, then the state: a stop between them repeats one epoch and its line.

    What was solved at once is its own average, and has neither an optimizer nor an objective.

    Raises:
        UnmaskError: The disk is full, or the like; what was there stays.
    """
    kept = [*(old for old in lines(folder) if old["epoch"] < line["epoch"]), line]
    columns = list(dict.fromkeys(name for one in kept for name in one))
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**one, "epoch": int(one["epoch"])} for one in kept)
    write(folder / LOG, table.getvalue())
    tensors = {} if model is None else {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {f"average.{name}": tensor for name, tensor in average.state_dict().items()}
    if objective is not None:
        tensors |= {f"objective.{name}": tensor for name, tensor in objective.state_dict().items()}
    moments = {} if optimizer is None else optimizer.state_dict()["state"]
    for index, state in moments.items():
        numbers = {name: value for name, value in state.items() if value is not None}
        tensors |= {f"optimizer.{index}.{name}": value for name, value in numbers.items()}
    tensors["epoch"] = torch.tensor(int(line["epoch"]))
    fresh = folder / f"{STATE}.new"
    try:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, fresh)
        fresh.replace(folder / STATE)
    except SafetensorError as error:  # how it tells of a full disk
        what = f"the state of the run could not be written ({error}): mend that and give the same command again; "
        raise UnmaskError(what + "the last whole epoch is kept") from error
    finally:
        fresh.unlink(missing_ok=True)


def resume(
    folder: Path, model: Detector, average: Detector, optimizer: torch.optim.Optimizer, objective: nn.Module
) -> int:
    """Epochs already done, with their state loaded."""
    if not (folder / STATE).is_file():
        return 0
    state = _state(folder)
    model.load_state_dict(_part(state, "model."))
    average.load_state_dict(_part(state, "average."))
    objective.load_state_dict(_part(state, "objective."))
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _part(state, "optimizer.").items():
        index, key = name.split(".")
        moments.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    return int(state["epoch"])


def lines(folder: Path, last: int | None = None) -> list[Line]:
    """What the epochs so far came to, up to the last that was kept; nothing where none is whole."""
    path = folder / LOG
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        found = [{name: float(cell) for name, cell in row.items() if cell} for row in csv.DictReader(file)]
    return [line for line in found if last is None or line["epoch"] <= last]


def stalled(so_far: Sequence[Line], patience: int | None) -> bool:
    """Whether the AUC on val has not risen in the last `patience` epochs."""
    if patience is None or len(so_far) <= patience:
        return False
    scores = [line["auc"] for line in so_far]
    return max(scores[-patience:]) <= max(scores[:-patience])


def write(path: Path, text: str) -> None:
    """Whole or not at all.

    Raises:
        UnmaskError: The disk is full.
    """
    draft = path.with_name(f"{path.name}.new")
    try:
        with room(path.parent):
            draft.write_text(text, encoding="utf-8")
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _state(folder: Path) -> dict[str, Tensor]:
    try:
        return load_file(folder / STATE)
    except SafetensorError as error:
        raise UsageError(f"{folder / STATE} cannot be read: the run is damaged; remove it to begin anew") from error


def _part(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}

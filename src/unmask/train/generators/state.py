"""The state of a generator that is learning: one safetensors file, written whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from unmask.errors import UnmaskError, UsageError
from unmask.journal import room

STATE: Final = "last.safetensors"


def keep(
    folder: Path, step: int, networks: Mapping[str, nn.Module], optimizers: Mapping[str, torch.optim.Optimizer]
) -> None:
    """Write the state after a step.

    Raises:
        UnmaskError: The disk is full; what was there stays.
    """
    tensors: dict[str, Tensor] = {"step": torch.tensor(step)}
    for name, network in networks.items():
        tensors |= {f"{name}/{key}": tensor for key, tensor in network.state_dict().items()}
    for name, optimizer in optimizers.items():
        for index, moments in optimizer.state_dict()["state"].items():
            tensors |= {f"{name}/{index}/{key}": tensor for key, tensor in moments.items()}
    draft = folder / f"{STATE}.new"
    try:
        with room(folder):
            save_file(
                {key: tensor.detach().clone(memory_format=torch.contiguous_format) for key, tensor in tensors.items()},
                draft,
            )
            draft.replace(folder / STATE)
    except SafetensorError as error:  # how it tells of a full disk
        raise UnmaskError(f"the state of {folder} could not be written ({error}): make room and go on") from error
    finally:
        draft.unlink(missing_ok=True)


def resume(folder: Path, networks: Mapping[str, nn.Module], optimizers: Mapping[str, torch.optim.Optimizer]) -> int:
    """Steps already done, with their state loaded.

    Raises:
        UsageError: The state cannot be read, or is another network's.
    """
    if not (folder / STATE).is_file():
        return 0
    try:
        state = load_file(folder / STATE)
        for name, network in networks.items():
            network.load_state_dict(_part(state, name))
    except (SafetensorError, RuntimeError) as error:
        raise UsageError(f"{folder / STATE} cannot be gone on with: remove it to begin anew") from error
    for name, optimizer in optimizers.items():
        moments: dict[int, dict[str, Any]] = {}
        for key, tensor in _part(state, name).items():
            index, moment = key.split("/")
            moments.setdefault(int(index), {})[moment] = tensor
        optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    return int(state["step"])


def _part(state: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    return {key.removeprefix(f"{name}/"): tensor for key, tensor in state.items() if key.startswith(f"{name}/")}

"""What all tests of training share: a drawn data set, prepared, and a run of two epochs on it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from lightning.fabric import Fabric
from safetensors.torch import save_file

from tests.train.tiny import BACKBONE, WEIGHTS, draw, frozen, recipe
from unmask.prepare import prepare
from unmask.train import loop


@pytest.fixture(scope="session", autouse=True)
def _on_the_cpu() -> Iterator[None]:
    """There, and in 32 bit, sums come out the same every time."""

    torch.set_num_threads(1)  # on networks this small, two threads wait for each other

    def fabric(**options: Any) -> Fabric:
        return Fabric(**(options | {"accelerator": "cpu"}))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "Fabric", fabric)
        patch.setattr(loop, "precision", lambda: "32-true")
        yield


@pytest.fixture(scope="session")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manifest of `tiny.draw`."""
    return draw(tmp_path_factory.mktemp("originals"))


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, originals: Path) -> Path:
    """The same pictures, cut for the tiny recipe: four patches each."""
    out = tmp_path_factory.mktemp("prepared")
    made = prepare(originals, out, recipe().cut, jobs=1)
    assert made.left_out == {}
    return out


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, prepared: Path) -> Path:
    """A run of the tiny recipe, never interrupted."""
    folder = tmp_path_factory.mktemp("finished")
    loop.train(recipe(), prepared, folder, workers=0)
    return folder


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a weights file for the tiny backbone, as timm would save it: with a classifier."""
    folder = tmp_path_factory.mktemp("weights")
    with torch.random.fork_rng():
        torch.manual_seed(5)
        save_file(dict(timm.create_model(BACKBONE).state_dict()), folder / WEIGHTS)
    return folder


@dataclass(frozen=True)
class FrozenRun:
    """A run whose backbone does not learn, and the prepared folder that holds what the backbone says."""

    folder: Path
    prepared: Path


@pytest.fixture(scope="session")
def frozen_run(tmp_path_factory: pytest.TempPathFactory, prepared: Path, weights: Path) -> FrozenRun:
    """Two epochs of `tiny.frozen`, never interrupted."""
    folder = tmp_path_factory.mktemp("frozen")
    shutil.copytree(prepared, folder / "prepared")
    loop.train(frozen(), folder / "prepared", folder / "run", weights=weights, workers=0)
    return FrozenRun(folder / "run", folder / "prepared")

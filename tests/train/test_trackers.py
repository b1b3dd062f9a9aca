"""TensorBoard and MLflow are told of each epoch where they are installed, and are never needed."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.train.tiny import recipe
from unmask.train import loop, trackers
from unmask.train import run as runs


class Recorder:
    """Stands for a logger of Lightning."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.args, self.options = args, options
        self.lines: list[tuple[dict[str, float], int | None]] = []

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.lines.append((metrics, step))

    def finalize(self, status: str) -> None:
        self.status = status


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of packages that seem to be installed; their loggers are recorders."""
    names: list[str] = []
    monkeypatch.setattr(trackers, "find_spec", lambda name: ModuleSpec(name, None) if name in names else None)
    for module, logger in (
        ("lightning.fabric.loggers.tensorboard", "TensorBoardLogger"),
        ("lightning.pytorch.loggers", "MLFlowLogger"),
    ):
        stand_in: Any = ModuleType(module)
        setattr(stand_in, logger, Recorder)
        monkeypatch.setitem(sys.modules, module, stand_in)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return names


def test_nothing_is_needed(installed: list[str], tmp_path: Path) -> None:
    assert trackers.trackers(tmp_path) == []


def test_files_go_into_the_run(installed: list[str], tmp_path: Path) -> None:
    installed += ["tensorboard", "mlflow"]
    board, flow = trackers.trackers(tmp_path / "run")
    assert isinstance(board, Recorder)
    assert isinstance(flow, Recorder)
    assert (board.args, board.options["version"]) == ((tmp_path / "run",), "tensorboard")
    assert flow.args == ("run",)
    assert flow.options["tracking_uri"] == f"sqlite:///{(tmp_path / 'run').resolve()}/mlflow.db"


def test_mlflow_keeps_to_the_store_that_it_is_told(
    installed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed.append("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///elsewhere.db")
    (flow,) = trackers.trackers(tmp_path)
    assert isinstance(flow, Recorder)
    assert flow.options["tracking_uri"] == "sqlite:///elsewhere.db"


def test_each_epoch_is_told(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    monkeypatch.setattr(loop, "trackers", lambda folder: [recorder])
    loop.train(recipe(train={"pictures_per_epoch": 8}), prepared, tmp_path, workers=0)
    assert [step for _, step in recorder.lines] == [1, 2]
    assert [line for line, _ in recorder.lines] == runs.lines(tmp_path)
    assert recorder.status == "success"

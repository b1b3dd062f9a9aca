"""Where metrics go besides metrics.csv: TensorBoard and MLflow, each where it is installed."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol


class Tracker(Protocol):
    """What we ask of a logger of Lightning."""

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Note the figures of one epoch."""

    def finalize(self, status: str) -> None:
        """Say that the run has ended."""


def trackers(folder: Path) -> list[Tracker]:
    """A tracker for each of TensorBoard and MLflow that is installed; their files go into the run's folder.

    `tensorboard --logdir RUN/tensorboard` shows the first, `mlflow ui --backend-store-uri sqlite:///RUN/mlflow.db` the
    second, unless MLFLOW_TRACKING_URI says where it keeps its runs.
    """
    found: list[Any] = []
    if find_spec("tensorboard"):
        from lightning.fabric.loggers.tensorboard import TensorBoardLogger

        found.append(TensorBoardLogger(folder, name=None, version="tensorboard"))
    if find_spec("mlflow"):
        from lightning.pytorch.loggers import MLFlowLogger

        store = os.environ.get("MLFLOW_TRACKING_URI", f"sqlite:///{folder.resolve() / 'mlflow.db'}")
        found.append(MLFlowLogger(folder.name, tracking_uri=store))
    return found

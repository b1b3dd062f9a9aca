"""From PyTorch to an ONNX graph with a free batch size and its weights inside."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import onnx
import torch
from torch import nn


def write_graph(model: nn.Module, outputs: Sequence[str], size_px: int, path: Path, frames: int | None = None) -> None:
    """Export a network that takes pixels uint8 (N, S, S, 3), or windows of looks (N, F, S, S, 3), named "pixels".

    Args:
        model: The network; it is set to score, not to learn.
        outputs: Names of what it returns, in order.
        size_px: S.
        path: Where to write.
        frames: The most looks in a window; the graph takes fewer as well, for a person who is seen but shortly. None
            where it takes pictures.
    """
    windows = (2,) if frames is None else (2, frames)
    free = {0: torch.export.Dim("batch")}
    if frames is not None:
        free[1] = torch.export.Dim("looks", max=frames)
    example = torch.zeros((*windows, size_px, size_px, 3), dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own deprecations
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        torch.onnx.export(
            model.eval(),
            (example,),
            str(path),
            input_names=["pixels"],
            output_names=list(outputs),
            dynamic_shapes=(free,),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    forget_where(path)


def forget_where(path: Path) -> None:
    """The exporter notes for each step the lines of code it came from, with the paths of whoever trained."""
    graph = onnx.load(path)
    inside = graph.graph
    for part in (*inside.node, *inside.value_info, *inside.input, *inside.output, *inside.initializer):
        del part.metadata_props[:]
    onnx.save(graph, path)

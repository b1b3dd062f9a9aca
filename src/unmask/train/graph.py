"""From PyTorch to an ONNX graph with a free batch size and its weights inside."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnx_ir
import torch
from onnx_ir.passes.common import DeduplicateHashedInitializersPass
from torch import nn

from unmask.card import Cut


def write_graph(model: nn.Module, outputs: Sequence[str], cut: Cut, path: Path) -> None:
    """Export a network that takes what a cut gives, `cut.input_shape` each, named "pixels" or "samples".

    Of windows of looks at a person the graph takes shorter ones as well, for those who are seen but shortly.

    Args:
        model: The network; it is set to score, not to learn.
        outputs: Names of what it returns, in order.
        cut: Of what it is to judge.
        path: Where to write.

    Raises:
        UsageError: The network takes pictures of another size.
    """
    free = {0: torch.export.Dim("batch")}
    if cut.frames is not None:
        free[1] = torch.export.Dim("looks", max=cut.frames)
    example = torch.from_numpy(np.zeros((2, *cut.input_shape), cut.input_type))
    with torch.inference_mode():
        model.eval()(example)  # what it cannot take it says here in a sentence, and in the exporter in a hundred lines
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own deprecations
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        torch.onnx.export(
            model,
            (example,),
            str(path),
            input_names=[cut.input_name],
            output_names=list(outputs),
            dynamic_shapes=(free,),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    _say_once(path)
    forget_where(path)


def _say_once(path: Path) -> None:
    """A network that sees two things is in the graph twice; its weights need not be."""
    graph = onnx_ir.load(path)
    DeduplicateHashedInitializersPass()(graph)
    onnx_ir.save(graph, path)


def forget_where(path: Path) -> None:
    """The exporter notes for each step the lines of code it came from, with the paths of whoever trained."""
    graph = onnx.load(path)
    inside = graph.graph
    for part in (*inside.node, *inside.value_info, *inside.input, *inside.output, *inside.initializer):
        del part.metadata_props[:]
    onnx.save(graph, path)

"""The only importer of onnxruntime: a model file in, arrays out.

onnxruntime, because it is the one runtime that runs a trained graph fast on any CPU from a 20 MB wheel, without the
framework that trained it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from unmask.errors import BundleError

VERSION: str = onnxruntime.__version__

_ERRORS_ONLY = 3  # CenterFace lists its batch-norm constants as inputs; onnxruntime warns of each on stderr


def usable_cores() -> int:
    """Cores this process may use; a container often may use fewer than the machine has."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows
        return os.cpu_count() or 1


class Session:
    """One loaded graph.

    Args:
        model: Path of an ONNX file, or its bytes.
        threads: Threads inside one run; all usable cores when None.
        many_sizes: Inputs come in many sizes. Memory is then given back after each run, where it is otherwise kept for
            the next: an arena never shrinks, so one large input would cost its memory for ever.

    Raises:
        BundleError: The file is no graph that onnxruntime can load.
    """

    def __init__(self, model: Path | bytes, threads: int | None = None, *, many_sizes: bool = False) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _ERRORS_ONLY
        options.intra_op_num_threads = threads or usable_cores()
        options.inter_op_num_threads = 1
        # Waiting threads that spin would steal the core on which the next picture is being decoded.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Without an arena each run gets its pages from the system anew: a third of the time of a graph of 3 networks.
        options.enable_cpu_mem_arena = not many_sizes
        source = model if isinstance(model, bytes) else str(model)
        try:
            self._session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own exceptions share no public base
            raise BundleError(f"onnxruntime cannot load {_name(model)}: {error}") from error
        self._input = self._session.get_inputs()[0].name
        self._outputs = [output.name for output in self._session.get_outputs()]

    def run(self, batch: NDArray[Any]) -> Mapping[str, NDArray[np.float32]]:
        """Feed one batch, in the type and shape the graph asks for; get every output by its name."""
        return self.feed({self._input: batch})

    def feed(self, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[np.float32]]:
        """The same for a graph with several inputs, each by its name: one that is told its own state, for one."""
        return dict(zip(self._outputs, self._session.run(None, dict(inputs)), strict=True))


def _name(model: Path | bytes) -> str:
    return "a graph given as bytes" if isinstance(model, bytes) else str(model)

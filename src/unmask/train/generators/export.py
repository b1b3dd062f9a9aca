"""From a finished generator to the two files that makers use: its graph and its card."""

from __future__ import annotations

import hashlib
import logging
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Final

import numpy as np
import torch

from unmask.card import DataSource
from unmask.errors import ExportError
from unmask.makers.generators import STRIDE_PX, Generator, GeneratorCard
from unmask.runtime import Session
from unmask.train.data import describe
from unmask.train.generators import crops
from unmask.train.generators.design import GeneratorRecipe
from unmask.train.generators.networks import Autoencoder, Graph
from unmask.train.graph import forget_where
from unmask.train.run import write

_TOLERANCE: Final = 2
"""Largest difference of a value: sums in another order round to another step of 255, and seldom further."""


def export(
    recipe: GeneratorRecipe, network: Autoencoder, prepared: Path, folder: Path, psnr_db: Mapping[str, float]
) -> Generator:
    """Write NAME.onnx and NAME.json.

    Args:
        recipe: What it learned by.
        network: What it learned.
        prepared: What it learned from.
        folder: Where to write.
        psnr_db: What val said.

    Raises:
        ExportError: PyTorch and the graph draw differently.
    """
    path = folder / f"{recipe.name}.onnx"
    draft = folder / f"{recipe.name}.onnx.new"
    try:
        write_graph(network, draft)
        compare(draft, network)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    card = GeneratorCard(
        name=recipe.name,
        summary=recipe.summary,
        held_out=recipe.held_out,
        upsampler=recipe.network.upsampler,
        depth=recipe.network.depth,
        losses={str(name): weight for name, weight in recipe.losses.items()},
        steps=recipe.train.steps,
        seed=recipe.seed,
        sources=tuple(
            DataSource.model_validate({name: row[name] for name in DataSource.model_fields})
            for row in describe(crops.real_items(prepared, "train", recipe.sources))
        ),
        psnr_db=psnr_db,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        unmask_version=version("unmask"),
    )
    write(path.with_suffix(".json"), card.model_dump_json(indent=2) + "\n")
    return Generator(path, card)


def write_graph(network: Autoencoder, path: Path) -> None:
    """Export a generator: "pixels" uint8 (N, H, W, 3) to "drawn", the same shape; all sizes are free."""
    example = torch.zeros((2, 4 * STRIDE_PX, 6 * STRIDE_PX, 3), dtype=torch.uint8)
    dim = torch.export.Dim
    sizes = {0: dim("batch"), 1: STRIDE_PX * dim("rows"), 2: STRIDE_PX * dim("columns")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own deprecations
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        torch.onnx.export(
            Graph(network).eval(),
            (example,),
            str(path),
            input_names=["pixels"],
            output_names=["drawn"],
            dynamic_shapes=(sizes,),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    forget_where(path)


def compare(graph: Path, network: Autoencoder) -> int:
    """The largest difference between what the graph and the network draw of a noisy picture, in steps of 255.

    Raises:
        ExportError: It is too large.
    """
    noise = np.random.default_rng(0).integers(0, 256, (1, 3 * STRIDE_PX, 5 * STRIDE_PX, 3), np.uint8)
    with torch.inference_mode():
        wanted = Graph(network)(torch.from_numpy(noise)).numpy()
    drawn = Session(graph, threads=1).run(noise)["drawn"]
    difference = int(np.abs(drawn.astype(np.int16) - wanted).max())
    if difference > _TOLERANCE:
        raise ExportError(f"the exported generator differs from the trained one by {difference} steps of 255")
    return difference

"""A generator that anyone can predict: each square of 16 px of its grid becomes one colour, its mean."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

from unmask.makers.generators import STRIDE_PX, Generator, GeneratorCard


def make_generator(folder: Path, name: str = "mosaic", *, held_out: bool = False) -> Generator:
    """Write NAME.onnx and NAME.json."""
    folder.mkdir(parents=True, exist_ok=True)
    graph = folder / f"{name}.onnx"
    onnx.save(_mosaic(name), graph)
    card = GeneratorCard(
        name=name,
        summary="A mosaic",
        held_out=held_out,
        upsampler="nearest",
        depth=4,
        losses={"l2": 1.0},
        steps=1,
        seed=0,
        sources=(),
        psnr_db={"all": 20.0},
        sha256=hashlib.sha256(graph.read_bytes()).hexdigest(),
        unmask_version="0",
    )
    graph.with_suffix(".json").write_text(card.model_dump_json(), encoding="utf-8")
    return Generator(graph, card)


def _mosaic(name: str) -> Any:
    sizes: list[str | int | None] = ["n", "h", "w", 3]
    side = [STRIDE_PX, STRIDE_PX]
    nodes = [
        helper.make_node("Transpose", ["pixels"], ["upright"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["upright"], ["values"], to=TensorProto.FLOAT),
        helper.make_node("AveragePool", ["values"], ["means"], kernel_shape=side, strides=side),
        helper.make_node("Resize", ["means", "", "scales"], ["large"], mode="nearest"),
        helper.make_node("Cast", ["large"], ["whole"], to=TensorProto.UINT8),
        helper.make_node("Transpose", ["whole"], ["drawn"], perm=[0, 2, 3, 1]),
    ]
    scales = helper.make_tensor("scales", TensorProto.FLOAT, [4], [1.0, 1.0, *map(float, side)])
    inputs = [helper.make_tensor_value_info("pixels", TensorProto.UINT8, sizes)]
    outputs = [helper.make_tensor_value_info("drawn", TensorProto.UINT8, sizes)]
    graph = helper.make_graph(nodes, name, inputs, outputs, [scales])  # the name makes the files differ
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)

"""Tiny bundles: real graphs with real cards, computed by hand instead of trained, a few kilobytes each.

The graph: normalise to [0, 1], average over a grid of h x w cells, weigh the three colours into one number a cell (the
activation), and take its mean plus a constant (the logit). With the default weights, red leans fake and blue real.
That of videos weighs the mean colour of each look (the activation), and takes the mean over the looks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper, save_model

from unmask.bundles import Bundle
from unmask.card import Calibration, Card, Cut, Thresholds, Training
from unmask.ensemble import Ensemble, Member

RED_IS_FAKE = (8.0, 0.0, -8.0)


def make_bundle(
    folder: Path,
    *,
    name: str = "face",
    kind: Literal["face", "patch"] = "face",
    size_px: int = 64,
    grid: int = 4,
    weights: tuple[float, float, float] = RED_IS_FAKE,
    map_weights: tuple[float, float, float] | None = None,
    constant: float = 0.0,
    pooling: Literal["max", "mean"] = "max",
    fake_above: float = 0.8,
    real_below: float = 0.3,
    least_px: int = 40,
    least_sharpness: float = 0.0,
) -> Bundle:
    """Write model.onnx, card.json and golden.npz into `folder`, the same bytes every time.

    With `weights` of zero the logit is `constant`, whatever the picture; NaN makes a detector that gives no number.
    `map_weights` other than `weights` make an activation that does not add up to the logit.
    """
    cut = Cut(kind=kind, size_px=size_px, least_px=least_px, least_sharpness=least_sharpness)
    model = _graph(size_px, grid, weights, weights if map_weights is None else map_weights, constant)
    thresholds = Thresholds(fake_above=fake_above, real_below=real_below, chosen="by hand")
    return _bundle(folder, name, model, cut, pooling, thresholds, weights, constant)


def make_video_bundle(
    folder: Path,
    *,
    name: str = "track",
    size_px: int = 64,
    frames: int = 4,
    weights: tuple[float, float, float] = RED_IS_FAKE,
    look_weights: tuple[float, float, float] | None = None,
    constant: float = 0.0,
    pooling: Literal["max", "mean"] = "max",
    fake_above: float = 0.8,
    real_below: float = 0.3,
    least_px: int = 40,
    least_sharpness: float = 0.0,
) -> Bundle:
    """The same for videos: uint8 (N, F, S, S, 3), of any N and F, to logit (N,) and activation (N, F).

    `look_weights` other than `weights` make an activation that does not add up to the logit.
    """
    cut = Cut(kind="face", size_px=size_px, frames=frames, least_px=least_px, least_sharpness=least_sharpness)
    model = _video_graph(size_px, weights, weights if look_weights is None else look_weights, constant)
    thresholds = Thresholds(fake_above=fake_above, real_below=real_below, chosen="by hand")
    return _bundle(folder, name, model, cut, pooling, thresholds, weights, constant)


def _bundle(
    folder: Path,
    name: str,
    model: ModelProto,
    cut: Cut,
    pooling: Literal["max", "mean"],
    thresholds: Thresholds,
    weights: tuple[float, float, float],
    constant: float,
) -> Bundle:
    folder.mkdir(parents=True, exist_ok=True)
    save_model(model, folder / "model.onnx")
    card = Card(
        name=name,
        version="0.0.1",
        modality="video" if cut.frames else "image",
        summary="A drawn detector for tests: red leans fake.",
        licence="Apache-2.0",
        cut=cut,
        pooling=pooling,
        training=Training(
            recipe="none",
            backbone="none",
            initial_weights="none",
            seed=0,
            epochs=0,
            parameters=4,
            made_fakes="none",
            unmask_version="0.1.0",
        ),
        sources=(),
        calibration=Calibration(set="drawn", temperature=1.0, bias=0.0, reals=0, fakes=0),
        thresholds=thresholds,
        sha256=hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest(),
    )
    card.write(folder / "card.json")
    looks = (cut.frames,) if cut.frames else ()
    pixels = np.random.default_rng(0).integers(0, 256, (4, *looks, cut.size_px, cut.size_px, 3), dtype=np.uint8)
    logit = expected_logits(pixels, weights, constant)
    np.savez(folder / "golden.npz", pixels=pixels, logit=logit)
    return Bundle(folder, card)


def make_ensemble(
    *members: Bundle,
    temperature: float = 1.0,
    bias: float = 0.0,
    fake_above: float = 0.7,
    real_below: float = 0.2,
) -> Ensemble:
    """Let bundles that lie side by side decide together: writes ensemble.json beside them."""
    together = Ensemble(
        members=tuple(
            Member(name=member.card.name, sha256=member.card.sha256, calibration=member.card.calibration)
            for member in members
        ),
        calibration=Calibration(set="drawn together", temperature=temperature, bias=bias, reals=0, fakes=0),
        thresholds=Thresholds(fake_above=fake_above, real_below=real_below, chosen="by hand"),
    )
    together.write(members[0].folder.parent)
    return together


def expected_logits(
    pixels: NDArray[np.uint8], weights: tuple[float, float, float] = RED_IS_FAKE, constant: float = 0.0
) -> NDArray[np.float32]:
    """What the graph must give for uint8 (N, S, S, 3), or (N, F, S, S, 3), computed without it: float32 (N,)."""
    colours = pixels.astype(np.float64).mean(axis=tuple(range(1, pixels.ndim - 1))) / 255
    return np.asarray(colours @ np.asarray(weights) + constant, np.float32)


def _graph(size: int, grid: int, weights: Sequence[float], map_weights: Sequence[float], constant: float) -> ModelProto:
    cell = size // grid
    tensors = {
        "scale": np.float32(255),
        "kernel": np.array(weights, np.float32).reshape(1, 3, 1, 1),
        "map_kernel": np.array(map_weights, np.float32).reshape(1, 3, 1, 1),
        "constant": np.float32(constant),
        "one": np.array([1], np.int64),
        "all_but_batch": np.array([1, 2, 3], np.int64),
    }
    nodes = [
        helper.make_node("Cast", ["pixels"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["float", "scale"], ["unit"]),
        helper.make_node("Transpose", ["unit"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("AveragePool", ["planes"], ["cells"], kernel_shape=[cell, cell], strides=[cell, cell]),
        helper.make_node("Conv", ["cells", "map_kernel"], ["map"]),
        helper.make_node("Squeeze", ["map", "one"], ["activation"]),
        helper.make_node("Conv", ["cells", "kernel"], ["sum"]),
        helper.make_node("ReduceMean", ["sum", "all_but_batch"], ["mean"], keepdims=0),
        helper.make_node("Add", ["mean", "constant"], ["logit"]),
    ]
    graph = helper.make_graph(
        nodes,
        "drawn",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["batch", size, size, 3])],
        [
            helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["batch"]),
            helper.make_tensor_value_info("activation", TensorProto.FLOAT, ["batch", grid, grid]),
        ],
        [numpy_helper.from_array(np.asarray(value), key) for key, value in tensors.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def _video_graph(size: int, weights: Sequence[float], look_weights: Sequence[float], constant: float) -> ModelProto:
    tensors = {
        "scale": np.float32(255),
        "kernel": np.array(weights, np.float32),
        "look_kernel": np.array(look_weights, np.float32),
        "constant": np.float32(constant),
        "places": np.array([2, 3], np.int64),
        "looks": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("Cast", ["pixels"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["float", "scale"], ["unit"]),
        helper.make_node("ReduceMean", ["unit", "places"], ["colours"], keepdims=0),
        helper.make_node("MatMul", ["colours", "look_kernel"], ["activation"]),
        helper.make_node("MatMul", ["colours", "kernel"], ["each"]),
        helper.make_node("ReduceMean", ["each", "looks"], ["mean"], keepdims=0),
        helper.make_node("Add", ["mean", "constant"], ["logit"]),
    ]
    graph = helper.make_graph(
        nodes,
        "drawn",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["batch", "looks_seen", size, size, 3])],
        [
            helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["batch"]),
            helper.make_tensor_value_info("activation", TensorProto.FLOAT, ["batch", "looks_seen"]),
        ],
        [numpy_helper.from_array(np.asarray(value), key) for key, value in tensors.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)

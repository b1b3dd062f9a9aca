"""Tiny bundles: real graphs with real cards, computed by hand instead of trained, a few kilobytes each.

The graph: normalise to [0, 1], average over a grid of h x w cells, weigh the three colours into one number a cell (the
activation), and take its mean plus a constant (the logit). With the default weights, red leans fake and blue real.
That of videos weighs the mean colour of each look (the activation), and takes the mean over the looks. That of voices
weighs the power of low and high frequencies at four moments; with the default weights, loud leans fake.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper, save_model

from unmask.bundles import Bundle
from unmask.card import Calibration, Card, Cut, Thresholds, Training
from unmask.clip_rule import ClipRule, Joins
from unmask.ensemble import Ensemble, Member

RED_IS_FAKE = (8.0, 0.0, -8.0)
LOUD_IS_FAKE = (1000.0, 1000.0)
QUIET = -3.0
"""The constant of the graph of voices: what it says of silence."""

_MOMENTS = 4


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
    pixels = _pixels(size_px, size_px)
    return _bundle(folder, name, model, cut, pooling, thresholds, pixels, expected_logits(pixels, weights, constant))


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
    pixels = _pixels(frames, size_px, size_px)
    return _bundle(folder, name, model, cut, pooling, thresholds, pixels, expected_logits(pixels, weights, constant))


def make_voice_bundle(
    folder: Path,
    *,
    name: str = "voice",
    window_s: float = 2.0,
    step_s: float = 1.0,
    least_speech_s: float = 0.5,
    weights: tuple[float, float] = LOUD_IS_FAKE,
    constant: float = QUIET,
    pooling: Literal["max", "mean"] = "mean",
    fake_above: float = 0.8,
    real_below: float = 0.3,
) -> Bundle:
    """The same for voices: float32 (N, T) to logit (N,), activation (N, 2, 4) and embedding (N, 2).

    The weights are those of the power of low and of high frequencies, mixed half and half.
    """
    cut = Cut(kind="speech", window_s=window_s, step_s=step_s, least_speech_s=least_speech_s)
    thresholds = Thresholds(fake_above=fake_above, real_below=real_below, chosen="by hand")
    (length,) = cut.input_shape
    samples = np.random.default_rng(0).normal(0, np.geomspace(0.01, 0.2, 4)[:, None], (4, length)).astype(np.float32)
    logit = expected_voice_logits(samples, weights, constant)
    model = _voice_graph(length, weights, constant)
    return _bundle(folder, name, model, cut, pooling, thresholds, samples, logit)


def _bundle(
    folder: Path,
    name: str,
    model: ModelProto,
    cut: Cut,
    pooling: Literal["max", "mean"],
    thresholds: Thresholds,
    inputs: NDArray[Any],
    logit: NDArray[np.float32],
) -> Bundle:
    folder.mkdir(parents=True, exist_ok=True)
    save_model(model, folder / "model.onnx")
    card = Card(
        name=name,
        version="0.0.1",
        modality="audio" if cut.kind == "speech" else "video" if cut.frames else "image",
        summary="A drawn detector for tests: loud or red leans fake.",
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
    golden: dict[str, Any] = {cut.input_name: inputs, "logit": logit}
    np.savez(folder / "golden.npz", **golden)
    return Bundle(folder, card)


def _pixels(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (4, *shape, 3), dtype=np.uint8)


def make_ensemble(
    *members: Bundle,
    temperature: float = 1.0,
    bias: float = 0.0,
    fake_above: float = 0.7,
    real_below: float = 0.2,
) -> Ensemble:
    """Let bundles that lie side by side decide together: writes ensemble.json beside them."""
    together = Ensemble(
        members=tuple(map(_member, members)),
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


def expected_voice_logits(
    samples: NDArray[np.float32], weights: tuple[float, float] = LOUD_IS_FAKE, constant: float = QUIET
) -> NDArray[np.float32]:
    """What the graph of voices must give for float32 (N, T), computed without it: float32 (N,)."""
    whole = np.pad(samples.astype(np.float64), ((0, 0), (0, 1)))
    parts = [(whole[:, :-1] + sign * whole[:, 1:]) / 2 for sign in (1, -1)]
    power = np.stack([(part**2).mean(axis=1) for part in parts], axis=1)
    return np.asarray(power @ np.asarray(weights) / 2 + constant, np.float32)


def make_clip_rule(
    track: Bundle,
    voice: Bundle,
    *,
    joins: Joins = "any",
    fake_above: float = 0.7,
    real_below: float = 0.2,
    lips_above: float = 0.9,
) -> ClipRule:
    """Let two bundles that lie side by side decide together: writes clip.json beside them."""
    rule = ClipRule(
        members=(_member(track), _member(voice)),
        joins=joins,
        chosen="by hand",
        calibration=Calibration(set="drawn clips", temperature=1.0, bias=0.0, reals=0, fakes=0),
        thresholds=Thresholds(fake_above=fake_above, real_below=real_below, chosen="by hand"),
        lips_above=lips_above,
    )
    rule.write(track.folder.parent)
    return rule


def _member(bundle: Bundle) -> Member:
    return Member(name=bundle.card.name, sha256=bundle.card.sha256, calibration=bundle.card.calibration)


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


def _voice_graph(length: int, weights: Sequence[float], constant: float) -> ModelProto:
    moment = length // _MOMENTS
    tensors = {
        "one": np.array([1], np.int64),
        "mixes": np.array([[[0.5, 0.5]], [[0.5, -0.5]]], np.float32),
        "weights": np.array(weights, np.float32).reshape(1, 2, 1),
        "moments": np.array([2], np.int64),
        "all_but_batch": np.array([1, 2], np.int64),
        "constant": np.float32(constant),
    }
    nodes = [
        helper.make_node("Unsqueeze", ["samples", "one"], ["wave"]),
        helper.make_node("Conv", ["wave", "mixes"], ["bands"], pads=[0, 1]),
        helper.make_node("Mul", ["bands", "bands"], ["squares"]),
        helper.make_node("AveragePool", ["squares"], ["power"], kernel_shape=[moment], strides=[moment]),
        helper.make_node("Mul", ["power", "weights"], ["activation"]),
        helper.make_node("ReduceMean", ["activation", "all_but_batch"], ["mean"], keepdims=0),
        helper.make_node("Add", ["mean", "constant"], ["logit"]),
        helper.make_node("ReduceMean", ["power", "moments"], ["embedding"], keepdims=0),
    ]
    shapes: dict[str, list[str | int]] = {
        "logit": ["batch"],
        "activation": ["batch", 2, _MOMENTS],
        "embedding": ["batch", 2],
    }
    graph = helper.make_graph(
        nodes,
        "drawn",
        [helper.make_tensor_value_info("samples", TensorProto.FLOAT, ["batch", length])],
        [helper.make_tensor_value_info(key, TensorProto.FLOAT, shape) for key, shape in shapes.items()],
        [numpy_helper.from_array(np.asarray(value), key) for key, value in tensors.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)

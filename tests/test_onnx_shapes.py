"""Editing an ONNX file without the onnx package, checked against the onnx package."""

from __future__ import annotations

import time

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from unmask.errors import BundleError
from unmask.faces import network_path
from unmask.onnx_shapes import free_dimensions
from unmask.runtime import Session


def small_model() -> bytes:
    """relu(x) + y, with all sizes fixed to 1 x 3 x 4 x 4 and one intermediate shape declared."""
    shape = [1, 3, 4, 4]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", "y", "middle", "out")]
    nodes = [helper.make_node("Relu", ["x"], ["middle"]), helper.make_node("Add", ["middle", "y"], ["out"])]
    graph = helper.make_graph(nodes, "small", values[:2], values[3:], value_info=[values[2]])
    model = helper.make_model(graph, producer_name="test", opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def dims(value: onnx.ValueInfoProto) -> list[int | str]:
    return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]


def without_shapes(model: onnx.ModelProto) -> bytes:
    """What must not change: everything but the shapes of inputs and outputs and the intermediate values."""
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]
    return bytes(model.SerializeToString(deterministic=True))


@pytest.mark.parametrize("shape", [("batch", 3, "height", "width"), (1, 3, 4, 4), (300, 3, 70_000, "w")])
def test_only_the_named_input_is_redeclared(shape: tuple[int | str, ...]) -> None:
    before = onnx.load_from_string(small_model())
    after = onnx.load_from_string(free_dimensions(small_model(), "x", shape))
    assert dims(after.graph.input[0]) == list(shape)
    assert dims(after.graph.input[1]) == dims(before.graph.input[1]) == [1, 3, 4, 4]
    assert not after.graph.output[0].type.tensor_type.HasField("shape")
    assert not after.graph.value_info
    assert without_shapes(after) == without_shapes(before)


def test_the_edited_graph_takes_any_size_and_computes_the_same() -> None:
    model = onnx.load_from_string(free_dimensions(small_model(), "x", ("n", 3, "h", "w")))
    model.graph.node.pop()  # onnxruntime's session has one input here, so leave the addition out
    model.graph.output[0].name = "middle"
    del model.graph.input[1]
    batch = np.random.default_rng(0).normal(size=(2, 3, 5, 7)).astype(np.float32)
    out = Session(model.SerializeToString()).run(batch)
    assert (out["middle"] == np.maximum(batch, 0)).all()


def test_center_face_keeps_every_weight_and_node() -> None:
    data = network_path().read_bytes()
    before = onnx.load_from_string(data)
    after = onnx.load_from_string(free_dimensions(data, "input.1", ("batch", 3, "height", "width")))
    declared = {value.name: dims(value) for value in after.graph.input}
    assert declared["input.1"] == ["batch", 3, "height", "width"]
    assert [node.SerializeToString() for node in after.graph.node] == [
        node.SerializeToString() for node in before.graph.node
    ]
    assert without_shapes(after) == without_shapes(before)


def test_center_face_takes_two_sizes_in_one_session() -> None:
    session = Session(free_dimensions(network_path().read_bytes(), "input.1", ("batch", 3, "height", "width")))
    for shape in ((1, 3, 64, 96), (2, 3, 32, 32)):
        out = session.run(np.zeros(shape, np.float32))
        assert out["537"].shape == (shape[0], 1, shape[2] // 4, shape[3] // 4)


def test_an_unknown_input_is_named() -> None:
    with pytest.raises(BundleError, match='no input "pixels"'):
        free_dimensions(small_model(), "pixels", (1,))


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"\x0a", b"PNG is no graph", b"\x3a\x10short", b"\x08\x01", b"\x80" * 40, b"\x07"]
)
def test_garbage_is_no_model(data: bytes) -> None:
    with pytest.raises(BundleError):
        free_dimensions(data, "x", (1,))


def test_a_long_number_without_an_end_costs_no_time() -> None:
    started = time.process_time()
    with pytest.raises(BundleError, match="a number has no end"):
        free_dimensions(b"\x08" + b"\xff" * 2_000_000, "x", (1,))
    assert time.process_time() - started < 0.5


@settings(max_examples=300, derandomize=True, database=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 255)), min_size=1, max_size=8), st.floats(0, 1))
def test_damage_raises_nothing_but_a_bundle_error(flips: list[tuple[int, int]], keep: float) -> None:
    data = bytearray(small_model())
    for at, bits in flips:
        data[at % len(data)] ^= bits
    try:
        out = free_dimensions(bytes(data[: int(len(data) * keep) + 1]), "x", ("n", 3, "h", "w"))
    except BundleError as error:
        assert str(error)
    else:
        assert out

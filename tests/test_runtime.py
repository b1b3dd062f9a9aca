"""The one door to onnxruntime."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from unmask import runtime
from unmask.errors import BundleError
from unmask.runtime import Session


def graph() -> bytes:
    """double = 2 x and total = sum of x, for uint8 (n, 2)."""
    nodes = [
        helper.make_node("Cast", ["x"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["real", "real"], ["double"]),
        helper.make_node("ReduceSum", ["real"], ["total"], keepdims=0),
    ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.UINT8, ["n", 2])]
    outputs = [
        helper.make_tensor_value_info("double", TensorProto.FLOAT, ["n", 2]),
        helper.make_tensor_value_info("total", TensorProto.FLOAT, []),
    ]
    opset = [helper.make_opsetid("", 17)]
    model: onnx.ModelProto = helper.make_model(
        helper.make_graph(nodes, "g", inputs, outputs), opset_imports=opset, ir_version=8
    )
    return bytes(model.SerializeToString())


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.parametrize("threads", [None, 1, 2])
def test_every_output_comes_by_its_name(threads: int | None) -> None:
    out = Session(graph(), threads).run(np.array([[1, 2], [3, 4], [5, 6]], np.uint8))
    assert set(out) == {"double", "total"}
    assert (out["double"] == [[2, 4], [6, 8], [10, 12]]).all()
    assert out["total"] == 21


def test_a_file_and_its_bytes_are_the_same_graph(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(graph())
    batch = np.array([[7, 9]], np.uint8)
    assert (Session(path).run(batch)["double"] == Session(graph()).run(batch)["double"]).all()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="resident memory is read from Linux's /proc")
@pytest.mark.parametrize("many_sizes", [True, False])
def test_memory_is_given_back_where_sizes_vary_and_kept_where_they_do_not(many_sizes: bool) -> None:
    """After one run whose intermediate array takes 120 MB and whose output is one number that nobody holds."""
    session = Session(graph(), 1, many_sizes=many_sizes)
    session.run(np.zeros((2, 2), np.uint8))
    before = resident_mb()
    session.run(np.zeros((15_000_000, 2), np.uint8))
    kept = resident_mb() - before
    assert (kept < 40) if many_sizes else (kept > 80)


def test_several_inputs_are_fed_by_their_names() -> None:
    real = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in ("a", "b", "less")]
    model: onnx.ModelProto = helper.make_model(
        helper.make_graph([helper.make_node("Sub", ["a", "b"], ["less"])], "g", real[:2], real[2:]),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    four, one = np.array([4], np.float32), np.array([1], np.float32)
    assert Session(model.SerializeToString()).feed({"b": one, "a": four})["less"] == 3


@pytest.mark.parametrize("data", [b"", b"garbage", graph()[:60]])
def test_what_is_no_graph_is_a_bundle_error(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    with pytest.raises(BundleError, match=r"onnxruntime cannot load .*model\.onnx"):
        Session(path)
    with pytest.raises(BundleError, match="a graph given as bytes"):
        Session(data)


def test_a_missing_file_is_a_bundle_error(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"nowhere\.onnx"):
        Session(tmp_path / "nowhere.onnx")


def test_usable_cores_are_those_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 3}, raising=False)
    assert runtime.usable_cores() == 2
    monkeypatch.delattr("os.sched_getaffinity")
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert runtime.usable_cores() == 1


def test_the_version_is_known() -> None:
    assert runtime.VERSION.count(".") >= 2

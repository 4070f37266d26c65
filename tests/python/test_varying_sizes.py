"""Sizes that hang on what the inputs hold: what the first sample showed of them is no constant."""

import calotype
import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
FIRST, THEN = np.float32([[1, 0, 2], [0, 3, 0]]), np.float32([[0, 0, 2], [1, 3, 4]])


def model(nodes, outputs, constants=(), inputs=(("x", [2, 3]),)):
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info(name, FLOAT, dims) for name, dims in inputs],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


NONZERO = helper.make_node("NonZero", ["x"], ["places"])
SHAPE = helper.make_node("Shape", ["places"], ["shape"])
COUNT = helper.make_node("Gather", ["shape", "one"], ["count"])
BRANCHES = {f"{name}_branch": helper.make_graph([helper.make_node("Slice", ["x", "zero", end], [name])], name, [],
                                                [helper.make_tensor_value_info(name, FLOAT, None)])
            for name, end in (("then", "one_row"), ("else", "two_rows"))}
CASES = {
    "a count": model([NONZERO, SHAPE, COUNT], [("count", INT64)], [("one", np.int64(1))]),
    "sizes of an output": model([NONZERO, SHAPE, helper.make_node("Neg", ["shape"], ["y"])],
                                [("places", INT64), ("y", INT64)]),
    "of what is made of it": model(
        [helper.make_node("ReduceSum", ["x", "axes"], ["sums"], keepdims=0),
         helper.make_node("Greater", ["sums", "two"], ["row"]),
         helper.make_node("Compress", ["x", "row"], ["kept"], axis=0), helper.make_node("Relu", ["kept"], ["r"]),
         helper.make_node("Shape", ["r"], ["shape"]), helper.make_node("Neg", ["shape"], ["y"])],
        [("y", INT64)], [("axes", np.int64([1])), ("two", np.float32(2.5))]),
    "a range": model(
        [helper.make_node("ReduceMax", ["x"], ["most"], keepdims=0, axes=[0, 1]),
         helper.make_node("Cast", ["most"], ["whole"], to=INT64), 
         helper.make_node("Range", ["start", "whole", "one"], ["steps"]), helper.make_node("Shape", ["steps"], ["shape"]),
         helper.make_node("Neg", ["shape"], ["y"])],
        [("y", INT64)], [("start", np.int64(0)), ("one", np.int64(1))]),
    "branches of different sizes": model(
        [helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=0), helper.make_node("Greater", ["sum", "eight"], ["much"]),
         helper.make_node("If", ["much"], ["chosen"], **BRANCHES), helper.make_node("Shape", ["chosen"], ["shape"]),
         helper.make_node("Neg", ["shape"], ["y"])],
        [("y", INT64)], [("eight", np.float32(8)), ("zero", np.int64([0])), ("one_row", np.int64([1])),
                         ("two_rows", np.int64([2]))]),
}


@pytest.mark.parametrize("npu", ["none", "VE2802_NPU_IP_O00_A304_M3"])
@pytest.mark.parametrize("case", CASES)
def test_a_size_is_that_of_each_input(tmp_path, case, npu):
    given = CASES[case]
    (tmp_path / "m.onnx").write_bytes(given.SerializeToString())
    calotype.compile(tmp_path / "m.onnx", [{"x": FIRST}], tmp_path / "s", npu=npu, images=1)
    runner, session = calotype.Runner(tmp_path / "s"), onnxruntime.InferenceSession(tmp_path / "m.onnx")
    results = []
    for x in (FIRST, THEN):
        expected = session.run(None, {"x": x})
        found = runner.run({"x": x})
        for output, array in zip(given.graph.output, expected):
            assert found[output.name].dtype == array.dtype and np.array_equal(found[output.name], array), output.name
        results.append([array.tolist() for array in expected])
    assert results[0] != results[1]  # else the case would show nothing


def test_a_tensor_of_a_varying_size_crosses_between_host_parts(tmp_path):
    """Its part of the input is read behind an NPU part, at another size than the first sample's."""
    weights = np.random.default_rng(1).normal(scale=0.1, size=(32, 32, 3, 3)).astype(np.float32)
    given = model(
        [helper.make_node("NonZero", ["m"], ["places"]), helper.make_node("Cast", ["places"], ["reals"], to=FLOAT),
         helper.make_node("Softmax", ["x"], ["s"], axis=1), helper.make_node("Conv", ["s", "w"], ["c"], pads=[1] * 4),
         helper.make_node("Conv", ["c", "w"], ["d"], pads=[1] * 4), helper.make_node("ReduceMax", ["d"], ["most"], keepdims=0),
         helper.make_node("Add", ["reals", "most"], ["y"])],
        [("y", FLOAT)], [("w", weights)], [("x", [1, 32, 48, 48]), ("m", [4])])
    (tmp_path / "m.onnx").write_bytes(given.SerializeToString())
    x = np.random.default_rng(2).normal(size=(1, 32, 48, 48)).astype(np.float32)
    calotype.compile(tmp_path / "m.onnx", [{"x": x, "m": np.float32([1, 0, 1, 0])}], tmp_path / "s", images=1)
    assert any(part["name"].startswith("NPU") for part in calotype.inspect(tmp_path / "s")["subgraphs"])
    feeds = {"x": x, "m": np.float32([1, 1, 1, 0])}
    found = calotype.Runner(tmp_path / "s").run(feeds)["y"]
    expected = onnxruntime.InferenceSession(tmp_path / "m.onnx").run(None, feeds)[0]
    assert found.shape == expected.shape and np.abs(found - expected).max() < 0.05  # INT8, of a sum of many

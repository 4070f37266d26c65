"""Models at the rim of ONNX, compiled for no NPU: the values are ONNX Runtime's, and so are those of the view."""

from pathlib import Path

import calotype
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
X = np.arange(6, dtype=np.float32).reshape(2, 3) - 2


def value(name, dims, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, dims)


def model(nodes, inputs, outputs, constants=(), opset=21, **more):
    graph = helper.make_graph(nodes, "g", inputs, outputs, [numpy_helper.from_array(a, n) for n, a in constants])
    imports = more.pop("imports", [helper.make_opsetid("", opset)])
    return helper.make_model(graph, opset_imports=imports, ir_version=10, **more)


def session(given):
    return onnxruntime.InferenceSession(given, providers=["CPUExecutionProvider"])


def agree(given, feeds: dict, folder: Path):
    (folder / "m.onnx").write_bytes(given.SerializeToString())
    calotype.compile(folder / "m.onnx", [feeds], folder / "s", npu="none", images=1)
    outputs = calotype.Runner(folder / "s").run(feeds)
    for which in (folder / "m.onnx", folder / "s" / "wrp_network_iriz.onnx"):
        names = [output.name for output in given.graph.output]
        for name, array in zip(names, session(str(which)).run(names, feeds)):
            assert outputs[name].dtype == array.dtype and outputs[name].shape == array.shape, which
            np.testing.assert_allclose(outputs[name], array, rtol=1e-6, err_msg=str(which))


def test_an_output_left_out(tmp_path):
    rng = np.random.default_rng(1)
    weights = [(n, rng.standard_normal(d).astype(np.float32)) for n, d in (("w", (1, 12, 3)), ("r", (1, 12, 4)))]
    gru = helper.make_node("GRU", ["x", "w", "r"], ["", "y"], hidden_size=4)
    agree(model([gru], [value("x", [1, 2, 3])], [value("y", None)], weights), {"x": X[None]}, tmp_path)


@pytest.mark.parametrize("is_output", [False, True])
def test_a_subgraph_reads_what_would_be_folded(tmp_path, is_output):
    """`k` is computed of constants and read by name inside the branches."""
    branches = {f"{which}_branch": helper.make_graph([helper.make_node(op, ["x", "k"], [which])], which, [],
                                                     [value(which, None)])
                for which, op in (("then", "Add"), ("else", "Mul"))}
    nodes = [helper.make_node("Exp", ["c"], ["k"]), helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=0),
             helper.make_node("Greater", ["sum", "zero"], ["positive"]),
             helper.make_node("If", ["positive"], ["y"], **branches)]
    outputs = [value("y", None)] + [value("k", None)] * is_output
    given = model(nodes, [value("x", [2, 3])], outputs,
                  [("c", np.float32([1, 2, 3])), ("zero", np.float32(0))])
    agree(given, {"x": X}, tmp_path)
    agree(given, {"x": -X}, tmp_path)


def test_an_empty_array(tmp_path):
    given = model([helper.make_node("Shape", ["x"], ["n"]), helper.make_node("Relu", ["x"], ["y"])],
                  [value("x", [0, 3])], [value("y", [0, 3]), value("n", [2], INT64)])
    agree(given, {"x": np.zeros((0, 3), np.float32)}, tmp_path)


def test_no_inputs(tmp_path):
    agree(model([helper.make_node("Exp", ["c"], ["y"])], [], [value("y", [3])], [("c", X[0])]), {}, tmp_path)


def test_another_domain_alone(tmp_path):
    node = helper.make_node("Normalizer", ["x"], ["y"], domain="ai.onnx.ml", norm="L2")
    given = model([node], [value("x", [2, 3])], [value("y", [2, 3])], imports=[helper.make_opsetid("ai.onnx.ml", 1)])
    agree(given, {"x": X}, tmp_path)


def test_bfloat16(tmp_path):
    import ml_dtypes  # comes with onnx
    given = model([helper.make_node("Cast", ["x"], ["y"], to=FLOAT), helper.make_node("Identity", ["x"], ["same"])],
                  [value("x", [2, 3], TensorProto.BFLOAT16)],
                  [value("y", [2, 3]), value("same", [2, 3], TensorProto.BFLOAT16)])
    (tmp_path / "m.onnx").write_bytes(given.SerializeToString())
    feeds = {"x": X.astype(ml_dtypes.bfloat16)}
    calotype.compile(tmp_path / "m.onnx", [feeds], tmp_path / "s", npu="none", images=1)
    outputs = calotype.Runner(tmp_path / "s").run(feeds)
    np.testing.assert_array_equal(outputs["y"], X)
    np.testing.assert_array_equal(outputs["same"].view(ml_dtypes.bfloat16), feeds["x"])


def test_a_loop_of_an_old_opset(tmp_path):
    """Unsqueeze and Slice took their axes as attributes; the body reads `x` from outside and an inner If reads both."""
    inner = {f"{which}_branch": helper.make_graph(
        [helper.make_node("Unsqueeze", [of], [which + "_row"], axes=[0]),
         helper.make_node("Squeeze", [which + "_row"], [which], axes=[0])], which, [], [value(which, None)])
        for which, of in (("then", "sum_in"), ("else", "first"))}
    body = helper.make_graph(
        [helper.make_node("Slice", ["x", "start", "end"], ["row"]),
         helper.make_node("Squeeze", ["row"], ["first"], axes=[0]),
         helper.make_node("If", ["more"], ["chosen"], **inner), helper.make_node("Add", ["chosen", "first"], ["sum"]),
         helper.make_node("Identity", ["more"], ["more_out"]),
         helper.make_node("Unsqueeze", ["sum"], ["scan"], axes=[0])],
        "body", [value("i", [], INT64), value("more", [], TensorProto.BOOL), value("sum_in", [3])],
        [value("more_out", [], TensorProto.BOOL), value("sum", [3]), value("scan", [1, 3])],
        [numpy_helper.from_array(np.int64([n]), name) for n, name in ((0, "start"), (1, "end"))])
    given = model([helper.make_node("Loop", ["n", "go", "zero"], ["y", "scans"], body=body)], [value("x", [2, 3])],
                  [value("y", [3]), value("scans", None)],
                  [("n", np.int64(3)), ("go", np.bool_(True)), ("zero", np.zeros(3, np.float32))], opset=11)
    agree(given, {"x": X}, tmp_path)


def test_an_output_of_strings(tmp_path):
    given = model([helper.make_node("Cast", ["x"], ["y"], to=TensorProto.STRING)], [value("x", [2, 3])],
                  [value("y", None, TensorProto.STRING)])
    onnx.save(given, tmp_path / "m.onnx")
    calotype.compile(tmp_path / "m.onnx", [{"x": X}], tmp_path / "s", npu="none", images=1)
    found = calotype.Runner(tmp_path / "s").run({"x": X})["y"]
    for which in (tmp_path / "m.onnx", tmp_path / "s" / "wrp_network_iriz.onnx"):
        assert found.tolist() == session(str(which)).run(["y"], {"x": X})[0].tolist()


def test_sizes_and_empty_scales_of_an_old_resize(tmp_path):
    node = helper.make_node("Resize", ["x", "none", "none", "sizes"], ["y"], mode="nearest")
    given = model([node], [value("x", [1, 1, 2, 3])], [value("y", [1, 1, 4, 6])],
                  [("none", np.zeros(0, np.float32)), ("sizes", np.int64([1, 1, 4, 6]))], opset=11)
    agree(given, {"x": X[None, None]}, tmp_path)

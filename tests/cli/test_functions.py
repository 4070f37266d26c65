"""Model-local functions: a call is the function's nodes, wherever these can stand outside."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from conftest import Command
from onnx import TensorProto, helper, numpy_helper
from test_split import snr_db

RANDOM = np.random.default_rng(6)
CONSTANTS = {"w1": RANDOM.normal(size=(16, 16, 3, 3)) / 12, "w2": RANDOM.normal(size=(16, 16, 3, 3)) / 12, "bias": RANDOM.normal(size=16)}
X = RANDOM.normal(size=(4, 16, 8, 8)).astype(np.float32)
OPSETS = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]


def referring(node: onnx.NodeProto, own: str, name: str, kind: int) -> onnx.NodeProto:
    attribute = node.attribute.add()
    attribute.name, attribute.ref_attr_name, attribute.type = own, name, kind
    return node


def conv_function(overload: str = "", padding: int = 1, opset: int = 17, more: list[onnx.NodeProto] = ()) -> onnx.FunctionProto:
    """leaky(conv(x, w) + bias): the bias may be left out, `slope` and `group` are the call's or 0.25 and absent."""
    nodes = [referring(helper.make_node("Conv", ["x", "w", "b"], ["a"], pads=[padding] * 4), "group", "group",
                       onnx.AttributeProto.INT),
             referring(helper.make_node("LeakyRelu", ["a"], ["y"]), "alpha", "slope", onnx.AttributeProto.FLOAT), *more]
    function = helper.make_function("mine", "ConvLeaky", ["x", "w", "b"], ["y"], nodes, [helper.make_opsetid("", opset)],
                                    attributes=["group"], attribute_protos=[helper.make_attribute("slope", 0.25)])
    function.overload = overload
    return function


def saved(path: Path, nodes: list[onnx.NodeProto], functions: list[onnx.FunctionProto], ir_version: int = 10) -> Path:
    constants = [numpy_helper.from_array(array.astype(np.float32), name) for name, array in CONSTANTS.items()]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 16, 8, 8])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * 4)], constants)
    onnx.save(helper.make_model(graph, opset_imports=OPSETS, functions=functions, ir_version=ir_version), path)
    return path


def call(inputs: list[str], output: str, overload: str = "", **attributes) -> onnx.NodeProto:
    node = helper.make_node("ConvLeaky", inputs, [output], domain="mine", **attributes)
    if overload:
        node.overload = overload
    return node


def outcome(calotype: Command, model: Path, x: np.ndarray, *options) -> tuple[dict, np.ndarray]:
    np.savez(model.parent / "x.npz", x=x)
    made = calotype("compile", model, "--samples", model.parent / "x.npz", "-o", model.parent / "s", *options)
    assert made.code == 0, made.stderr
    ran = calotype("run", model.parent / "s", "--input", model.parent / "x.npz", "--output", model.parent / "y.npz")
    assert ran.code == 0, ran.stderr
    return json.loads((model.parent / "s/report.json").read_text()), np.load(model.parent / "y.npz")["y"]


def exact(model: Path) -> np.ndarray:
    return onnxruntime.InferenceSession(model).run(None, {"x": X})[0]


def on_the_npu(report: dict) -> list[str]:
    return [one["operator"] for one in report["operators"] if one["device"] == "NPU"]


def test_calls_run_on_the_npu(calotype: Command, tmp_path):
    """Two calls of one function, one with its bias and a slope of its own; the function calls another one."""
    outer = helper.make_function("mine", "Twice", ["x", "w"], ["y", "z"],
                                 [call(["x", "w"], "z"), call(["z", "w"], "y", slope=0.5)],
                                 [helper.make_opsetid("mine", 1)])
    nodes = [call(["x", "w1", "bias"], "a", slope=0.1),
             helper.make_node("Twice", ["a", "w2"], ["b", "c"], domain="mine", name="twice"),
             helper.make_node("Add", ["b", "c"], ["y"])]
    model = saved(tmp_path / "m.onnx", nodes, [conv_function(), outer])
    report, y = outcome(calotype, model, X)
    assert on_the_npu(report).count("Conv") == 3 and len(on_the_npu(report)) == len(report["operators"])
    assert snr_db(exact(model), y) > 28  # three convolutions in INT8
    np.testing.assert_allclose(outcome(calotype, model, X, "--npu", "none")[1], exact(model), rtol=1e-4, atol=1e-5)


def test_an_overload_is_another_function(calotype: Command, tmp_path):
    nodes = [call(["x", "w1"], "a", "padded"), call(["a", "w2"], "y", "cropped")]
    model = saved(tmp_path / "m.onnx", nodes, [conv_function("padded", 1), conv_function("cropped", 0)])
    report, y = outcome(calotype, model, X)
    assert y.shape == (4, 16, 6, 6) and on_the_npu(report).count("Conv") == 2
    same = saved(tmp_path / "same.onnx", [helper.make_node("Conv", ["x", "w1"], ["a"], pads=[1] * 4),
                                          helper.make_node("LeakyRelu", ["a"], ["b"], alpha=0.25),
                                          helper.make_node("Conv", ["b", "w2"], ["c"]),
                                          helper.make_node("LeakyRelu", ["c"], ["y"], alpha=0.25)], [])
    assert snr_db(exact(same), y) > 28


def test_a_function_that_hands_its_input_on(calotype: Command, tmp_path):
    """Which ONNX Runtime refuses."""
    through = helper.make_function("mine", "Through", ["x", "w"], ["y", "x"], [call(["x", "w"], "y")],
                                   [helper.make_opsetid("mine", 1)])
    nodes = [helper.make_node("Through", ["x", "w1"], ["b", "same"], domain="mine"),
             helper.make_node("Add", ["b", "same"], ["y"])]
    report, y = outcome(calotype, saved(tmp_path / "m.onnx", nodes, [conv_function(), through]), X)
    same = saved(tmp_path / "same.onnx", [call(["x", "w1"], "b"), helper.make_node("Add", ["b", "x"], ["y"])],
                 [conv_function()])
    assert on_the_npu(report) == ["Conv", "LeakyRelu", "Add"]
    assert snr_db(exact(same), y) > 30


def test_a_function_of_another_opset_is_left_to_onnx_runtime(calotype: Command, tmp_path):
    model = saved(tmp_path / "m.onnx", [call(["x", "w1"], "y")], [conv_function(opset=18)])
    report, y = outcome(calotype, model, X)
    assert on_the_npu(report) == []
    np.testing.assert_allclose(y, exact(model), rtol=1e-5, atol=1e-6)


def test_an_overload_of_another_opset_is_refused(calotype: Command, tmp_path):
    model = saved(tmp_path / "m.onnx", [call(["x", "w1"], "y", "new")], [conv_function("new", opset=18)])
    np.savez(tmp_path / "x.npz", x=X)
    calotype.refuses("compile", model, "--samples", tmp_path / "x.npz", "-o", tmp_path / "s",
                     names="it calls an overload of a function that cannot be written out")


def test_functions_that_multiply_their_constants_are_refused(calotype: Command, tmp_path):
    """64 calls of a function that holds 4 MB."""
    big = helper.make_function(
        "mine", "Big", ["x"], ["y"],
        [helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(np.ones((1, 16, 256, 256), np.float32))),
         helper.make_node("ReduceMax", ["c"], ["m"]), helper.make_node("Mul", ["x", "m"], ["y"])],
        [helper.make_opsetid("", 17)])
    names = ["x", *(f"v{i}" for i in range(63)), "y"]
    nodes = [helper.make_node("Big", [a], [b], domain="mine") for a, b in zip(names, names[1:])]
    model = saved(tmp_path / "m.onnx", nodes, [big])
    np.savez(tmp_path / "x.npz", x=X)
    calotype.refuses("compile", model, "--samples", tmp_path / "x.npz", "-o", tmp_path / "s",
                     names="names and constants of the functions have 138414222 bytes")

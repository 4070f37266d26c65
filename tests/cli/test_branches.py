"""If nodes whose condition is known from the shapes: the branch taken stands in the graph like any node."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from conftest import Command
from onnx import TensorProto, helper, numpy_helper
from test_split import snr_db

WEIGHTS = {name: np.random.default_rng(seed).normal(size=(16, 16, 3, 3)).astype(np.float32) / 12
           for seed, name in enumerate(("w1", "w2", "w3"))}
FLOAT = TensorProto.FLOAT


def body(name: str, nodes: list[onnx.NodeProto], output: str, initializers=()) -> onnx.GraphProto:
    return helper.make_graph(nodes, name, [], [helper.make_tensor_value_info(output, FLOAT, None)], list(initializers))


def conv(x: str, w: str, y: str) -> onnx.NodeProto:
    return helper.make_node("Conv", [x, w], [y], pads=[1, 1, 1, 1])


def saved(path: Path, nodes: list[onnx.NodeProto], dims=("N", 16, "H", "W"), constants=()) -> Path:
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", FLOAT, dims)],
        [helper.make_tensor_value_info("y", FLOAT, [None] * 4)],
        [numpy_helper.from_array(array, name) for name, array in WEIGHTS.items()] + list(constants))
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def width_is(size: int) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    nodes = [helper.make_node("Shape", ["x"], ["dims"]), helper.make_node("Gather", ["dims", "last"], ["width"]),
             helper.make_node("Equal", ["width", "size"], ["is"])]
    return nodes, [numpy_helper.from_array(np.array(3), "last"), numpy_helper.from_array(np.array(size), "size")]


def outcome(calotype: Command, model: Path, x: np.ndarray, *options) -> tuple[dict, np.ndarray]:
    """report.json, and the output."""
    folder = model.parent
    np.savez(folder / "x.npz", x=x)
    made = calotype("compile", model, "--samples", folder / "x.npz", "-o", folder / "s", *options)
    assert made.code == 0, made.stderr
    ran = calotype("run", folder / "s", "--input", folder / "x.npz", "--output", folder / "y.npz")
    assert ran.code == 0, ran.stderr
    return json.loads((folder / "s/report.json").read_text()), np.load(folder / "y.npz")["y"]


def image(width: int) -> np.ndarray:
    return np.random.default_rng(5).normal(size=(4, 16, 8, width)).astype(np.float32)


def exact(model: Path, x: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model)
    return np.concatenate([session.run(None, {"x": one[None]})[0] for one in x])


@pytest.mark.parametrize("width", [8, 9])
def test_the_branch_taken_runs_on_the_npu(calotype: Command, tmp_path, width):
    """Both branches use the same names inside, as exporters do, and the second If reads the first one's output."""
    nodes, constants = width_is(8)
    inner = numpy_helper.from_array(np.float32([0.5]), "half")
    then = body("t", [helper.make_node("Mul", ["x", "half"], ["a"]), conv("a", "w1", "b")], "b", [inner])
    other = body("e", [conv("x", "w2", "a"), helper.make_node("Relu", ["a"], ["b"])], "b")
    second = [body("t", [conv("first", "w3", "b")], "b"), body("e", [helper.make_node("Neg", ["first"], ["b"])], "b")]
    nodes += [helper.make_node("If", ["is"], ["first"], name="if", then_branch=then, else_branch=other),
              helper.make_node("If", ["is"], ["y"], name="again", then_branch=second[0], else_branch=second[1])]
    model, x = saved(tmp_path / "m.onnx", nodes, constants=constants), image(width)
    report, y = outcome(calotype, model, x)
    assert not any(one["operator"] == "If" for one in report["operators"])
    assert [one["device"] for one in report["operators"] if one["operator"] == "Conv"] == ["NPU"] * (2 if width == 8 else 1)
    assert snr_db(exact(model, x), y) > 30
    assert snr_db(exact(model, x), outcome(calotype, model, x, "--npu", "none")[1]) > 120


def test_a_branch_in_a_branch(calotype: Command, tmp_path):
    nodes, constants = width_is(8)
    deep = [body("t", [conv("a", "w2", "b")], "b"), body("e", [helper.make_node("Abs", ["a"], ["b"])], "b")]
    then = body("t", [conv("x", "w1", "a"), helper.make_node("If", ["is"], ["c"], then_branch=deep[0], else_branch=deep[1])],
                "c")
    other = body("e", [helper.make_node("Abs", ["x"], ["c"])], "c")
    nodes += [helper.make_node("If", ["is"], ["y"], name="if", then_branch=then, else_branch=other)]
    model, x = saved(tmp_path / "m.onnx", nodes, constants=constants), image(8)
    report, y = outcome(calotype, model, x)
    assert [one["device"] for one in report["operators"] if one["operator"] == "Conv"] == ["NPU"] * 2
    assert snr_db(exact(model, x), y) > 30


def test_a_condition_that_is_computed_keeps_its_if(calotype: Command, tmp_path):
    nodes = [helper.make_node("ReduceMax", ["x"], ["most"], keepdims=0), helper.make_node("Less", ["most", "none"], ["is"]),
             helper.make_node("If", ["is"], ["y"], name="if", then_branch=body("t", [conv("x", "w1", "b")], "b"),
                              else_branch=body("e", [conv("x", "w2", "c")], "c"))]
    model = saved(tmp_path / "m.onnx", nodes, constants=[numpy_helper.from_array(np.float32(0), "none")])
    x = image(8)
    report, y = outcome(calotype, model, x)
    assert [one["device"] for one in report["operators"] if one["operator"] == "If"] == ["CPU"]
    assert snr_db(exact(model, x), y) > 120


def test_a_loop_of_constants_is_a_constant(calotype: Command, tmp_path):
    """Eight trips that double a factor: y = Conv(256 x)."""
    turn = helper.make_graph(
        [helper.make_node("Add", ["before", "before"], ["after"]), helper.make_node("Identity", ["go"], ["go_on"])], "turn",
        [helper.make_tensor_value_info("i", TensorProto.INT64, []), helper.make_tensor_value_info("go", TensorProto.BOOL, []),
         helper.make_tensor_value_info("before", FLOAT, [])],
        [helper.make_tensor_value_info("go_on", TensorProto.BOOL, []), helper.make_tensor_value_info("after", FLOAT, [])])
    nodes = [helper.make_node("Loop", ["trips", "", "one"], ["factor"], name="loop", body=turn),
             helper.make_node("Mul", ["x", "factor"], ["scaled"]), conv("scaled", "w1", "y")]
    constants = [numpy_helper.from_array(np.array(8), "trips"), numpy_helper.from_array(np.float32(1), "one")]
    model, x = saved(tmp_path / "m.onnx", nodes, constants=constants), image(8)
    report, y = outcome(calotype, model, x)
    assert all(one["device"] == "NPU" for one in report["operators"])
    assert snr_db(exact(model, x), y) > 30


def test_a_branch_whose_names_are_taken_stays_inside(calotype: Command, tmp_path):
    """Two branches alike hold an If that reads their own `a`: only one of them can have that name outside."""
    nodes, constants = width_is(8)
    for x, w, y in [("x", "w1", "middle"), ("middle", "w2", "y")]:
        deep = [body("t", [helper.make_node("Relu", ["a"], ["b"])], "b"), body("e", [helper.make_node("Abs", ["a"], ["b"])], "b")]
        then = body("t", [conv(x, w, "a"), helper.make_node("If", ["is"], ["c"], then_branch=deep[0], else_branch=deep[1])], "c")
        other = body("e", [helper.make_node("Neg", [x], ["c"])], "c")
        nodes.append(helper.make_node("If", ["is"], [y], name=f"if_{y}", then_branch=then, else_branch=other))
    model, x = saved(tmp_path / "m.onnx", nodes, constants=constants), image(8)
    report, y = outcome(calotype, model, x)
    assert snr_db(exact(model, x), y) > 30
    assert snr_db(exact(model, x), outcome(calotype, model, x, "--npu", "none")[1]) > 120

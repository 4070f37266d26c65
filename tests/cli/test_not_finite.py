"""Masks of minus infinity, as attention has them: what they touch is the CPU's, the rest runs on the NPU."""

import json

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from conftest import Command
from test_split import snr_db

HEADS, TOKENS, WIDTH = 32, 16, 64


def masked_attention() -> onnx.ModelProto:
    """x [N, heads, tokens, width], padding [N, heads, tokens, tokens] -> Conv -> attention of x to itself, causal and padded -> Conv -> y."""
    random = np.random.default_rng(1)
    weights = {"w1": random.normal(size=(HEADS, HEADS, 3, 3)).astype(np.float32) / 17,
               "w2": random.normal(size=(HEADS, HEADS, 3, 3)).astype(np.float32) / 17,
               "seen": np.tri(TOKENS, dtype=bool), "minus_infinity": np.float32(-np.inf), "factor": np.float32(0.125)}
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["a"], name="first", pads=[1, 1, 1, 1]),
        helper.make_node("Transpose", ["a"], ["turned"], name="turn", perm=[0, 1, 3, 2]),
        helper.make_node("MatMul", ["a", "turned"], ["scores"], name="scores"),
        helper.make_node("Where", ["seen", "scores", "minus_infinity"], ["causal"], name="causal"),
        helper.make_node("Mul", ["causal", "factor"], ["scaled"], name="scale"),
        helper.make_node("Add", ["scaled", "padding"], ["padded"], name="pad"),
        helper.make_node("Softmax", ["padded"], ["shares"], name="softmax", axis=-1),
        helper.make_node("MatMul", ["shares", "a"], ["mixed"], name="mix"),
        helper.make_node("Conv", ["mixed", "w2"], ["y"], name="last", pads=[1, 1, 1, 1]),
    ]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", HEADS, TOKENS, WIDTH]),
                     helper.make_tensor_value_info("padding", TensorProto.FLOAT, ["N", HEADS, TOKENS, TOKENS])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", HEADS, TOKENS, WIDTH])],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def sentences(count: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(2)
    padding = np.zeros((count, HEADS, TOKENS, TOKENS), np.float32)
    padding[::2, :, :, -2:] = -np.inf
    return {"x": random.normal(size=(count, HEADS, TOKENS, WIDTH)).astype(np.float32), "padding": padding}


def test_a_mask_of_minus_infinity_is_the_hosts(calotype: Command, tmp_path):
    onnx.save(masked_attention(), tmp_path / "m.onnx")
    samples = sentences(20)
    np.savez(tmp_path / "s.npz", **samples)
    made = calotype("compile", tmp_path / "m.onnx", "--samples", tmp_path / "s.npz", "-o", tmp_path / "s")
    assert made.code == 0, made.stderr
    operators = {one["name"]: one for one in json.loads((tmp_path / "s/report.json").read_text())["operators"]}
    assert operators["first"]["device"] == operators["last"]["device"] == "NPU"
    for name, value in [("scale", "causal"), ("pad", "padding")]:
        assert operators[name]["device"] == "CPU"
        assert operators[name]["reason"]["rule"] == "NPU_NOT_FINITE"
        assert "infinite or NaN in `" in operators[name]["reason"]["actual"]
    ran = calotype("run", tmp_path / "s", "--input", tmp_path / "s.npz", "--output", tmp_path / "y.npz")
    assert ran.code == 0, ran.stderr
    exact = onnxruntime.InferenceSession(tmp_path / "m.onnx").run(None, samples)[0]
    assert snr_db(exact, np.load(tmp_path / "y.npz")["y"]) > 25


def test_explain_knows_it_from_samples(calotype: Command, tmp_path):
    onnx.save(masked_attention(), tmp_path / "m.onnx")
    np.savez(tmp_path / "s.npz", **sentences(4))
    told = calotype("explain", tmp_path / "m.onnx", "--samples", tmp_path / "s.npz")
    assert told.code == 0, told.stderr
    assert "NPU_NOT_FINITE" in told.stdout


def test_a_sample_that_leaves_nothing_finite_is_an_error(calotype: Command, tmp_path):
    onnx.save(masked_attention(), tmp_path / "m.onnx")
    samples = sentences(4)
    samples["padding"][2] = -np.inf  # every share is 0 / 0
    np.savez(tmp_path / "s.npz", **samples)
    calotype.refuses("compile", tmp_path / "m.onnx", "--samples", tmp_path / "s.npz", "-o", tmp_path / "s",
                     names="output `y`: sample 2 gives NaN or an infinity everywhere")


def test_an_output_of_infinities_is_the_hosts(calotype: Command, tmp_path):
    random = np.random.default_rng(3)
    weights = random.normal(size=(32, 32, 3, 3)).astype(np.float32) / 17
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], name="conv", pads=[1, 1, 1, 1]),
             helper.make_node("Log", ["allowed"], ["mask"], name="log")]
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 32, 16, 16])
    graph = helper.make_graph(
        nodes, "g", [image, helper.make_tensor_value_info("allowed", TensorProto.FLOAT, ["N", 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 32, 16, 16]),
         helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["N", 8])], [numpy_helper.from_array(weights, "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    samples = {"x": random.normal(size=(4, 32, 16, 16)).astype(np.float32), "allowed": np.zeros((4, 8), np.float32)}
    np.savez(tmp_path / "s.npz", **samples)
    made = calotype("compile", tmp_path / "m.onnx", "--samples", tmp_path / "s.npz", "-o", tmp_path / "s")
    assert made.code == 0, made.stderr
    ran = calotype("run", tmp_path / "s", "--input", tmp_path / "s.npz", "--output", tmp_path / "y.npz")
    assert ran.code == 0, ran.stderr
    assert (np.load(tmp_path / "y.npz")["mask"] == -np.inf).all()


def test_a_model_may_take_nan_in(calotype: Command, tmp_path):
    """A feature that is missing, and filled: what reads it is the CPU's anyway. What the NPU would read may hold none."""
    weights = np.random.default_rng(3).normal(size=(64, 32)).astype(np.float32)
    nodes = [helper.make_node("IsNaN", ["x"], ["missing"], name="missing"),
             helper.make_node("Where", ["missing", "filling", "x"], ["filled"], name="fill"),
             helper.make_node("MatMul", ["filled", "w"], ["y"], name="product")]
    for name, kept in [("filled.onnx", nodes), ("plain.onnx", nodes[2:])]:
        if len(kept) == 1:
            kept[0].input[0] = "x"
        graph = helper.make_graph(
            kept, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 64])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 32])],
            [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(np.float32(0.5), "filling")])
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / name)
    x = np.random.default_rng(4).normal(size=(8, 64)).astype(np.float32)
    x[2, 5] = np.nan
    np.savez(tmp_path / "s.npz", x=x)
    made = calotype("compile", tmp_path / "filled.onnx", "--samples", tmp_path / "s.npz", "-o", tmp_path / "s")
    assert made.code == 0, made.stderr
    ran = calotype("run", tmp_path / "s", "--input", tmp_path / "s.npz", "--output", tmp_path / "y.npz")
    assert ran.code == 0, ran.stderr
    assert snr_db(np.where(np.isnan(x), 0.5, x) @ weights, np.load(tmp_path / "y.npz")["y"]) > 30
    calotype.refuses("compile", tmp_path / "plain.onnx", "--samples", tmp_path / "s.npz", "-o", tmp_path / "p",
                     names="input `x`: sample 2 gives NaN")

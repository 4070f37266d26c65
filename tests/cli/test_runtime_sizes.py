"""Sizes that the model's user gives at run time: what ONNX Runtime infers depends on how much it is told of shapes."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from conftest import Command
from onnx import TensorProto, helper, numpy_helper
from test_split import snr_db

def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def resized(path: Path) -> Path:
    """x [N, 3, H, W] and size [4] -> Conv -> Resize to that size -> y."""
    weights = normal(1, 16, 3, 3, 3)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["a"], name="first", pads=[1, 1, 1, 1]),
         helper.make_node("Resize", ["a", "", "", "size"], ["y"], name="resize", mode="linear")],
        "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, "H", "W"]),
              helper.make_tensor_value_info("size", TensorProto.INT64, [4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * 4)], [numpy_helper.from_array(weights, "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_a_resize_to_a_size_that_is_an_input(calotype: Command, tmp_path):
    model = resized(tmp_path / "m.onnx")
    samples = tmp_path / "samples"
    samples.mkdir()
    given = {}
    for height in (24, 24, 40):
        name = f"{len(given)}.npz"
        given[name] = {"x": normal(len(given), 1, 3, height, 32),
                       "size": np.array([1, 16, height + 7, 50])}
        np.savez(samples / name, **given[name])
    made = calotype("compile", model, "--samples", samples, "-o", tmp_path / "s")
    assert made.code == 0, made.stderr
    for name, feeds in given.items():
        ran = calotype("run", tmp_path / "s", "--input", samples / name, "--output", tmp_path / "y.npz")
        assert ran.code == 0, ran.stderr
        exact = onnxruntime.InferenceSession(model).run(None, feeds)[0]
        assert snr_db(exact, np.load(tmp_path / "y.npz")["y"]) > 30  # one convolution in INT8


def test_an_operator_that_onnx_runtime_knows_as_a_function_of_shapes(calotype: Command, tmp_path):
    """CausalConvWithState of opset 27: its body is made for the shapes that are stated."""
    weights = normal(1, 4, 1, 3)
    graph = helper.make_graph(
        [helper.make_node("CausalConvWithState", ["x", "w"], ["y", "state"], name="causal")], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, 9]),
         helper.make_tensor_value_info("w", TensorProto.FLOAT, [4, 1, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 9])])
    model = tmp_path / "m.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 27)], ir_version=11), model)
    x = normal(2, 1, 4, 9)
    np.savez(tmp_path / "in.npz", x=x, w=weights)
    made = calotype("compile", model, "--samples", tmp_path / "in.npz", "-o", tmp_path / "s")
    assert made.code == 0, made.stderr
    ran = calotype("run", tmp_path / "s", "--input", tmp_path / "in.npz", "--output", tmp_path / "y.npy")
    assert ran.code == 0, ran.stderr
    padded = np.pad(x, [(0, 0), (0, 0), (2, 0)])
    exact = sum(padded[:, :, k:k + 9] * weights[None, :, 0, k:k + 1] for k in range(3))
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), exact, rtol=1e-5, atol=1e-6)  # float32 sums of 3


def test_outputs_that_a_size_3_less_leaves_as_they_are(calotype: Command, tmp_path):
    """Of 67 rows a quarter is 17 and twice an eighth 18; of 61 both are 16, as of 64."""
    nodes, value = [], "x"
    for half in ("half", "quarter", "eighth"):
        nodes.append(helper.make_node("Conv", [value, f"w_{half}"], [half], strides=[2, 2], pads=[1, 1, 1, 1]))
        value = half
    nodes += [helper.make_node("Resize", ["eighth", "", "twice"], ["up"], mode="nearest"),
              helper.make_node("Add", ["up", "quarter"], ["y"])]
    constants = [numpy_helper.from_array(normal(channels, 8, channels, 3, 3) / 5, f"w_{half}")
                 for half, channels in (("half", 3), ("quarter", 8), ("eighth", 8))]
    constants.append(numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "twice"))
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, "H", "W"])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    np.savez(tmp_path / "x.npz", x=normal(1, 4, 3, 64, 48))
    made = calotype("compile", tmp_path / "m.onnx", "--samples", tmp_path / "x.npz", "-o", tmp_path / "s", "--shape", "x=1x3x128x64")
    assert made.code == 0, made.stderr
    larger = normal(2, 1, 3, 128, 64)
    np.savez(tmp_path / "larger.npz", x=larger)
    ran = calotype("run", tmp_path / "s", "--input", tmp_path / "larger.npz", "--output", tmp_path / "y.npz")
    assert ran.code == 0, ran.stderr
    exact = onnxruntime.InferenceSession(tmp_path / "m.onnx").run(None, {"x": larger})[0]
    assert snr_db(exact, np.load(tmp_path / "y.npz")["y"]) > 25  # four layers in INT8


def tagger(path: Path) -> Path:
    """x [1, T, 8] -> Transpose -> LSTM -> Squeeze, Transpose -> a product a step -> y [1, T, 5], for any T."""
    constants = {"w": normal(1, 1, 48, 8), "r": normal(2, 1, 48, 12), "fully": normal(3, 12, 5),
                 "direction": np.array([1])}
    graph = helper.make_graph(
        [helper.make_node("Transpose", ["x"], ["steps"], name="steps first", perm=[1, 0, 2]),
         helper.make_node("LSTM", ["steps", "w", "r"], ["all"], name="lstm", hidden_size=12),
         helper.make_node("Squeeze", ["all", "direction"], ["states"], name="squeeze"),
         helper.make_node("Transpose", ["states"], ["rows"], name="batch first", perm=[1, 0, 2]),
         helper.make_node("MatMul", ["rows", "fully"], ["y"], name="tag")],
        "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, "T", 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, "T", 5])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_a_network_over_time_takes_any_length(calotype: Command, tmp_path):
    model = tagger(tmp_path / "m.onnx")
    np.savez(tmp_path / "x.npz", x=normal(4, 4, 20, 8))
    made = calotype("compile", model, "--samples", tmp_path / "x.npz", "-o", tmp_path / "s")
    assert made.code == 0, made.stderr
    session, exact, given = onnxruntime.InferenceSession(model), [], []
    for length in (1, 7, 20, 33):
        x = normal(length, 8, length, 8)
        np.savez(tmp_path / "x.npz", x=x)
        ran = calotype("run", tmp_path / "s", "--input", tmp_path / "x.npz", "--output", tmp_path / "y.npz")
        assert ran.code == 0, ran.stderr
        exact += [session.run(None, {"x": one[None]})[0].ravel() for one in x]
        given.append(np.load(tmp_path / "y.npz")["y"].ravel())
    # Together: a step alone is five values. Were those of length 1 wrong, they would leave no more than 18 dB.
    assert snr_db(np.concatenate(exact), np.concatenate(given)) > 30


def masked_attention(path: Path) -> Path:
    """x [N, T, 16] and mask [N, T] -> two heads whose scores have one mask -> a product a step -> y [N, T, 16]."""
    constants = {"wq": normal(1, 16, 16), "wk": normal(2, 16, 16), "wv": normal(3, 16, 16), "heads": np.array([0, 0, 2, 8]),
                 "whole": np.array([0, 0, 16]), "one": np.float32(1), "far": np.float32(-1e4), "axes": np.array([1, 2])}
    nodes = []
    for name, perm in ("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1]), ("v", [0, 2, 1, 3]):
        nodes += [helper.make_node("MatMul", ["x", f"w{name}"], [f"{name} of all"], name=f"product {name}"),
                  helper.make_node("Reshape", [f"{name} of all", "heads"], [f"{name} apart"], name=f"heads {name}"),
                  helper.make_node("Transpose", [f"{name} apart"], [name], name=f"turn {name}", perm=perm)]
    nodes += [helper.make_node("Unsqueeze", ["mask", "axes"], ["kept"], name="row"),
              helper.make_node("Sub", ["one", "kept"], ["left out"], name="left out"),
              helper.make_node("Mul", ["left out", "far"], ["minus"], name="minus"),
              helper.make_node("MatMul", ["q", "k"], ["scores"], name="scores"),
              helper.make_node("Add", ["scores", "minus"], ["masked"], name="masked"),
              helper.make_node("Softmax", ["masked"], ["weights"], name="softmax", axis=-1),
              helper.make_node("MatMul", ["weights", "v"], ["means"], name="means"),
              helper.make_node("Transpose", ["means"], ["back"], name="back", perm=[0, 2, 1, 3]),
              helper.make_node("Reshape", ["back", "whole"], ["y"], name="join")]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", "T", 16]),
                     helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["N", "T"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", "T", 16])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.mark.parametrize("npu", [(), ("--npu", "none")])
def test_one_mask_for_all_heads_takes_any_length(calotype: Command, tmp_path, npu):
    """The host broadcasts: that the mask stands there for every head and row was for the NPU."""
    model = masked_attention(tmp_path / "m.onnx")

    def inputs(length, count=1):
        mask = np.ones((count, length), np.float32)
        mask[:, length - 2:] = 0
        return {"x": normal(length, count, length, 16) / 4, "mask": mask}

    np.savez(tmp_path / "x.npz", **inputs(20, 4))
    made = calotype("compile", model, "--samples", tmp_path / "x.npz", "-o", tmp_path / "s", *npu)
    assert made.code == 0, made.stderr
    for length in (5, 20, 33):
        np.savez(tmp_path / "x.npz", **inputs(length))
        ran = calotype("run", tmp_path / "s", "--input", tmp_path / "x.npz", "--output", tmp_path / "y.npz")
        assert ran.code == 0, ran.stderr
        exact = onnxruntime.InferenceSession(model).run(None, inputs(length))[0]
        assert snr_db(exact, np.load(tmp_path / "y.npz")["y"]) > 25

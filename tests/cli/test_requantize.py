"""Outputs and a Concat along the height that ask for equal scales of tensors which others read: from ONNX file to outputs."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from test_cli import calotype

LEAST_DECIBELS = 25  # measured 31 to 35; without Requantize layers the worst output has 1.5


def model() -> onnx.ModelProto:
    """x -> Conv, Relu -> `map` (an output, one channel a hundred times the others) -> Conv -> `next`; `map` and a map three
    hundred times as large -> Concat along the height -> Conv, Flatten -> `flat`."""
    random = np.random.default_rng(1)
    weights = {name: random.normal(size=shape).astype(np.float32)
               for name, shape in [("w1", (8, 3, 3, 3)), ("w2", (4, 8, 1, 1)), ("w3", (8, 3, 3, 3)), ("w4", (4, 8, 1, 1))]}
    weights["w1"][0] *= 100
    weights["w3"] *= 300
    nodes = [helper.make_node("Conv", ["x", "w1"], ["sum"], pads=[1, 1, 1, 1]), helper.make_node("Relu", ["sum"], ["map"]),
             helper.make_node("Conv", ["map", "w2"], ["next"]),
             helper.make_node("Conv", ["x", "w3"], ["large"], pads=[1, 1, 1, 1]),
             helper.make_node("Concat", ["map", "large"], ["both"], axis=2),
             helper.make_node("Conv", ["both", "w4"], ["read"]), helper.make_node("Flatten", ["read"], ["flat"])]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("map", "next", "flat")],
        [numpy_helper.from_array(array, name) for name, array in weights.items()])
    return onnx.shape_inference.infer_shapes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8))


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("requantize")
    onnx.save(model(), folder / "m.onnx")
    np.save(folder / "x.npy", np.random.default_rng(2).normal(size=(20, 3, 8, 8)).astype(np.float32))
    result = calotype("compile", folder / "m.onnx", "--samples", folder / "x.npy", "-o", folder / "s", "--images", "16")
    assert result.returncode == 0, result.stderr
    return folder


def test_every_output_is_accurate_under_every_kernel_set(compiled):
    x = np.load(compiled / "x.npy")
    exact = onnxruntime.InferenceSession(compiled / "m.onnx", providers=["CPUExecutionProvider"])
    fp32 = [exact.run(None, {"x": x[i:i + 1]}) for i in range(len(x))]
    outputs = {}
    for kernels in ("auto", "reference"):
        file = compiled / f"{kernels}.npz"
        result = calotype("run", compiled / "s", "--input", compiled / "x.npy", "--output", file, "--kernels", kernels)
        assert result.returncode == 0, result.stderr
        outputs[kernels] = np.load(file)
    for i, name in enumerate(("map", "next", "flat")):
        expected, got = np.concatenate([sample[i] for sample in fp32]), outputs["auto"][name]
        decibels = 10 * np.log10(np.sum(expected**2) / np.sum((got - expected) ** 2))
        assert decibels > LEAST_DECIBELS, f"{name}: {decibels:.1f} dB"
        assert np.array_equal(got, outputs["reference"][name]), name


def test_layers_are_explicit_and_verify_measures_them_anew(compiled):
    layers = json.loads((compiled / "s/report.json").read_text())["layers"]
    assert [layer["name"] for layer in layers].count("Concat") == 1
    assert sum(layer["kind"] == "Requantize" for layer in layers) == 2
    result = calotype("verify", compiled / "s", "--model", compiled / "m.onnx", "--samples", compiled / "x.npy", "--json")
    assert result.returncode == 0, result.stderr
    assert len(json.loads(result.stdout)["report"]["layers"]) == len(layers)

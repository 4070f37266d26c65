"""Networks of float16, bfloat16 and float64: the same network of float32, whose ports keep the file's types."""

import json
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import onnxruntime
import pytest
from conftest import Command
from onnx import TensorProto, helper, numpy_helper
from test_split import snr_db

TYPES = {"float16": (TensorProto.FLOAT16, np.float16), "bfloat16": (TensorProto.BFLOAT16, ml_dtypes.bfloat16),
         "float64": (TensorProto.DOUBLE, np.float64), "float32": (TensorProto.FLOAT, np.float32)}


def network(name: str, inside: str | None = None) -> onnx.ModelProto:
    """x -> Conv, Clip -> y, read on by a MaxPool -> z. With `inside`, x and y are of `name` and what is between of that."""
    ports, (kind, dtype) = TYPES[name][0], TYPES[inside or name]
    random = np.random.default_rng(3)
    constants = {"w": random.normal(size=(16, 3, 3, 3)) / 5, "b": random.normal(size=16), "low": 0.25, "high": 2.5}
    nodes = [
        helper.make_node("Conv", ["x in" if inside else "x", "w", "b"], ["a"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("Cast", ["a"], ["cast"], name="cast", to=kind),
        helper.make_node("Clip", ["cast", "low", "high"], ["y in" if inside else "y"], name="clip"),
        helper.make_node("MaxPool", ["y"], ["z"], name="pool", kernel_shape=[2, 2], strides=[2, 2]),
    ]
    if inside:
        nodes.insert(0, helper.make_node("Cast", ["x"], ["x in"], name="into", to=kind))
        nodes.insert(4, helper.make_node("Cast", ["y in"], ["y"], name="out of", to=ports))
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", ports, ["N", 3, 12, 14])],
        [helper.make_tensor_value_info("y", ports, ["N", 16, 12, 14]),
         helper.make_tensor_value_info("z", ports, ["N", 16, 6, 7])],
        [numpy_helper.from_array(np.asarray(array, dtype), key) for key, array in constants.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def results(calotype: Command, folder: Path, model: onnx.ModelProto, x: np.ndarray, *options):
    """The outputs, their types in the manifest, report.json."""
    onnx.save(model, folder / "m.onnx")
    np.savez(folder / "x.npz", x=x)
    made = calotype("compile", folder / "m.onnx", "--samples", folder / "x.npz", "-o", folder / "s", *options)
    assert made.code == 0, made.stderr
    ran = calotype("run", folder / "s", "--input", folder / "x.npz", "--output", folder / "y.npz")
    assert ran.code == 0, ran.stderr
    manifest = json.loads((folder / "s/manifest.json").read_text())
    types = [port["type"] for port in manifest["inputs"] + manifest["outputs"]]
    return dict(np.load(folder / "y.npz")), types, json.loads((folder / "s/report.json").read_text())


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(4).normal(size=(4, 3, 12, 14)).astype(np.float16)


def in_float32(images: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(network("float32").SerializeToString())
    return session.run(["y", "z"], {"x": images.astype(np.float32)})


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float64"])
def test_the_whole_network_runs_on_the_npu(calotype: Command, tmp_path: Path, images, name: str):
    outputs, types, report = results(calotype, tmp_path, network(name), images.astype(TYPES[name][1]))
    assert types == [name] * 3
    assert report["totals"]["npu_macs"] > report["totals"]["cpu_macs"] == 0
    for exact, key in zip(in_float32(images), ("y", "z")):
        got = outputs[key].view(ml_dtypes.bfloat16) if name == "bfloat16" else outputs[key]
        assert snr_db(exact, got.astype(np.float32)) > 30


@pytest.mark.parametrize("name,decibels", [("float16", 60), ("bfloat16", 40), ("float64", 100)])
def test_without_an_npu_only_the_ports_are_rounded(calotype: Command, tmp_path: Path, images, name: str, decibels: int):
    outputs, types, _ = results(calotype, tmp_path, network(name), images.astype(TYPES[name][1]), "--npu", "none")
    assert types == [name] * 3
    got = outputs["z"].view(ml_dtypes.bfloat16) if name == "bfloat16" else outputs["z"]
    assert snr_db(in_float32(images)[1], got.astype(np.float32)) > decibels


def test_casts_at_both_ends_are_gone(calotype: Command, tmp_path: Path, images):
    outputs, types, report = results(calotype, tmp_path, network("float32", "float16"), images.astype(np.float32))
    assert types == ["float32"] * 3
    assert [part["device"] for part in report["subgraphs"]] == ["NPU"]
    assert snr_db(in_float32(images)[1], outputs["z"]) > 30


def test_a_model_with_a_loop_stays_of_its_type(calotype: Command, tmp_path: Path, images):
    model = network("float16")
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go on"]), helper.make_node("Add", ["state", "state"], ["next"])], "body",
        [helper.make_tensor_value_info("trip", TensorProto.INT64, []),
         helper.make_tensor_value_info("go", TensorProto.BOOL, []),
         helper.make_tensor_value_info("state", TensorProto.FLOAT16, [])],
        [helper.make_tensor_value_info("go on", TensorProto.BOOL, []),
         helper.make_tensor_value_info("next", TensorProto.FLOAT16, [])])
    model.graph.initializer.append(numpy_helper.from_array(np.array(2, np.int64), "trips"))
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "true"))
    model.graph.node.append(helper.make_node("Loop", ["trips", "true", "low"], ["four lows"], name="loop", body=body))
    model.graph.node.append(helper.make_node("Add", ["z", "four lows"], ["sum"], name="sum"))
    model.graph.output.append(helper.make_tensor_value_info("sum", TensorProto.FLOAT16, ["N", 16, 6, 7]))
    outputs, types, _ = results(calotype, tmp_path, model, images)
    assert types == ["float16"] * 4
    assert np.abs(outputs["sum"].astype(np.float32) - in_float32(images)[1] - 1).max() < 0.01

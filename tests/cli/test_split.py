"""A network that the NPU and the CPU take in turns."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from conftest import Command


def conv_shuffle_conv() -> onnx.ModelProto:
    """x [N, 3, 40, 40] -> Conv, Relu -> DepthToSpace (CPU) -> Conv -> y [N, 6, 80, 80]."""
    random = np.random.default_rng(5)
    weights = {
        "w1": random.normal(size=(64, 3, 3, 3)).astype(np.float32),
        "b1": random.normal(size=64).astype(np.float32),
        "w2": random.normal(size=(6, 16, 3, 3)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["a"], name="first", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"], name="relu"),
        helper.make_node("DepthToSpace", ["b"], ["c"], name="shuffle", blocksize=2),
        helper.make_node("Conv", ["c", "w2"], ["y"], name="last", pads=[1, 1, 1, 1]),
    ]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 40, 40])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 6, 80, 80])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def snr_db(exact: np.ndarray, x: np.ndarray) -> float:
    return float(10 * np.log10(np.sum(exact.astype(np.float64) ** 2) / np.sum((exact.astype(np.float64) - x) ** 2)))


def test_each_part_is_calibrated_on_what_the_parts_before_really_give(calotype: Command, tmp_path: Path):
    model, samples, snapshot = tmp_path / "m.onnx", tmp_path / "s.npz", tmp_path / "m.snapshot"
    onnx.save(conv_shuffle_conv(), model)
    x = np.random.default_rng(6).normal(size=(4, 3, 40, 40)).astype(np.float32)
    np.savez(samples, x=x)
    made = calotype("compile", model, "--samples", samples, "-o", snapshot)
    assert made.code == 0, made.stderr
    manifest = json.loads((snapshot / "manifest.json").read_text())
    assert [part["name"] for part in manifest["subgraphs"]] == ["NPU_0", "CPU_1", "NPU_2"]
    ran = calotype("run", snapshot, "--input", samples, "--output", tmp_path / "out.npz")
    assert ran.code == 0, ran.stderr
    exact = onnxruntime.InferenceSession(model).run(None, {"x": x})[0]
    real = snr_db(exact, np.load(tmp_path / "out.npz")["y"])
    assert real > 25
    # The recorded error of the last layer is that of the whole network, so it was run on what comes before it.
    recorded = {layer["name"]: layer["snr_db"] for layer in json.loads((snapshot / "report.json").read_text())["layers"]}
    assert abs(recorded["last"] - real) < 0.01, (recorded, real)
    measured = calotype("verify", snapshot, "--model", model, "--samples", samples, "--json")
    assert measured.code == 0, measured.stderr
    again = {layer["name"]: layer["snr_db"] for layer in json.loads(measured.stdout)["report"]["layers"]}
    assert abs(again["last"] - real) < 0.01, (again, real)


def test_bench_tells_where_the_whole_time_goes(calotype: Command, tmp_path: Path):
    onnx.save(conv_shuffle_conv(), tmp_path / "m.onnx")
    np.savez(tmp_path / "s.npz", x=np.random.default_rng(6).normal(size=(4, 3, 40, 40)).astype(np.float32))
    made = calotype("compile", tmp_path / "m.onnx", "--samples", tmp_path / "s.npz", "-o", tmp_path / "m.snapshot")
    assert made.code == 0 and "predicted on the device: " in made.stdout, made.stderr
    told = json.loads(calotype("bench", tmp_path / "m.snapshot", "--layers", "--rounds", "20", "--json").stdout)
    names = [part["name"] for part in told["parts"]]
    assert [name for name in names if "/" not in name] == [
        "NPU_0 inputs", "NPU_0 outputs", "CPU_1", "NPU_2 inputs", "NPU_2 outputs", "copies and joined results"]
    assert all(part["mean_ms"] >= part["best_ms"] >= 0 for part in told["parts"])
    assert all(part["mean_ms"] > 0 for part in told["parts"] if "NPU" in part["name"] or "CPU" in part["name"])
    assert abs(sum(part["mean_ms"] for part in told["parts"]) / told["mean_ms"] - 1) < 1e-6
    text = calotype("bench", tmp_path / "m.snapshot", "--layers").stdout
    assert text.startswith("measured, the emulator on this machine: ") and "\npredicted, the device: " in text
    assert " 100.0 % " in text.splitlines()[-1] and text.splitlines()[-1].endswith("whole")


def test_verify_measures_what_was_compiled_without_a_rewrite(calotype: Command, tmp_path: Path):
    random = np.random.default_rng(7)
    constants = {"w": random.normal(size=(32, 3, 3, 3)), **{name: random.uniform(1, 2, 32) for name in ("g", "b", "m", "v")}}
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["c"], name="conv", pads=[1, 1, 1, 1]),
         helper.make_node("BatchNormalization", ["c", "g", "b", "m", "v"], ["n"], name="norm"),
         helper.make_node("Relu", ["n"], ["y"], name="relu")], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 24, 24])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 32, 24, 24])],
        [numpy_helper.from_array(array.astype(np.float32), name) for name, array in constants.items()],
    )
    model, samples = tmp_path / "m.onnx", tmp_path / "s.npz"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), model)
    np.savez(samples, x=random.normal(size=(4, 3, 24, 24)).astype(np.float32))
    layers = {}
    for name, options in {"whole": [], "without": ["--disable", "fold_batch_norm"]}.items():
        assert calotype("compile", model, "--samples", samples, "-o", tmp_path / name, *options).code == 0
        told = calotype("verify", tmp_path / name, "--model", model, "--samples", samples, "--json")
        assert told.code == 0, told.stderr
        layers[name] = {layer["name"] for layer in json.loads(told.stdout)["report"]["layers"]}
    assert layers["whole"] != layers["without"]


def test_explain_says_where_the_npu_does_not_pay(calotype: Command, tmp_path: Path):
    """The largest part stays on the NPU whatever it costs."""
    model = tmp_path / "m.onnx"
    small = [helper.make_node("Relu", ["x"], ["y"], name="relu")]
    shape = [1, 3, 8, 8]
    graph = helper.make_graph(small, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), model)
    told = json.loads(calotype("explain", model, "--json").stdout)
    assert [one["device"] for one in told["operators"]] == ["NPU"]
    assert told["totals"]["host_only_us"] < told["totals"]["latency_us"]
    assert told["totals"]["host_only_us"] == told["operators"][0]["host_us"]
    assert "all on its host: the NPU does not pay for this network" in calotype("explain", model).stdout
    onnx.save(conv_shuffle_conv(), model)
    assert "does not pay for this network" not in calotype("explain", model).stdout


def test_memory_that_does_not_suffice_on_the_cpu_names_node_and_numbers(calotype: Command, tmp_path: Path):
    model, samples, snapshot = tmp_path / "m.onnx", tmp_path / "s.npz", tmp_path / "m.snapshot"
    onnx.save(conv_shuffle_conv(), model)
    np.savez(samples, x=np.random.default_rng(6).normal(size=(4, 3, 40, 40)).astype(np.float32))
    assert calotype("compile", model, "--samples", samples, "-o", snapshot).code == 0
    for command in (["run", snapshot, "--input", samples, "--output", tmp_path / "out.npz"], ["bench", snapshot]):
        calotype.refuses(*command, "--max-memory", 100_000,
                         names="LIMIT_MEMORY: node `shuffle` (DepthToSpace): it asks for 409600 bytes, of the memory "
                         "allowed for a run 99840 are left\n  try: if it is meant so, raise the limit with --max-memory")


def test_explain_calls_an_operator_what_the_model_does(calotype: Command, tmp_path: Path):
    """Abs is a LeakyReLU of slope -1 to the NPU."""
    model = conv_shuffle_conv()
    model.graph.node[3].output[0] = "d"
    model.graph.node.append(helper.make_node("Abs", ["d"], ["y"], name="size"))
    onnx.save(model, tmp_path / "m.onnx")
    told = json.loads(calotype("explain", tmp_path / "m.onnx", "--json").stdout)
    assert [(one["name"], one["operator"]) for one in told["operators"]] == [
        ("first", "Conv"), ("relu", "Relu"), ("shuffle", "DepthToSpace"), ("last", "Conv"), ("size", "Abs")]

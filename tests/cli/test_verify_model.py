"""`verify --model`: what CPU subgraphs make and the outputs are weighed too, and only against the model that was compiled."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from conftest import Command
from test_split import conv_shuffle_conv, snr_db
from test_unlike_outputs import counting


def written(folder, model: onnx.ModelProto):
    onnx.save(model, folder / "m.onnx")
    x = np.random.default_rng(6).normal(size=(6, 3, 40, 40)).astype(np.float32)
    np.savez(folder / "s.npz", x=x)
    return folder / "m.onnx", folder / "s.npz", x


def report(calotype: Command, folder, *npu) -> dict:
    model, samples = folder / "m.onnx", folder / "s.npz"
    made = calotype("compile", model, "--samples", samples, "-o", folder / "snapshot", *npu)
    assert made.code == 0, made.stderr
    told = calotype("verify", folder / "snapshot", "--model", model, "--samples", samples, "--json")
    assert told.code == 0, told.stderr
    return json.loads(told.stdout)["report"]


def test_cpu_values_and_outputs_are_weighed(calotype: Command, tmp_path):
    model, samples, x = written(tmp_path, conv_shuffle_conv())
    told = report(calotype, tmp_path)
    assert calotype("run", tmp_path / "snapshot", "--input", samples, "--output", tmp_path / "y.npz").code == 0
    exact = onnxruntime.InferenceSession(model).run(None, {"x": x})[0]
    real = snr_db(exact, np.load(tmp_path / "y.npz")["y"])
    assert [one["name"] for one in told["outputs"]] == ["y"] and abs(told["outputs"][0]["snr_db"] - real) < 0.01
    before = {layer["name"]: layer["snr_db"] for layer in told["layers"]}["relu"]
    (shuffled,) = told["cpu_values"]  # which only moves what the NPU made
    assert shuffled["subgraph"] == "CPU_1" and shuffled["name"] == "c" and abs(shuffled["snr_db"] - before) < 0.01
    text = calotype("verify", tmp_path / "snapshot", "--model", model, "--samples", samples).stdout
    assert f"{shuffled['snr_db']:.2f} dB  CPU_1 `c`" in text and f"{real:.2f} dB  output `y`" in text
    assert "layers, bit for bit; what CPU subgraphs make, within 0.01 %" in text


def test_without_an_npu_the_outputs_are_those_of_the_file(calotype: Command, tmp_path):
    written(tmp_path, conv_shuffle_conv())
    told = report(calotype, tmp_path, "--npu", "none")
    assert told["layers"] == [] and told["outputs"][0]["snr_db"] > 100


def test_whole_numbers_are_counted(calotype: Command, tmp_path):
    counting(tmp_path / "m.onnx")
    np.savez(tmp_path / "s.npz", x=np.float32([[1, 0, 2, 0], [0, 3, 0, 4]]))
    assert report(calotype, tmp_path)["outputs"] == [{"name": "y", "differing_elements": 0}]


def other_weights(model):
    weights = next(one for one in model.graph.initializer if one.name == "w2")
    weights.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weights) * np.float32(1.5), "w2"))


def other_output(model):
    model.graph.node[-1].output[0] = model.graph.output[0].name = "z"


def more_outputs(model):
    model.graph.output.append(helper.make_tensor_value_info("b", onnx.TensorProto.FLOAT, ["N", 64, 40, 40]))


@pytest.mark.parametrize("npu", [[], ["--npu", "none"]], ids=["npu", "none"])
@pytest.mark.parametrize("change, names", [
    (other_weights, "its content is not what was compiled: its SHA-256 is "),
    (other_output, "it has the output `z`, the snapshot has none of that name"),
    (more_outputs, "it has the output `b`, the snapshot has none of that name"),
])
def test_another_model_is_refused(calotype: Command, tmp_path, npu, change, names):
    path, samples, _ = written(tmp_path, conv_shuffle_conv())
    report(calotype, tmp_path, *npu)
    other = onnx.load(path)
    change(other)
    onnx.save(other, tmp_path / "other.onnx")
    calotype.refuses("verify", tmp_path / "snapshot", "--model", tmp_path / "other.onnx", "--samples", samples,
                     names=f"VERIFY_MODEL: `{tmp_path / 'other.onnx'}`: {names}")

"""A model that leaves its batch free and computes across it: a snapshot, which runs samples one by one, warns of it."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from conftest import Command


WARNING = "output `y`: two samples in one batch give other results"


def model(tail: list, outputs: int = 8, batch="N") -> onnx.ModelProto:
    """x [N, 8] -> Gemm h -> `tail` y."""
    random = np.random.default_rng(5)
    weights = {"w": random.normal(size=(8, 8)).astype(np.float32), "zero": np.array([0], np.int64),
               "kept": np.arange(8, dtype=np.float32)[None]}
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "w"], ["h"], name="gemm"), *tail], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, outputs])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


MIXING = {
    "less its mean": [helper.make_node("ReduceMean", ["h", "zero"], ["m"], keepdims=1),
                      helper.make_node("Sub", ["h", "m"], ["y"], name="less")],
    "a Softmax": [helper.make_node("Softmax", ["h"], ["y"], axis=0)],
    "a product": [helper.make_node("Transpose", ["h"], ["t"]), helper.make_node("MatMul", ["h", "t"], ["y"])],
    "a sum": [helper.make_node("ReduceSum", ["h", "zero"], ["y"], keepdims=1)],
}
OF_ITS_SAMPLES = {
    "an activation": [helper.make_node("Relu", ["h"], ["y"])],
    "a Softmax of its own": [helper.make_node("Softmax", ["h"], ["y"], axis=1)],
}


def compiled(calotype: Command, tmp_path, made: onnx.ModelProto, samples: int, npu: str):
    onnx.save(made, tmp_path / "m.onnx")
    batch = made.graph.input[0].type.tensor_type.shape.dim[0].dim_value or 1
    np.savez(tmp_path / "s.npz", x=np.random.default_rng(1).normal(size=(samples * batch, 8)).astype(np.float32))
    return calotype("compile", tmp_path / "m.onnx", "--samples", tmp_path / "s.npz", "--npu", npu, "-o", tmp_path / "s")


@pytest.mark.parametrize("npu", ["VE2802_NPU_IP_O00_A304_M3", "none"])
@pytest.mark.parametrize("samples", [1, 4])
@pytest.mark.parametrize("tail", MIXING.values(), ids=MIXING)
def test_what_mixes_its_samples_is_warned_of(calotype: Command, tmp_path, tail, samples, npu):
    outcome = compiled(calotype, tmp_path, model(tail), samples, npu)
    assert outcome.code == 0 and WARNING in outcome.stderr
    assert any(WARNING in text for text in json.loads((tmp_path / "s" / "report.json").read_text())["warnings"])


@pytest.mark.parametrize("tail", OF_ITS_SAMPLES.values(), ids=OF_ITS_SAMPLES)
def test_of_what_does_not_no_word_is_lost(calotype: Command, tmp_path, tail):
    outcome = compiled(calotype, tmp_path, model(tail), 4, "VE2802_NPU_IP_O00_A304_M3")
    assert outcome.code == 0 and "two samples" not in outcome.stderr


def test_a_fixed_batch_is_its_own_affair(calotype: Command, tmp_path):
    made = model(MIXING["less its mean"], batch=4)
    outcome = compiled(calotype, tmp_path, made, 2, "VE2802_NPU_IP_O00_A304_M3")
    assert outcome.code == 0 and "two samples" not in outcome.stderr


def test_an_output_that_no_sample_changes(calotype: Command, tmp_path):
    made = model([helper.make_node("Relu", ["h"], ["y"]), helper.make_node("Relu", ["kept"], ["k"])])
    made.graph.output.append(helper.make_tensor_value_info("k", TensorProto.FLOAT, [1, 8]))
    outcome = compiled(calotype, tmp_path, made, 4, "none")
    assert outcome.code == 0 and "two samples" not in outcome.stderr

"""The judges of bench.onnx_backend must be able to say no."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from bench.onnx_backend.coded_tensors import networks_of  # noqa: E402
from bench.onnx_backend.judge import first_difference, too_far  # noqa: E402
from bench.onnx_backend.steps import _alike, _never_negative, _noisy, own_steps, rounded_inside  # noqa: E402

Y = np.float32([1, 2, 3])


@pytest.mark.parametrize(
    ("found", "says"),
    [([Y + np.float32([0, 0, 0.1])], "1 of 3 values differ, first at [2]"), ([Y[None]], "its shape is [1, 3]"),
     ([], "0 outputs"),
     ([Y.astype(np.float64)], "its type is float64"), ([np.float32([1, 2, np.nan])], "1 of 3 values"), ([None], "optional"),
     ([[Y]], "output 0")],
)
def test_what_differs_is_said(found, says):
    assert says in first_difference([Y], found, 1e-3, 1e-7)


def test_what_agrees_passes():
    assert first_difference([Y, [Y], np.array(["a"])], [Y * 1.0001, [Y], np.array(["a"])], 1e-3, 1e-7) == ""
    assert first_difference([np.float32([np.nan, np.inf])], [np.float32([np.nan, np.inf])], 1e-3, 1e-7) == ""
    assert first_difference([np.array(["a"])], [np.array(["b"])], 1e-3, 1e-7) != ""


def test_beyond_what_the_scales_imply():
    steps = [np.float64([0.1, 0.1, 0.5])]
    assert too_far([Y], [Y + np.float32([0.05, 0, 0.4])], steps) == ""
    assert "1 of 3 values" in too_far([Y], [Y + np.float32([0.2, 0, 0.4])], steps)
    assert "2 times at [0]" in too_far([Y], [Y + np.float32([0.2, 0, 0.4])], steps)
    assert too_far([Y], [Y * np.float32(np.nan)], steps) != ""
    assert too_far([Y], [Y[None]], steps) != ""


@pytest.mark.parametrize(("kind", "table", "steps"), [("MaxPool", 0, 0), ("AveragePool", 0, 0.5), ("Add", 0, 1), ("Conv", 0, 1),
                                                      ("Conv", 1.25, 2.25)])
def test_a_layer_errs_by_what_its_arithmetic_does(kind, table, steps):
    assert own_steps({"kind": kind, "activation_error_codes": table}) == steps


def test_a_value_read_has_the_scale_of_what_it_is_joined_with():
    def tensor(value, *scales):
        return {"value": value, "quantization": {"scale": list(scales)}}
    networks = {"NPU_0": {"inputs": [{"value": "a", "tensor": 1}], "layers": [], "outputs": [],
                          "tensors": [tensor("x", 9), tensor("a", 0.5, 0.25)]},
                "NPU_2": {"inputs": [{"value": "a", "tensor": 0}, {"value": "b", "tensor": 1}],
                          "outputs": [{"value": "y", "tensor": 3}],
                          "layers": [{"kind": "Requantize", "inputs": [1], "output": 2}, {"kind": "Concat", "inputs": [0, 2], "output": 3}],
                          "tensors": [tensor("a", 0.125), tensor("b", 2), tensor("b", 3), tensor("c", 3)]}}
    names = {"a", "b", "c"}
    assert rounded_inside(networks, set(), names) == {"a": 0.25, "b": 1 + 1.5}
    assert rounded_inside(networks, {"b"}, names) == {"a": 0.25, "b": 1.5}
    # A value that a rewrite made is what becomes of it by moving.
    assert rounded_inside(networks, set(), {"a", "c"}) == {"a": 0.25, "c": 1 + 1.5}
    assert rounded_inside(networks, set(), {"a", "y"}) == {"a": 0.25, "y": 1 + 1.5}  # it handed on by another name


def test_each_output_of_a_node_gets_its_noise():
    graph = helper.make_graph(
        [helper.make_node("Split", ["x"], ["a", "b"], num_outputs=2), helper.make_node("Add", ["a", "b"], ["y"])], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4])], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])])
    sizes = {"a": 0.5, "b": 0.25}
    noisy, _ = _noisy(helper.make_model(graph), sizes, {"a": np.arange(2), "b": np.arange(2)}, set(), {}, np.random.default_rng(1))
    assert [list(node.output) for node in noisy.graph.node] == [["a/exact", "b/exact"], ["a"], ["b"], ["y"]]


def test_an_output_that_is_read_on_is_handed_out_without_its_noise():
    def info(name):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [2])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Neg", ["a"], ["y"])], "g",
                              [info("x")], [info("a"), info("y")])
    noisy, _ = _noisy(helper.make_model(graph), {"a": 0.5}, {"a": np.arange(2)}, set(), {}, np.random.default_rng(1))
    assert [list(node.output) for node in noisy.graph.node] == [["a"], ["a/noisy"], ["y"]]
    assert list(noisy.graph.node[2].input) == ["a/noisy"]


def test_noise_makes_no_root_undefined():
    def info(name):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [2])
    graph = helper.make_graph([helper.make_node("Abs", ["x"], ["a"]), helper.make_node("Sqrt", ["a"], ["y"])], "g",
                              [info("x")], [info("y")])
    noisy, _ = _noisy(helper.make_model(graph), {"a": 0.5}, {"a": np.arange(2)}, {"a"}, {}, np.random.default_rng(1))
    assert [(node.op_type, list(node.output)) for node in noisy.graph.node] == [
        ("Abs", ["a/exact"]), ("Add", ["a/signed"]), ("Relu", ["a"]), ("Sqrt", ["y"])]


def test_codes_that_cannot_be_negative_are_those_without_any_below_zero():
    def tensor(value, *zero_points):
        return {"value": value, "quantization": {"zero_point": list(zero_points)}}
    networks = {"NPU_0": {"tensors": [tensor("a", -128), tensor("b", -128, -127), tensor("c", -128)]}}
    values = {"a": Y, "b": Y, "c": -Y, "d": Y}  # of d there are no codes
    assert _never_negative(networks, values) == {"a"}


def test_long_vectors_of_scales_are_read(tmp_path):
    header = json.dumps({"s": {"dtype": "F32", "shape": [3], "data_offsets": [4, 16]}}).encode()
    content = len(header).to_bytes(8, "little") + header + bytes(4) + Y.tobytes()
    (tmp_path / "weights.safetensors").write_bytes(content)
    quantization = {"scale": {"tensor": "s"}, "zero_point": [0]}
    (tmp_path / "layers.json").write_text(json.dumps({"NPU_0": {"tensors": [{"quantization": quantization}]}}))
    assert networks_of(tmp_path)["NPU_0"]["tensors"][0]["quantization"] == {"scale": [1, 2, 3], "zero_point": [0]}


def test_values_that_are_rounded_alike_get_the_same_noise():
    assert _alike(np.float32([[3, 1], [1.04, 2]]), 1).tolist() == [[2, 0], [0, 1]]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Neg", ["a"], ["y"])], "g",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, [8])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [8])])
    places = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    noisy, _ = _noisy(helper.make_model(graph), {"a": 0.5}, {"a": places}, set(), {}, np.random.default_rng(1))
    noise = numpy_helper.to_array(noisy.graph.initializer[0])
    assert set(np.abs(noise)) == {0.5} and len(set(noise[:4])) == len(set(noise[4:])) == 1

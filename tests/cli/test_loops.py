"""Loops of older opsets, as tf2onnx writes Keras' recurrent layers: weights are handed through, and a state twice."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from networks import FLOAT, Network
from test_networks import snr_db


def value(name, dims, type=FLOAT):
    return helper.make_tensor_value_info(name, type, dims)


def body() -> onnx.GraphProto:
    # The axes of a ReduceMean are an attribute here, an input later: the body is written anew.
    nodes = [helper.make_node("Identity", ["go_on"], ["goes_on"]),
             helper.make_node("MatMul", ["state", "matrix"], ["product"]),
             helper.make_node("ReduceMean", ["product"], ["mean"], axes=[1]),
             helper.make_node("Sub", ["product", "mean"], ["centred"]),
             helper.make_node("Tanh", ["centred"], ["next"])]
    inputs = [value("step", [], TensorProto.INT64), value("go_on", [], TensorProto.BOOL), value("state", None),
              value("matrix", None)]
    outputs = [value("goes_on", [], TensorProto.BOOL), value("next", None), value("matrix", None),
               value("next", None)]
    return helper.make_graph(nodes, "body", inputs, outputs)


@pytest.mark.parametrize("opset", [11, 15])
def test_the_body_hands_weights_through_and_a_state_twice(calotype, tmp_path, opset):
    n = Network()
    matrix = n.constant(n.random.normal(size=(10, 10)).astype(np.float32))
    start = n.head(n.body(n.input("x", ["N", 3, 40, 40]), 3))
    n.nodes.append(helper.make_node("Loop", [n.constant(np.array(4)), n.constant(np.array(True)), start, matrix],
                                    ["last", "same", "each"], name="loop", body=body()))
    n.output(n.node("Add", "last", n.node("Gather", "each", n.constant(np.array(1)), axis=0)), "y")
    model = n.model()
    model.opset_import[0].version, model.ir_version = opset, 7
    onnx.save(model, tmp_path / "model.onnx")
    x = np.random.default_rng(4).normal(size=(6, 3, 40, 40)).astype(np.float32)
    np.savez(tmp_path / "x.npz", x=x)
    made = calotype("compile", tmp_path / "model.onnx", "--samples", tmp_path / "x.npz", "-o", tmp_path / "s")
    assert made.code == 0, made.stderr
    ran = calotype("run", tmp_path / "s", "--input", tmp_path / "x.npz", "--output", tmp_path / "y.npz")
    assert ran.code == 0, ran.stderr
    expected = onnxruntime.InferenceSession(tmp_path / "model.onnx").run(None, {"x": x})[0]
    assert snr_db(expected, np.load(tmp_path / "y.npz")["y"]) > 20  # 8 bits before four steps of a random matrix

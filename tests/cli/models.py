"""Small ONNX models, good and broken, for the tests of the command."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def conv(weights: np.ndarray | None = None, op: str = "Conv", dims=("N", 2, 6, 6), **attributes) -> onnx.ModelProto:
    """x [N, 2, 6, 6] -> Conv 3x3 -> y [N, 4, 4, 4]."""
    if weights is None:
        weights = np.random.default_rng(1).normal(size=(4, 2, 3, 3)).astype(np.float32)
    node = helper.make_node(op, ["x", "w"], ["y"], name="first", **attributes)
    graph = helper.make_graph(
        [node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, dims)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], [numpy_helper.from_array(weights, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def samples(path: Path, **arrays: np.ndarray) -> Path:
    if not arrays:
        arrays = {"x": np.random.default_rng(2).normal(size=(4, 2, 6, 6)).astype(np.float32)}
    np.savez(path, **arrays)
    return path


def cyclic() -> onnx.ModelProto:
    """A cycle of `second` and `third`; `early` stands first and `fourth` last, both only behind it."""
    model = conv()
    model.graph.node[0].output[0] = "a"
    model.graph.node.insert(0, helper.make_node("Neg", ["b"], ["unread"], name="early"))
    model.graph.node.append(helper.make_node("Add", ["a", "c"], ["b"], name="second"))
    model.graph.node.append(helper.make_node("Relu", ["b"], ["c"], name="third"))
    model.graph.node.append(helper.make_node("Identity", ["c"], ["y"], name="fourth"))
    return model


def value_made_twice() -> onnx.ModelProto:
    model = conv()
    model.graph.node.append(helper.make_node("Relu", ["x"], ["y"], name="second"))
    return model


def missing_value() -> onnx.ModelProto:
    model = conv()
    model.graph.node[0].input[0] = "nowhere"
    return model


def missing_output() -> onnx.ModelProto:
    model = conv()
    model.graph.output[0].name = "nowhere"
    return model


def initializer_with(dims: list[int]) -> onnx.ModelProto:
    """Weights whose dims do not fit their bytes."""
    model = conv()
    del model.graph.initializer[0].dims[:]
    model.graph.initializer[0].dims.extend(dims)
    return model


def nan_weights() -> onnx.ModelProto:
    weights = np.ones((4, 2, 3, 3), np.float32)
    weights[1, 1, 1, 1] = np.nan
    return conv(weights)

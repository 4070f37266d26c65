"""The fixtures of the script tests."""

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from script_runner import Runner


@pytest.fixture
def script(tmp_path) -> Runner:
    return Runner(tmp_path)


@pytest.fixture(scope="session")
def command() -> str:
    named = os.environ.get("CALOTYPE_COMMAND") or shutil.which("calotype", path=os.path.dirname(sys.executable))
    assert named, "name the command in CALOTYPE_COMMAND"
    return named


@pytest.fixture(scope="session")
def onnx_model(tmp_path_factory) -> Path:
    """Two convolutions and a linear layer, batch free, weights of a fixed seed."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(6)

    def weights(name, *shape):
        return numpy_helper.from_array((random.standard_normal(shape) / np.prod(shape[1:]) ** 0.5).astype(np.float32), name)

    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["a"], name="first", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"], name="relu"),
        helper.make_node("Conv", ["b", "w2"], ["c"], name="second", pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("GlobalAveragePool", ["c"], ["d"], name="pool"),
        helper.make_node("Flatten", ["d"], ["e"], name="flatten"),
        helper.make_node("Gemm", ["e", "w3"], ["y"], name="linear", transB=1),
    ]
    graph = helper.make_graph(
        nodes, "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 16, 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 5])],
        [weights("w1", 8, 3, 3, 3), weights("w2", 16, 8, 3, 3), weights("w3", 5, 16)],
    )  # fmt: skip
    path = tmp_path_factory.mktemp("model") / "small.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path

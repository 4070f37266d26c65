"""Nearest upsampling on the NPU gives the pixels that ONNX Runtime gives, whatever the scales; else it is the CPU's."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from conftest import Command
from test_split import snr_db

FLOOR = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
HALF = {"coordinate_transformation_mode": "half_pixel", "nearest_mode": "round_prefer_floor"}


@pytest.mark.parametrize("scales, size, attributes, device", [
    ([2, 2], 4, FLOOR, "NPU"),
    ([2, 3], 4, HALF, "NPU"),
    ([2.1, 2.1], 4, FLOOR, "CPU"),  # 8 pixels, of which the third is not the second's
    ([2.2, 2], 4, HALF, "CPU"),
    ([1.2, 1.2], 4, FLOOR, "CPU"),  # 4 pixels, but not these
    ([3.5, 2.9], 1, FLOOR, "NPU"),  # one pixel is repeated by any scale
])
def test_pixels_are_onnx_runtimes(calotype: Command, tmp_path, scales, size, attributes, device):
    random = np.random.default_rng(7)
    constants = {"w": (random.normal(size=(32, 3, 1, 1)) / 5).astype(np.float32), "scales": np.float32([1, 1, *scales])}
    nodes = [helper.make_node("Conv", ["x", "w"], ["a"], name="conv"),
             helper.make_node("Resize", ["a", "", "scales"], ["y"], name="resize", mode="nearest", **attributes)]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, size, size])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
                              [numpy_helper.from_array(array, name) for name, array in constants.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    x = random.normal(size=(8, 3, size, size)).astype(np.float32)
    np.savez(tmp_path / "s.npz", x=x)
    made = calotype("compile", tmp_path / "m.onnx", "--samples", tmp_path / "s.npz", "-o", tmp_path / "s")
    assert made.code == 0, made.stderr
    where = {one["name"]: one["device"] for one in json.loads((tmp_path / "s/report.json").read_text())["operators"]}
    assert where["resize"] == device
    ran = calotype("run", tmp_path / "s", "--input", tmp_path / "s.npz", "--output", tmp_path / "y.npz")
    assert ran.code == 0, ran.stderr
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    exact = np.concatenate([session.run(None, {"x": one[None]})[0] for one in x])
    assert snr_db(exact, np.load(tmp_path / "y.npz")["y"]) > 25  # INT8 costs that much, one wrong pixel more

"""A detection head whose boxes in pixels are joined with class probabilities: from ONNX file to outputs."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from test_cli import calotype

CLASSES, CELLS = 20, 256
LEAST_DECIBELS = {"boxes": 30, "classes": 25}  # measured 39 and 31; joined under one scale the classes had -6


def model(decoded_late: bool = False) -> onnx.ModelProto:
    """x -> three convolutions -> `box` = 8 * Relu(Conv) and `class` = Sigmoid(Conv) -> `y` [1, 4 + classes, cells]. Decoded
    late: what is joined is turned, taken apart by the host, each cell's place added to the boxes, and joined anew."""
    random = np.random.default_rng(1)
    weights = {name: (random.normal(size=shape) * gain / np.sqrt(np.prod(shape[1:]))).astype(np.float32)
               for name, shape, gain in [("w1", (16, 3, 3, 3), 1.4), ("w2", (32, 16, 3, 3), 1.4), ("w3", (32, 32, 3, 3), 1.4),
                                         ("w_box", (4, 32, 1, 1), 1.4), ("w_class", (CLASSES, 32, 1, 1), 3)]}
    weights |= {"b_box": np.full(4, 2, np.float32), "b_class": np.full(CLASSES, -4, np.float32),
                "stride": np.full((1, 4, 1, 1), 8, np.float32), "box_shape": np.array([1, 4, CELLS]),
                "class_shape": np.array([1, CLASSES, CELLS])}
    nodes = []
    for i, x in enumerate(["x", "r1", "r2"], 1):
        nodes += [helper.make_node("Conv", [x, f"w{i}"], [f"c{i}"], strides=[2, 2], pads=[1] * 4),
                  helper.make_node("Relu", [f"c{i}"], [f"r{i}"])]
    nodes += [helper.make_node("Conv", ["r3", "w_box", "b_box"], ["distance"]), helper.make_node("Relu", ["distance"], ["side"]),
              helper.make_node("Mul", ["side", "stride"], ["pixels"]),
              helper.make_node("Reshape", ["pixels", "box_shape"], ["box"]),
              helper.make_node("Conv", ["r3", "w_class", "b_class"], ["logits"]),
              helper.make_node("Sigmoid", ["logits"], ["probability"]),
              helper.make_node("Reshape", ["probability", "class_shape"], ["class"]),
              helper.make_node("Concat", ["box", "class"], ["raw" if decoded_late else "y"], name="join", axis=1)]
    if decoded_late:
        weights |= {"places": 8 * random.uniform(size=(1, CELLS, 4)).astype(np.float32), "first": np.array([0]),
                    "fourth": np.array([4]), "last": np.array([4 + CLASSES]), "columns": np.array([2])}
        nodes += [helper.make_node("Transpose", ["raw"], ["turned"], perm=[0, 2, 1]),
                  helper.make_node("Slice", ["turned", "first", "fourth", "columns"], ["box_part"]),
                  helper.make_node("Slice", ["turned", "fourth", "last", "columns"], ["class_part"]),
                  helper.make_node("Add", ["box_part", "places"], ["placed"]),
                  helper.make_node("Concat", ["placed", "class_part"], ["rows"], name="join_again", axis=2),
                  helper.make_node("Transpose", ["rows"], ["y"], perm=[0, 2, 1])]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 128, 128])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4 + CLASSES, CELLS])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()])
    return onnx.shape_inference.infer_shapes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8))


def pictures() -> np.ndarray:
    """[40, 3, 128, 128] noise whose amplitude falls with frequency, as in photographs."""
    random = np.random.default_rng(2)
    frequency = np.hypot(*np.meshgrid(np.fft.rfftfreq(128) * 128, np.fft.fftfreq(128) * 128))
    noise = np.fft.irfft2(np.fft.rfft2(random.normal(size=(40, 3, 128, 128))) / (1 + frequency))
    return (noise / noise.std() * random.uniform(0.3, 1.5, (40, 1, 1, 1))).astype(np.float32)


def compile_head(folder, decoded_late):
    onnx.save(model(decoded_late), folder / "m.onnx")
    np.save(folder / "calibration.npy", pictures()[:20])
    np.save(folder / "x.npy", pictures()[20:])
    result = calotype("compile", folder / "m.onnx", "--samples", folder / "calibration.npy", "-o", folder / "s",
                      "--images", "20")
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    return compile_head(tmp_path_factory.mktemp("dense_head"), decoded_late=False)


def decibels(expected, got):
    return 10 * np.log10(np.sum(expected**2) / np.sum((got - expected) ** 2))


def check(folder):
    """Boxes and classes against FP32, and the view against the emulator."""
    x = np.load(folder / "x.npy")
    result = calotype("run", folder / "s", "--input", folder / "x.npy", "--output", folder / "y.npz")
    assert result.returncode == 0, result.stderr
    y = np.load(folder / "y.npz")["y"]
    fp32, view = (outputs_of(folder / file, x) for file in ("m.onnx", "s/wrp_network_iriz.onnx"))
    for name, rows in (("boxes", slice(0, 4)), ("classes", slice(4, None))):
        found = decibels(fp32[:, rows], y[:, rows])
        assert found > LEAST_DECIBELS[name], f"{name}: {found:.1f} dB"
    assert np.array_equal(view, y)


def outputs_of(model_file, x):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model_file, options, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"x": sample[None]})[0] for sample in x])


def test_boxes_and_classes_are_both_accurate(compiled):
    check(compiled)


def test_so_they_are_where_the_host_decodes_what_the_npu_joined(tmp_path):
    check(compile_head(tmp_path, decoded_late=True))


def test_the_report_says_why_the_concat_is_the_hosts(compiled):
    operators = json.loads((compiled / "s/report.json").read_text())["operators"]
    hosts = [operator for operator in operators if operator["device"] == "CPU"]
    assert [operator["name"] for operator in hosts] == ["join"]
    assert hosts[0]["reason"]["rule"] == "NPU_RANGES"
    assert "in `box` beside 0 to 0.9" in hosts[0]["reason"]["actual"]
    totals = json.loads((compiled / "s/report.json").read_text())["totals"]
    assert totals["npu_subgraphs"] == 1 and totals["npu_share"] == 1


def test_explain_knows_it_from_samples_alone(compiled):
    arguments = ("explain", compiled / "m.onnx")
    assert "NPU_RANGES" in calotype(*arguments, "--samples", compiled / "calibration.npy").stdout
    assert "NPU_RANGES" not in calotype(*arguments).stdout


def test_verify_measures_the_snapshots_own_split(compiled):
    np.save(compiled / "zeros.npy", np.zeros((2, 3, 128, 128), np.float32))  # whatever these show
    result = calotype("verify", compiled / "s", "--model", compiled / "m.onnx", "--samples", compiled / "zeros.npy")
    assert result.returncode == 0, result.stderr

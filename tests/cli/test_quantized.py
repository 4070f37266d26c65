"""Quantized models compiled without samples: they keep their numbers, and give what ONNX Runtime gives on the same file."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

from networks import Network
from test_cli import calotype

S8, U8, U16 = QuantType.QInt8, QuantType.QUInt8, QuantType.QUInt16
SAMPLES = np.random.default_rng(5).normal(size=(16, 3, 32, 32)).astype(np.float32)


class Samples(CalibrationDataReader):
    def __init__(self):
        self._feeds = iter([{"x": sample[None]} for sample in SAMPLES])

    def get_next(self):
        return next(self._feeds, None)


def network() -> onnx.ModelProto:
    """Convolutions, a sum, pools, a Concat of unlike ranges and a product of matrices."""
    net = Network()
    x = net.conv(net.input("x", [1, 3, 32, 32]), 3, 32)
    y = net.node("Add", net.conv(x, 32, 32), x)
    y = net.node("MaxPool", y, kernel_shape=[2, 2], strides=[2, 2])
    wide = net.conv(net.conv(y, 32, 32), 32, 32)
    y = net.node("Concat", y, wide, axis=1)
    net.output(net.head(net.conv(y, 64, 64)), "y")
    return net.model()


def quantized(folder, **form):
    onnx.save(network(), folder / "float.onnx")
    quantize_static(folder / "float.onnx", folder / "m.onnx", Samples(), **form)
    return folder / "m.onnx"


def compiled(model, *arguments):
    result = calotype("compile", model, "-o", model.parent / "s", "--json", *arguments)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)["report"]


def run(folder, arrays):
    np.savez(folder / "in.npz", **arrays)
    result = calotype("run", folder / "s", "--input", folder / "in.npz", "--output", folder / "out.npz")
    assert result.returncode == 0, result.stderr
    return dict(np.load(folder / "out.npz"))


def in_onnx_runtime(model, arrays):
    """As the file says, operator by operator: its optimizer's INT8 kernels round otherwise from processor to processor."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    count = len(next(iter(arrays.values())))
    each = [session.run(None, {name: a[i:i + 1] for name, a in arrays.items()}) for i in range(count)]
    return {name: np.concatenate([outputs[i] for outputs in each]) for i, name in enumerate(names)}


def decibels(got, expected):
    return 10 * np.log10(np.sum(expected**2) / max(np.sum((got - expected) ** 2), 1e-12))


def output_scale(model):
    graph = onnx.load(model).graph
    constants = {array.name: numpy_helper.to_array(array) for array in graph.initializer}
    last = [node for node in graph.node if node.op_type == "DequantizeLinear"][-1]
    return float(constants[last.input[1]])


FORMS = {
    "qdq_u8s8": {"activation_type": U8, "weight_type": S8},
    "qdq_u8s8_per_channel": {"activation_type": U8, "weight_type": S8, "per_channel": True},
    "qdq_s8s8_symmetric": {"activation_type": S8, "weight_type": S8, "per_channel": True,
                           "extra_options": {"ActivationSymmetric": True}},
    "qoperator_u8s8": {"activation_type": U8, "weight_type": S8, "per_channel": True, "quant_format": QuantFormat.QOperator},
    "qoperator_s8s8": {"activation_type": S8, "weight_type": S8, "quant_format": QuantFormat.QOperator},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_layer_keeps_its_numbers(form, tmp_path):
    model = quantized(tmp_path, **FORMS[form])
    report = compiled(model)
    assert report["synthetic"] and report["images"] == 0
    assert [layer["name"] for layer in report["layers"] if not layer["own"]] == []
    got, expected = run(tmp_path, {"x": SAMPLES})["y"], in_onnx_runtime(model, {"x": SAMPLES})["y"]
    codes = np.abs(got - expected) / output_scale(model)
    # A tie or a sum of two maps rounds otherwise in ONNX Runtime; such a code spreads.
    assert codes.max() < 2.5 and np.mean(codes > 0.5) < 0.25, np.histogram(codes, bins=[0, 0.5, 1.5, 2.5, 100])


# A zero point of 128 leaves INT8 codes, -128 among them.
@pytest.mark.parametrize("form, reasons", [({"activation_type": U8, "weight_type": U8}, ["a zero point", "-128"]),
                                           ({"activation_type": U16, "weight_type": S8}, ["more than 8 bits in the model"])])
def test_what_the_arithmetic_cannot_hold_is_quantized_anew(form, reasons, tmp_path):
    model = quantized(tmp_path, **form)
    report = compiled(model)
    anew = [layer["anew"] for layer in report["layers"] if layer["anew"]]
    assert anew and all(any(reason in text for reason in reasons) for text in anew), anew
    got, expected = run(tmp_path, {"x": SAMPLES})["y"], in_onnx_runtime(model, {"x": SAMPLES})["y"]
    assert decibels(got, expected) > 25


def codes_at_the_ends(type) -> onnx.ModelProto:
    """x (codes, channels last) -> Transpose, DequantizeLinear -> Conv -> QuantizeLinear -> y (codes)."""
    random = np.random.default_rng(7)
    code = np.int8 if type == TensorProto.INT8 else np.uint8
    shift = 0 if type == TensorProto.INT8 else 128
    constants = {"s": np.float32(0.02), "z": code(shift - 5), "t": np.float32(0.05), "u": code(shift + 9),
                 "ws": np.full(64, 0.01, np.float32), "wz": np.zeros(64, np.int8),
                 "w": random.integers(-127, 128, (64, 32, 3, 3)).astype(np.int8)}
    nodes = [helper.make_node("Transpose", ["x"], ["moved"], perm=[0, 3, 1, 2]),
             helper.make_node("DequantizeLinear", ["moved", "s", "z"], ["real"]),
             helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["weights"], axis=0),
             helper.make_node("Conv", ["real", "weights"], ["sum"], pads=[1, 1, 1, 1]),
             helper.make_node("QuantizeLinear", ["sum", "t", "u"], ["y"])]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", type, ["n", 16, 16, 32])],
                              [helper.make_tensor_value_info("y", type, ["n", 64, 16, 16])],
                              [numpy_helper.from_array(np.asarray(a), name) for name, a in constants.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("type", [TensorProto.INT8, TensorProto.UINT8])
def test_codes_enter_and_leave_as_they_are(type, tmp_path):
    onnx.save(codes_at_the_ends(type), tmp_path / "m.onnx")
    report = compiled(tmp_path / "m.onnx")
    assert [one["device"] for one in report["operators"]] == ["NPU"] * len(report["operators"])
    dtype = np.int8 if type == TensorProto.INT8 else np.uint8
    x = np.random.default_rng(8).integers(0, 256, (3, 16, 16, 32)).astype(np.uint8).view(dtype)
    got, expected = run(tmp_path, {"x": x})["y"], in_onnx_runtime(tmp_path / "m.onnx", {"x": x})["y"]
    assert got.dtype == dtype
    ports = json.loads(calotype("inspect", tmp_path / "s", "--json").stdout)
    shift = 0 if type == TensorProto.INT8 else 128
    assert [ports[end][0]["zero_point"] for end in ("inputs", "outputs")] == [shift - 5, shift + 9]
    difference = np.abs(got.astype(int) - expected.astype(int))
    assert difference.max() <= 1 and np.mean(difference > 0) < 0.01
    view = in_onnx_runtime(tmp_path / "s" / "wrp_network_iriz.onnx", {"x": x})["y"]
    assert np.abs(view.astype(int) - got.astype(int)).max() <= 1


def test_codes_of_a_scale_finer_than_a_sum_can_write(tmp_path):
    constants = {"s": np.float32(0.05), "z": np.int8(-5), "t": np.float32(0.002), "u": np.int8(9)}
    nodes = [helper.make_node("DequantizeLinear", ["x", "s", "z"], ["a"]), helper.make_node("Neg", ["a"], ["b"]),
             helper.make_node("QuantizeLinear", ["b", "s", "z"], ["c"]), helper.make_node("DequantizeLinear", ["c", "s", "z"], ["d"]),
             helper.make_node("Add", ["a", "d"], ["sum"]), helper.make_node("QuantizeLinear", ["sum", "t", "u"], ["y"])]
    ports = [helper.make_tensor_value_info(name, TensorProto.INT8, ["n", 64, 56, 56]) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:], [numpy_helper.from_array(np.asarray(a), name) for name, a in constants.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    report = compiled(tmp_path / "m.onnx")
    assert all(layer["own"] for layer in report["layers"]) and report["layers"][-1]["kind"] == "Requantize"
    x = np.random.default_rng(9).integers(-128, 128, (2, 64, 56, 56)).astype(np.int8)
    got, expected = run(tmp_path, {"x": x})["y"], in_onnx_runtime(tmp_path / "m.onnx", {"x": x})["y"]
    assert np.array_equal(got, expected)  # x - x, or what saturates


def test_what_has_no_scale_runs_on_the_cpu(tmp_path):
    model = onnx.load(quantized(tmp_path, activation_type=U8, weight_type=S8))
    first = [node for node in model.graph.node if node.op_type == "Conv"][0]
    pair = [node for node in model.graph.node if node.op_type == "QuantizeLinear" and node.input[0] == first.output[0]][0]
    for reader in [node for node in model.graph.node if node.input and node.input[0] == pair.output[0]]:
        for node in model.graph.node:  # the map loses its scale
            for i, name in enumerate(node.input):
                if name == reader.output[0]:
                    node.input[i] = first.output[0]
        model.graph.node.remove(reader)
    model.graph.node.remove(pair)
    onnx.save(model, tmp_path / "m.onnx")
    report = compiled(tmp_path / "m.onnx")
    left = {one["name"]: one["reason"]["rule"] for one in report["operators"] if one["device"] == "CPU" and "reason" in one}
    assert left.get(first.name) == "NPU_NO_SCALE"
    explained = json.loads(calotype("explain", tmp_path / "m.onnx", "--json").stdout)
    assert explained["operators"] == report["operators"]
    assert any(layer["own"] for layer in report["layers"])
    got, expected = run(tmp_path, {"x": SAMPLES})["y"], in_onnx_runtime(tmp_path / "m.onnx", {"x": SAMPLES})["y"]
    assert decibels(got, expected) > 30
    np.save(tmp_path / "x.npy", SAMPLES)
    with_samples = compiled(tmp_path / "m.onnx", "--samples", tmp_path / "x.npy")
    assert "NPU_NO_SCALE" not in json.dumps(with_samples["operators"]) and not with_samples["synthetic"]


@pytest.mark.parametrize("weights", [S8, U8])
def test_what_is_quantized_dynamically_is_reals_again(weights, tmp_path):
    onnx.save(network(), tmp_path / "float.onnx")
    quantize_dynamic(tmp_path / "float.onnx", tmp_path / "m.onnx", weight_type=weights)
    np.savez(tmp_path / "samples.npz", x=SAMPLES)
    report = compiled(tmp_path / "m.onnx", "--samples", tmp_path / "samples.npz", "--images", "16")
    operators = {one["operator"]: one["device"] for one in report["operators"]}
    assert operators["Conv"] == "NPU" and not {"ConvInteger", "DynamicQuantizeLinear"} & set(operators)
    expected = in_onnx_runtime(tmp_path / "m.onnx", {"x": SAMPLES[:1]})
    assert decibels(run(tmp_path, {"x": SAMPLES[:1]})["y"], expected["y"]) > 20  # both round: 8 bits an activation
    refused = calotype("compile", tmp_path / "m.onnx", "-o", tmp_path / "none")
    assert refused.returncode == 1 and "SAMPLE_NONE" in refused.stderr


def test_a_float_model_needs_samples(tmp_path):
    onnx.save(network(), tmp_path / "m.onnx")
    result = calotype("compile", tmp_path / "m.onnx", "-o", tmp_path / "s")
    assert result.returncode == 1 and "SAMPLE_NONE" in result.stderr, result.stderr
    assert not (tmp_path / "s").exists()


def test_free_dims_of_a_model_without_samples_are_given_by_shape(tmp_path):
    model = quantized(tmp_path, **FORMS["qdq_u8s8"])
    proto = onnx.load(model)
    for dim, name in zip(proto.graph.input[0].type.tensor_type.shape.dim[2:], "HW"):
        dim.dim_param = name
    del proto.graph.value_info[:]
    onnx.save(proto, model)
    refused = calotype("compile", model, "-o", tmp_path / "s")
    assert refused.returncode == 1 and "SHAPE_FREE: input `x`" in refused.stderr and "--shape x=DIMS" in refused.stderr
    other = calotype("compile", model, "-o", tmp_path / "s", "--shape", "x=1x4x40x24")
    assert other.returncode == 1 and "input `x`" in other.stderr, other.stderr
    report = compiled(model, "--shape", "x=1x3x40x24")
    assert [layer["name"] for layer in report["layers"] if not layer["own"]] == []
    x = np.random.default_rng(7).normal(size=(2, 3, 40, 24)).astype(np.float32)
    got, expected = run(tmp_path, {"x": x})["y"], in_onnx_runtime(model, {"x": x})["y"]
    assert np.abs(got - expected).max() < 2.5 * output_scale(model)

"""Quantized models as different tools write them: each keeps its numbers, or says what is quantized anew."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from test_quantized import compiled, decibels, in_onnx_runtime, run

CHANNELS, BLOCK = 32, 16
X = np.random.default_rng(1).standard_normal((2, CHANNELS, 16, 16)).astype(np.float32)


class Writer:
    """A graph node by node; every value has one reader or more."""

    def __init__(self):
        self.nodes, self.constants, self.random = [], [], np.random.default_rng(0)

    def constant(self, values, element_type=None):
        name = f"c{len(self.constants)}"
        values = np.asarray(values)
        self.constants.append(numpy_helper.from_array(values, name) if element_type is None else
                              helper.make_tensor(name, element_type, values.shape, values.ravel().tolist()))
        return name

    def node(self, op, *inputs, **attributes):
        name = f"{op}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def pair(self, x, scale, zero_point=np.int8(0)):
        """QuantizeLinear and DequantizeLinear."""
        constants = self.constant(np.float32(scale)), self.constant(zero_point)
        return self.node("DequantizeLinear", self.node("QuantizeLinear", x, *constants), *constants)

    def weights(self, form):
        reals = self.random.standard_normal((CHANNELS, CHANNELS, 3, 3)).astype(np.float32) / 17
        largest = np.abs(reals).max((1, 2, 3), keepdims=True)
        if form == "blocks":
            blocks = reals.reshape(CHANNELS, CHANNELS // BLOCK, BLOCK, 3, 3)
            scale = np.abs(blocks).max(2) / 7
            codes = np.rint(blocks / scale[:, :, None]).astype(int).reshape(reals.shape)
            return self.node("DequantizeLinear", self.constant(codes, TensorProto.INT4), self.constant(scale), axis=1, block_size=BLOCK)
        if form == "power_of_two":
            scale = np.float32(2.0 ** np.ceil(np.log2(largest.max() / 127)))
            return self.node("DequantizeLinear", self.constant(np.rint(reals / scale).astype(np.int8)), self.constant(scale))
        most = {"int8": 127, "quantize": 127, "least": 127.5, "int4": 7, "int16": 32767}[form]
        scale = self.constant((largest / most).astype(np.float32).ravel())
        if form == "quantize":  # in the file: reals, and the pair that makes them codes
            zero_points = self.constant(np.zeros(CHANNELS, np.int8))
            return self.node("DequantizeLinear", self.node("QuantizeLinear", self.constant(reals), scale, zero_points, axis=0),
                             scale, zero_points, axis=0)
        codes = np.minimum(np.rint(reals / (largest / most)), most)  # of "least" the lowest are -128
        kept = self.constant(codes.astype(int), TensorProto.INT4) if form == "int4" else \
            self.constant(np.floor(codes).astype(np.int16 if form == "int16" else np.int8))
        return self.node("DequantizeLinear", kept, scale, axis=0)

    def save(self, y, path):
        ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name, dims in (("x", ["n", *X.shape[1:]]), (y, None))]
        graph = helper.make_graph(self.nodes, "g", ports[:1], ports[1:], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
        onnx.save(onnx.shape_inference.infer_shapes(model), path)


def network(path, weights="int8", between=lambda w, x: x, scales=(0.02, 0.05, 0.04), zero_point=np.int8(0)):
    """x -> Conv -> `between` -> Conv, a pair behind each."""
    w = Writer()
    x = w.pair("x", scales[0], zero_point)
    x = w.pair(w.node("Conv", x, w.weights(weights), pads=[1] * 4), scales[1], zero_point)
    x = w.node("Conv", between(w, x), w.weights(weights), pads=[1] * 4)
    y = w.pair(x, scales[2], zero_point)
    w.save(y, path)
    return y


def compared(folder, y):
    got, expected = run(folder, {"x": X})[y], in_onnx_runtime(folder / "m.onnx", {"x": X})[y]
    return np.mean(got == expected), decibels(got, expected)


@pytest.mark.parametrize("form", [
    {}, {"zero_point": np.uint8(128)}, {"weights": "power_of_two", "scales": (2**-6, 2**-5, 2**-5)}, {"weights": "quantize"},
    {"weights": "int4"}, {"between": lambda w, x: w.node("Relu", x)}, {"between": lambda w, x: w.pair(x, 0.07)},
    {"between": lambda w, x: w.node("Relu", w.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]))},
    {"between": lambda w, x: w.pair(w.node("Add", x, w.node("Relu", x)), 0.003)},  # finer than an Add can write
    {"between": lambda w, x: w.pair(w.node("Pad", x, w.constant([0, 0, 1, 1, 0, 0, 1, 1])), 0.05)}])
def test_keeps_its_numbers(form, tmp_path):
    y = network(tmp_path / "m.onnx", **form)
    report = compiled(tmp_path / "m.onnx")
    assert [layer["anew"] for layer in report["layers"] if not layer["own"]] == []
    assert {one["device"] for one in report["operators"]} == {"NPU"}
    assert compared(tmp_path, y)[0] > 0.99  # what lies on a tie may differ: ONNX Runtime sums in float32


@pytest.mark.parametrize("form, reason, least_db", [
    ({"weights": "blocks"}, "scales by block", 28), ({"weights": "int16"}, "more than 8 bits", 28),
    ({"weights": "least"}, "its weights hold -128, which became -127", 35),
    ({"zero_point": np.int16(0), "scales": (1e-4, 2e-4, 2e-4)}, "has more than 8 bits in the model", 28)])
def test_says_what_is_quantized_anew(form, reason, least_db, tmp_path):
    y = network(tmp_path / "m.onnx", **form)
    layers = compiled(tmp_path / "m.onnx")["layers"]
    assert layers and all(reason in layer["anew"] for layer in layers if layer["anew"])
    assert any(layer["anew"] for layer in layers)
    assert compared(tmp_path, y)[1] > least_db  # eight bits of noise on each of two layers


@pytest.mark.parametrize("op, argument", [("Reshape", [1, 4, -1]), ("Transpose", None)])
def test_int8_pairs_before_what_only_moves_them_on_the_cpu(op, argument, tmp_path):
    """ONNX Runtime takes the file at opset 16 and not at 21, to which it is brought."""
    inputs, attributes = (["d", "shape"], {}) if argument else (["d"], {"perm": [0, 2, 1]})
    nodes = [helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
             helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["d"]),
             helper.make_node(op, inputs, ["moved"], **attributes), helper.make_node("Softmax", ["moved"], ["y"])]
    constants = [numpy_helper.from_array(np.asarray(a), name) for name, a in
                 (("scale", np.float32(0.02)), ("zero", np.int8(0)), ("shape", np.array(argument or [0])))]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name, dims in (("x", [1, 8, 2]), ("y", None))]
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8), tmp_path / "m.onnx")
    compiled(tmp_path / "m.onnx", "--npu", "none")
    x = {"x": np.random.default_rng(1).normal(size=(4, 8, 2)).astype(np.float32)}
    np.testing.assert_allclose(run(tmp_path, x)["y"], in_onnx_runtime(tmp_path / "m.onnx", x)["y"], atol=1e-6)

"""Models that a careless exporter or an ill-meaning hand could make, each with what the message must name."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import models


def graph(nodes, *constants, dims=("N", 2, 6, 6), type=TensorProto.FLOAT, outputs=("y",), opset=17, **rest):
    inputs = [helper.make_tensor_value_info("x", type, dims)]
    inner = helper.make_graph(
        nodes, "g", inputs, [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants],
    )
    imports = [helper.make_opsetid(domain, version) for domain, version in rest.pop("imports", {"": opset}).items()]
    return helper.make_model(inner, opset_imports=imports, ir_version=rest.pop("ir_version", 8))


def node(op, inputs, outputs=("y",), **attributes):
    return helper.make_node(op, inputs, list(outputs), **{"name": "first", **attributes})


def external(location, **entries):
    """Weights in another file."""
    model = models.conv()
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        entry = weights.external_data.add()
        entry.key, entry.value = key, str(value)
    return model


def branching(read):
    """An If whose branches read the value `read`."""
    bodies = {
        f"{side}_branch": helper.make_graph(
            [helper.make_node("Relu", [read], [side])], side, [],
            [helper.make_tensor_value_info(side, TensorProto.FLOAT, None)])
        for side in ("then", "else")
    }
    return graph([node("If", ["c"], **bodies)], ("c", np.array(True)))


def renamed(old, new):
    """The bytes of a model with a name's bytes replaced."""
    return models.conv().SerializeToString().replace(old, new)


WEIGHTS = ("w", np.ones((4, 2, 3, 3), np.float32))
CONV = node("Conv", ["x", "w"])


def sizes(*values):
    return ("s", np.array(values, np.int64))


CASES = {
    "no outputs": (lambda: graph([CONV], WEIGHTS, outputs=()), "it has no outputs"),
    "an output that is an input": (lambda: graph([CONV], WEIGHTS, outputs=("y", "x")), "output `x`"),
    "one output twice": (lambda: graph([CONV], WEIGHTS, outputs=("y", "y")), "output `y`"),
    "no inputs of a node": (lambda: graph([node("Conv", [])]), "first"),
    "too many inputs": (lambda: graph([node("Conv", ["x", "w", "", "x", "x"])], WEIGHTS), "first"),
    "an attribute of another type": (lambda: graph([node("Conv", ["x", "w"], strides="two")], WEIGHTS), "strides"),
    "an absurd stride": (lambda: graph([node("Conv", ["x", "w"], strides=[1 << 62] * 2)], WEIGHTS), "strides"),
    "an absurd pad": (lambda: graph([node("Conv", ["x", "w"], pads=[1 << 40] * 4)], WEIGHTS), "pads"),
    "a large pad": (lambda: graph([node("Conv", ["x", "w"], pads=[30000] * 4)], WEIGHTS), "first"),
    "a negative dilation": (lambda: graph([node("Conv", ["x", "w"], dilations=[-1, -1])], WEIGHTS), "first"),
    "an absurd group": (lambda: graph([node("Conv", ["x", "w"], group=1 << 62)], WEIGHTS), "first"),
    "a pool of no pixels": (lambda: graph([node("MaxPool", ["x"], kernel_shape=[0, 0])]), "first"),
    "a block of no pixels": (lambda: graph([node("SpaceToDepth", ["x"], blocksize=0)]), "first"),
    "an axis that is not there": (lambda: graph([node("Concat", ["x", "x"], axis=9)]), "first"),
    "an axis twice": (lambda: graph([node("Transpose", ["x"], perm=[0, 0, 1, 9])]), "first"),
    "an absurd Reshape": (lambda: graph([node("Reshape", ["x", "s"])], sizes(1 << 40, 1 << 40)), "first"),
    "an absurd Tile": (lambda: graph([node("Tile", ["x", "s"])], sizes(1, 10000, 1000, 100)), "first"),
    "an absurd Pad": (lambda: graph([node("Pad", ["x", "s"])], sizes(0, 0, 1 << 40, 0, 0, 0, 0, 0)), "first"),
    "an absurd constant": (
        lambda: graph([node("ConstantOfShape", ["s"], ["c"]), helper.make_node("Relu", ["x"], ["y"])],
                      sizes(1 << 30, 1 << 4)), "first"),
    "a subgraph that reads nothing": (lambda: branching("nobody"), "`nobody`"),
    "opset of the future": (lambda: graph([CONV], WEIGHTS, opset=99), "opset 99"),
    "opset of the past": (lambda: graph([CONV], WEIGHTS, opset=-5), "opset -5"),
    "IR version of the future": (lambda: graph([CONV], WEIGHTS, ir_version=1000), "IR version 1000"),
    "no opset": (lambda: graph([CONV], WEIGHTS, imports={}), "opset"),
    "no opset of ai.onnx": (lambda: graph([CONV], WEIGHTS, imports={"com.example": 1}), "opset"),
    "a custom operator": (
        lambda: graph([node("Magic", ["x"], domain="com.example")], imports={"": 17, "com.example": 1}), "Magic"),
    "a custom operator without opset": (lambda: graph([node("Magic", ["x"], domain="com.example")]), "com.example"),
    "an input of strings": (lambda: graph([node("Identity", ["x"])], type=TensorProto.STRING), "input `x`"),
    "an input of complex numbers": (lambda: graph([node("Identity", ["x"])], type=TensorProto.COMPLEX64), "input `x`"),
    "an input without shape": (lambda: graph([CONV], WEIGHTS, dims=None), "input `x`"),
    "infinite bias": (lambda: graph([node("Conv", ["x", "w", "b"])], WEIGHTS, ("b", np.float32([0, 0, np.inf, 0]))),
                      "tensor `b`: element [2] is inf"),
    "infinite weights": (lambda: models.conv(np.full((4, 2, 3, 3), -np.inf, np.float32)), "element [0, 0, 0, 0]"),
    "NaN in an attribute": (lambda: graph([node("LeakyRelu", ["x"], alpha=float("nan"))]), "alpha"),
    "a negative variance": (
        lambda: graph([node("Conv", ["x", "w"], ["c"]), helper.make_node("BatchNormalization", ["c", *"sssv"], ["y"])],
                      WEIGHTS, ("s", np.ones(4, np.float32)), ("v", -np.ones(4, np.float32))), "NaN or an infinity"),
    "weights that overflow": (lambda: models.conv(np.full((4, 2, 3, 3), 3e38, np.float32)), "NaN or an infinity"),
    "external data that is missing": (lambda: external("none.bin"), "`none.bin` is not there"),
    "external data that is short": (lambda: external("short.bin"), "`short.bin`"),
    "external data outside": (lambda: external("../../../../../etc/passwd"), "outside the model's folder"),
    "external data by its whole path": (lambda: external("/etc/passwd"), "outside the model's folder"),
    "external data of a device": (lambda: external("/dev/zero"), "outside the model's folder"),
    "external data at an absurd place": (lambda: external("short.bin", offset=(1 << 63) - 1), "`short.bin`"),
    "a name that is no text": (lambda: renamed(b"first", b"fi\xffst"), "UTF-8"),
    "a name with line breaks": (
        lambda: graph([node("Konv", ["x"], name="first\nERROR: two lines\x1b[31m")]), r"first\x0aERROR"),
    "a name of a megabyte": (lambda: graph([node("Konv", ["x"], name="n" * (1 << 20))]), "nnnn"),
}

"""Small networks whose subgraphs meet in every way: built here, each with the devices of its subgraphs."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


class Network:
    """Writes nodes; each method returns the name of the value it makes."""

    def __init__(self):
        self.random = np.random.default_rng(3)
        self.inputs, self.outputs, self.nodes, self.constants, self.count = [], [], [], [], 0

    def input(self, name, dims, type=FLOAT):
        self.inputs.append(helper.make_tensor_value_info(name, type, dims))
        return name

    def output(self, value, name):
        self.nodes.append(helper.make_node("Identity", [value], [name], name=f"out_{name}"))
        self.named_output(name)

    def named_output(self, name):
        self.outputs.append(helper.make_tensor_value_info(name, FLOAT, None))

    def node(self, op, *inputs, **attributes):
        self.count += 1
        self.nodes.append(helper.make_node(op, inputs, [f"v{self.count}"], name=f"{op}_{self.count}", **attributes))
        return f"v{self.count}"

    def constant(self, array):
        self.count += 1
        self.constants.append(numpy_helper.from_array(np.asarray(array), f"c{self.count}"))
        return f"c{self.count}"

    def conv(self, x, into, channels, kernel=3):
        weights = self.random.normal(size=(channels, into, kernel, kernel)) * np.sqrt(2 / (into * kernel**2))
        bias = self.random.normal(size=channels) * 0.1
        pads = [kernel // 2] * 4
        made = self.node("Conv", x, *(self.constant(w.astype(np.float32)) for w in (weights, bias)), pads=pads)
        return self.node("Relu", made)

    def body(self, x, into=64):
        """Large enough to be worth two boundaries."""
        for _ in range(3):
            x, into = self.conv(x, into, 64), 64
        return x

    def head(self, x, channels=64, classes=10):
        pooled = self.node("Flatten", self.node("GlobalAveragePool", x))
        weights = self.random.normal(size=(classes, channels)).astype(np.float32)
        return self.node("Gemm", pooled, self.constant(weights), transB=1)

    def model(self):
        graph = helper.make_graph(self.nodes, "g", self.inputs, self.outputs, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def two_inputs_three_outputs():
    n = Network()
    left, right = n.input("left", ["N", 3, 24, 24]), n.input("right", ["N", 3, 24, 24])
    a, b = n.body(left, 3), n.body(right, 3)
    n.output(n.node("Add", a, b), "sum")
    n.output(n.head(n.node("Concat", a, b, axis=1), 128), "classes")
    n.output(n.node("MaxPool", b, kernel_shape=[2, 2], strides=[2, 2]), "small")
    return n.model(), ["NPU"]


def an_output_read_inside():
    n = Network()
    features = n.body(n.input("x", ["N", 3, 24, 24]), 3)
    n.nodes.append(helper.make_node("LeakyRelu", [n.node("Neg", features)], ["features"], name="features"))
    n.named_output("features")
    n.output(n.head("features"), "classes")
    return n.model(), ["NPU"]


def an_input_for_the_host_alone():
    n = Network()
    maps, query = n.input("x", ["N", 3, 24, 24]), n.input("query", ["N", 16, 64])
    rows = n.node("Reshape", n.body(maps, 3), n.constant(np.array([0, 64, 576])))
    scores = n.node("Mul", n.node("MatMul", query, rows), n.constant(np.float32(0.05)))
    n.output(n.node("Softmax", scores, axis=2), "attention")
    return n.model(), ["NPU", "CPU"]


def an_index_for_the_host_alone():
    n = Network()
    maps, which = n.input("x", ["N", 3, 24, 24]), n.input("which", ["N"], INT64)
    table = n.constant(n.random.normal(size=(5, 10)).astype(np.float32))
    n.output(n.node("Mul", n.head(n.body(maps, 3)), n.node("Gather", table, which, axis=0)), "y")
    return n.model(), ["CPU", "NPU"]


def over_the_host_and_back():
    n = Network()
    first = n.body(n.input("x", ["N", 3, 40, 40]), 3)
    host = n.node("Cos", first)
    second = n.body(n.node("Add", n.body(host), first))  # skips the host and meets it again
    n.output(n.node("Softmax", n.head(second), axis=1), "y")
    return n.model(), ["NPU", "CPU", "NPU", "CPU"]


def the_host_first():
    n = Network()
    scaled = n.node("Sin", n.input("x", ["N", 3, 40, 40]))
    n.output(n.body(scaled, 3), "y")
    return n.model(), ["CPU", "NPU"]


def outputs_of_both_devices():
    n = Network()
    features = n.body(n.input("x", ["N", 3, 40, 40]), 3)
    n.output(features, "npu")
    n.output(n.node("Sin", features), "cpu")
    n.output(n.node("Sin", "x"), "of_the_input")
    return n.model(), None  # the order of the two is free


def an_input_handed_through():
    n = Network()
    x = n.input("x", ["N", 3, 24, 24])
    n.output(x, "same")
    n.output(n.body(x, 3), "y")
    return n.model(), None


def two_names_for_one_output():
    n = Network()
    y = n.body(n.input("x", ["N", 3, 24, 24]), 3)
    n.output(y, "first")
    n.output(y, "second")
    return n.model(), ["NPU"]


def a_batch_of_two():
    n = Network()
    n.output(n.node("Softmax", n.head(n.body(n.input("x", [2, 3, 24, 24]), 3)), axis=1), "y")
    return n.model(), ["NPU", "CPU"]


def an_unnamed_batch():
    n = Network()
    n.output(n.node("Softmax", n.head(n.body(n.input("x", [None, 3, 24, 24]), 3)), axis=1), "y")
    model = n.model()
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = -1  # as Paddle writes it
    return model, ["NPU", "CPU"]


ALL = [two_inputs_three_outputs, an_output_read_inside, an_input_for_the_host_alone, an_index_for_the_host_alone,
       over_the_host_and_back, the_host_first, outputs_of_both_devices, an_input_handed_through,
       two_names_for_one_output, a_batch_of_two, an_unnamed_batch]


def samples(model: onnx.ModelProto, count: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(4)
    arrays = {}
    for value in model.graph.input:
        type = value.type.tensor_type
        dims = [d.dim_value for d in type.shape.dim]
        dims[0] = count * max(dims[0], 1)
        if type.elem_type == INT64:
            arrays[value.name] = random.integers(0, 5, dims)
        else:
            arrays[value.name] = random.normal(size=dims).astype(np.float32)
    return arrays

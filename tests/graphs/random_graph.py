"""Random small models: a seed each, one to eight steps, each an operator or idiom on values made before.

Every node is run by ONNX Runtime as soon as it is written, so that shapes are known, and a step that ONNX does not
allow, or that makes something empty, huge or not finite, is taken back."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

OPSETS = (13, 17, 18, 21)
MOST_ELEMENTS = 20_000
MOST_MAGNITUDE = 1e4
TRIES = 100


class NotAllowed(Exception):
    """The step does not fit the value it was to begin with."""


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


class Writer:
    def __init__(self, seed: int):
        self.random = np.random.default_rng(seed)
        self.opset = self.pick(*OPSETS)
        self.nodes, self.constants, self.values = [], {}, {}
        self.told = set()  # values inside that are outputs too
        spatial = self.pick(2, 2, 2, 1, 3)
        self.inputs = {"x": [1, self.pick(1, 2, 3, 4, 6, 8), *self.random.integers(1, 9, spatial).tolist()]}
        self.values["x"] = self.random.normal(size=self.inputs["x"]).astype(np.float32)

    # What steps are written in.
    def pick(self, *choices):
        return choices[int(self.random.integers(len(choices)))]

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def below(self, end: int, first: int = 0) -> int:
        return int(self.random.integers(first, end))

    def dims(self, value: str) -> list[int]:
        return list(self.values[value].shape)

    def need(self, condition: bool):
        if not condition:
            raise NotAllowed

    def constant(self, array) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(array)
        return name

    def ints(self, *numbers) -> str:
        return self.constant(np.int64(numbers))

    def normal(self, *dims, scale: float = 1) -> str:
        return self.constant((self.random.normal(size=dims) * scale).astype(np.float32))

    def number(self, value: float) -> str:
        return self.constant(np.float32(value))

    def node(self, op: str, inputs: list[str], outputs: int = 1, **attributes):
        names = [f"{op}{len(self.nodes)}_{i}" for i in range(outputs)]
        node = helper.make_node(op, inputs, names, name=f"node{len(self.nodes)}", **attributes)
        known = {name: self.constants.get(name, self.values.get(name)) for name in inputs if name}
        try:
            made = session(self._model([node], known, names)).run(None, known)
        except Exception as error:  # whatever the package raises is its refusal
            raise NotAllowed from error
        self.values.update(zip(names, made))
        self.nodes.append(node)
        return names if outputs > 1 else names[0]

    def reduced(self, op: str, x: str, axes: list[int], keepdims: int) -> str:
        if self.opset >= 18 or op == "ReduceSum":
            return self.node(op, [x, self.ints(*axes)], keepdims=keepdims)
        return self.node(op, [x], axes=axes, keepdims=keepdims)

    def mean(self, x: str, axes: list[int]) -> str:
        return self.reduced("ReduceMean", x, axes, 1)

    # A whole model.
    def _model(self, nodes: list, inputs: dict, outputs: list[str], constants: dict = {}, free: bool = False):
        def info(name, dims, kind=TensorProto.FLOAT):
            return helper.make_tensor_value_info(name, kind, dims)
        def dims_of(name, array):
            return [f"{name}{i}" if free and i != 1 else dim for i, dim in enumerate(array.shape)]
        given = [info(name, dims_of(name, array), helper.np_dtype_to_tensor_dtype(array.dtype))
                 for name, array in inputs.items()]
        kept = [numpy_helper.from_array(array, name) for name, array in constants.items()]
        graph = helper.make_graph(nodes, "g", given, [info(name, None) for name in outputs], kept)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=9)

    def model(self, free: bool) -> onnx.ModelProto:
        """`free`: in every axis but the channels."""
        read = {name for node in self.nodes for name in node.input}
        outputs = [name for node in self.nodes for name in node.output if name not in read or name in self.told]
        inputs = {name: self.values[name] for name in self.inputs}
        return self._model(self.nodes, inputs, outputs, {n: a for n, a in self.constants.items() if n in read}, free)


def _sound(writer: Writer, names: list[str]) -> bool:
    arrays = [writer.values[name] for name in names]
    return all(0 < array.size <= MOST_ELEMENTS and array.ndim > 0 and array.shape[0] == 1
               and (array.dtype != np.float32 or np.abs(array).max() < MOST_MAGNITUDE) and np.isfinite(array).all()
               for array in arrays)


def random_graph(seed: int, steps: list) -> Writer:
    """`steps` take the writer and the name of a float32 value, and return the name of another."""
    writer = Writer(seed)
    ends, wanted = ["x"], writer.below(9, 1)
    for _ in range(TRIES):
        if len(ends) > wanted:
            break
        before = len(writer.nodes)
        start = ends[-1] if writer.chance(0.8) else writer.pick(*ends)  # a branch now and then
        try:
            end = writer.pick(*steps)(writer, start)
        except NotAllowed:
            end = None
        made = [name for node in writer.nodes[before:] for name in node.output]
        if end and _sound(writer, made) and writer.values[end].dtype == np.float32:
            ends.append(end)
            writer.told |= {end} if writer.chance(0.1) else set()
        else:
            del writer.nodes[before:]
            for name in made:
                del writer.values[name]
    return writer


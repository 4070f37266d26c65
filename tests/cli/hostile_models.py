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


def segmented():
    model = graph([CONV], WEIGHTS)
    model.graph.initializer[0].segment.end = 9
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


def with_functions(*bodies, call="f0"):
    """A model whose one node calls the local function `call`; a body is a list of the functions it calls in turn."""
    model = graph([node(call, ["x"], domain="local")], imports={"": 17, "local": 1})
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    for index, called in enumerate(bodies):
        values = ["x", *[f"t{i}" for i in range(len(called) - 1)], "y"]
        nodes = [helper.make_node(op, [values[i]], [values[i + 1]], domain="local" if op.startswith("f") else "")
                 for i, op in enumerate(called)]
        model.functions.append(helper.make_function("local", f"f{index}", ["x"], ["y"], nodes, opsets))
    return model


def doubling(levels, times):
    """Functions of which each calls the next so many times."""
    return with_functions(*[[f"f{i + 1}"] * times for i in range(levels)], ["Relu"] * times)


def tensor(name, type=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, type, None)


def loop(trips, ends="c"):
    """A Loop over x whose body hands its condition `c` on, or gives the value that `ends` names."""
    body = helper.make_graph(
        [helper.make_node("Relu", ["v"], ["w"]), helper.make_node("Identity", [ends], ["d"])], "body",
        [helper.make_tensor_value_info("i", TensorProto.INT64, []), helper.make_tensor_value_info("c", TensorProto.BOOL, []),
         tensor("v")],
        [tensor("d", TensorProto.BOOL), tensor("w")])
    inputs = ["n" if trips is not None else "", "t", "x"]
    return graph([node("Loop", inputs, body=body)], ("t", np.array(True)),
                 *([("n", np.array(trips, np.int64))] if trips is not None else []))


def loop_behind_copies(count):
    """An endless loop whose condition goes through so many Identity nodes."""
    model = loop(None)
    body = model.graph.node[0].attribute[0].g
    body.node[1].output[0] = "d0"
    body.node.extend(helper.make_node("Identity", [f"d{i}"], [f"d{i + 1}"]) for i in range(count))
    body.output[0].name = f"d{count}"
    return model


def endless_while():
    """A condition that is computed anew each time and never becomes false."""
    model = loop(None)
    body = model.graph.node[0].attribute[0].g
    body.node[1].CopyFrom(helper.make_node("Equal", ["i", "i"], ["d"]))
    return model


def length_delimited(number, content):
    """A field of a protobuf message, whose Python package writes none so deep."""
    size, rest = b"", len(content)
    while rest > 127:
        size, rest = size + bytes([rest & 127 | 128]), rest >> 7
    return bytes([number << 3 | 2]) + size + bytes([rest]) + content


def nested_branches(levels):
    """If inside If: the bytes of a model whose then_branch is deep."""
    shallow = branch("Relu", "z").SerializeToString()
    deep = shallow
    for _ in range(levels):
        inner = helper.make_node("If", ["c"], ["z"]).SerializeToString()
        for name, body in (("then_branch", deep), ("else_branch", shallow)):
            attribute = onnx.AttributeProto(name=name, type=onnx.AttributeProto.GRAPH).SerializeToString()
            inner += length_delimited(5, attribute + length_delimited(6, body))
        deep = length_delimited(1, inner) + length_delimited(12, tensor("z").SerializeToString())
    model = graph([], ("c", np.array(True)), outputs=("z",))
    whole = model.graph.SerializeToString() + length_delimited(1, inner)
    model.ClearField("graph")
    return model.SerializeToString() + length_delimited(7, whole)


def branch(op, output, *constants):
    return helper.make_graph([helper.make_node(op, ["x", *[name for name, _ in constants]], [output])], output, [],
                             [tensor(output)], [made for _, made in constants])


def branch_with(constant):
    """An If whose branches add a tensor of their own, as it is given."""
    bodies = {f"{side}_branch": branch("Add", side, ("k", constant)) for side in ("then", "else")}
    return graph([node("If", ["c"], **bodies)], ("c", np.array(True)))


def cycle_through_a_branch():
    model = branching("z")
    model.graph.node.append(helper.make_node("Neg", ["y"], ["z"], name="second"))
    return model


def changed(change, model=None):
    """A good model after `change` of it."""
    model = model or models.conv()
    change(model)
    return model


def expanded_weights():
    """4 channels of weights, made of one."""
    nodes = [helper.make_node("Expand", ["w", "s"], ["e"]), node("Conv", ["x", "e"])]
    return graph(nodes, ("w", np.ones((1, 2, 3, 3), np.float32)), sizes(4, 2, 3, 3))


def raw_tensor(**fields):
    return TensorProto(name="k", data_type=TensorProto.FLOAT, **fields)


def outside_tensor():
    made = raw_tensor(dims=[1], data_location=TensorProto.EXTERNAL)
    entry = made.external_data.add()
    entry.key, entry.value = "location", "short.bin"
    return made


def computed_size(op, factor, *inputs):
    """A node that is given `size`, the shape [4, 2, 6, 6] of x times `factor` in floats: no shape inference follows it."""
    nodes = [helper.make_node("Shape", ["x"], ["shape"]),
             helper.make_node("Cast", ["shape"], ["real"], to=TensorProto.FLOAT),
             helper.make_node("Mul", ["real", "factor"], ["more"]),
             helper.make_node("Cast", ["more"], ["size"], to=TensorProto.INT64),
             node(op, inputs, ["large"]), helper.make_node("ReduceMax", ["large"], ["y"])]
    return graph(nodes, ("factor", np.float32(factor)))


def renamed(old, new):
    """The bytes of a model with a name's bytes replaced."""
    return models.conv().SerializeToString().replace(old, new)


WEIGHTS = ("w", np.ones((4, 2, 3, 3), np.float32))
CONV = node("Conv", ["x", "w"])


def sizes(*values):
    return ("s", np.array(values, np.int64))


LARGE = "tensor `large`: its shape"

def strings(values, **fields):
    """A network with a constant beside it of which nothing is asked but that it is one."""
    model = graph([CONV], WEIGHTS)
    constant = TensorProto(**{"name": "s", "data_type": TensorProto.STRING, "dims": [2], "string_data": values, **fields})
    model.graph.initializer.append(constant)
    return model


def doubled_strings():
    """Text of one number, twice itself 45 times: its shape says nothing of its size."""
    nodes = [helper.make_node("Cast", ["x"], ["s0"], to=TensorProto.STRING)]
    nodes += [helper.make_node("StringConcat", [f"s{i}"] * 2, [f"s{i + 1}"]) for i in range(45)]
    nodes += [helper.make_node("Cast", ["s45"], ["y"], to=TensorProto.FLOAT)]
    return graph(nodes, imports={"": 21})


CASES = {
    "no outputs": (lambda: graph([CONV], WEIGHTS, outputs=()), "it has no outputs"),
    "an output that is an input": (lambda: graph([CONV], WEIGHTS, outputs=("y", "x")), "output `x`"),
    "no inputs of a node": (lambda: graph([node("Conv", [])]), "first"),
    "too many inputs": (lambda: graph([node("Conv", ["x", "w", "", "x", "x"])], WEIGHTS), "first"),
    "an attribute of another type": (lambda: graph([node("Conv", ["x", "w"], strides="two")], WEIGHTS), "strides"),
    "a node of 100,000 inputs": (lambda: graph([node("Sum", ["x"] * 100_000)]), "node `first` (Sum): it has more than 65536 inputs"),
    "a node of 100,000 outputs": (
        lambda: graph([node("Split", ["x"], [f"o{i}" for i in range(100_000)])], outputs=["o0"]),
        "it has more than 65536 outputs"),
    "a node of 2,000 attributes": (
        lambda: graph([node("Relu", ["x"], **{f"a{i}": i for i in range(2000)})]), "it has more than 1000 attributes"),
    "a graph of 100,000 inputs": (
        lambda: changed(lambda m: m.graph.input.extend(tensor(f"i{i}") for i in range(100_000))),
        "it has more than 65536 inputs"),
    "an input of no samples": (lambda: graph([CONV], WEIGHTS, dims=(0, 2, 6, 6)), "the input `x` takes [0, 2, 6, 6]"),
    "5,000 outputs": (
        lambda: graph([helper.make_node("Relu", ["x"], [f"y{i}"]) for i in range(5000)],
                      outputs=[f"y{i}" for i in range(5000)]), "it has 5000 outputs, at most 4096"),
    "an absurd stride": (lambda: graph([node("Conv", ["x", "w"], strides=[1 << 62] * 2)], WEIGHTS), "strides"),
    "an absurd pad": (lambda: graph([node("Conv", ["x", "w"], pads=[1 << 40] * 4)], WEIGHTS), "pads"),
    "a large pad": (lambda: graph([node("Conv", ["x", "w"], pads=[30000] * 4)], WEIGHTS), "tensor `y`: its shape [1, 4, 60004, 60004]"),
    "a negative dilation": (lambda: graph([node("Conv", ["x", "w"], dilations=[-1, -1])], WEIGHTS), "first"),
    "a dilation beyond the map": (lambda: graph([node("Conv", ["x", "w"], dilations=[1, 1 << 20])], WEIGHTS),
                                  "node `first` (Conv): its window spans 2097153 elements of axis 3, the padded input has 6"),
    "an absurd group": (lambda: graph([node("Conv", ["x", "w"], group=1 << 62)], WEIGHTS), "first"),
    "a pool of no pixels": (lambda: graph([node("MaxPool", ["x"], kernel_shape=[0, 0])]), "first"),
    "a block of no pixels": (lambda: graph([node("SpaceToDepth", ["x"], blocksize=0)]), "first"),
    "an axis that is not there": (lambda: graph([node("Concat", ["x", "x"], axis=9)]), "first"),
    "an axis twice": (lambda: graph([node("Transpose", ["x"], perm=[0, 0, 1, 9])]), "first"),
    "an absurd Reshape": (lambda: graph([node("Reshape", ["x", "s"])], sizes(1 << 40, 1 << 40)), "first"),
    "an absurd Tile": (lambda: graph([node("Tile", ["x", "s"])], sizes(1, 10000, 1000, 100)), "tensor `y`"),
    "an absurd Pad": (lambda: graph([node("Pad", ["x", "s"])], sizes(0, 0, 1 << 40, 0, 0, 0, 0, 0)), "tensor `y`"),
    "a shape of 3,000 dims": (
        lambda: graph([node("Expand", ["x", "s"])], sizes(*[1] * 3000)), "`s` holds 3000 numbers"),
    "an absurd constant": (
        lambda: graph([node("ConstantOfShape", ["s"], ["c"]), helper.make_node("Relu", ["x"], ["y"])],
                      sizes(1 << 30, 1 << 4)), "tensor `c`"),
    "a subgraph that reads nothing": (lambda: branching("nobody"), "`nobody`"),
    "a cycle through a subgraph": (cycle_through_a_branch, "`first` -> `second` -> `first` is a cycle"),
    "subgraphs 40 deep": (lambda: nested_branches(40), "--max-nesting"),
    "a subgraph's tensor of a false shape": (
        lambda: branch_with(raw_tensor(dims=[1 << 20, 1 << 11, 2], raw_data=bytes(4))), "--max-elements"),
    "a subgraph's tensor that is short": (lambda: branch_with(raw_tensor(dims=[4], raw_data=bytes(4))), "`k`: it has 4"),
    "external data of a subgraph": (lambda: branch_with(outside_tensor()), "tensor `k`"),
    "functions that write out to 10^20 nodes": (lambda: doubling(19, 10), "--max-nodes"),
    "functions 40 deep": (lambda: doubling(40, 1), "--max-nesting"),
    "a function that calls itself": (lambda: with_functions(["Relu", "f0"]), "`local::f0`: it calls itself"),
    "functions that call one another": (lambda: with_functions(["f1"], ["f2"], ["f0"]), "calls itself"),
    "a function twice": (
        lambda: changed(lambda m: m.functions.append(m.functions[0]), with_functions(["Relu"])), "given twice"),
    "a loop without end": (lambda: loop(None), "nothing ends it"),
    "a loop of 2^63 trips": (lambda: loop((1 << 63) - 1), "nothing ends it"),
    "a loop without end behind 100,000 copies of its condition": (lambda: loop_behind_copies(100_000), "nothing ends it"),
    "a loop of a billion trips": (lambda: loop(10**9), "--max-trips"),
    "two data fields": (
        lambda: changed(lambda m: m.graph.initializer[0].float_data.append(1)), "content stands in two fields"),
    "one domain twice": (
        lambda: changed(lambda m: m.opset_import.append(helper.make_opsetid("ai.onnx", 13))), "domain `ai.onnx` twice"),
    "an output of another type": (lambda: changed(lambda m: m.graph.output[0].CopyFrom(tensor("y", TensorProto.INT64))),
                                  "first"),
    "an input without type": (lambda: changed(lambda m: m.graph.input[0].ClearField("type")), "input `x`"),
    "weights of another type": (lambda: models.conv(np.ones((4, 2, 3, 3), np.int32)), "first"),
    "a value with two types": (
        lambda: changed(lambda m: (m.graph.value_info.append(tensor("a", TensorProto.INT32)),
                                   m.graph.node.insert(0, helper.make_node("Relu", ["x"], ["a"])))), "type"),
    "a tensor of 2^31 elements": (
        lambda: graph([node("Expand", ["x", "s"], ["e"]), helper.make_node("ReduceMax", ["e"], ["y"])],
                      sizes(1 << 26, 2, 6, 6)), "tensor `e`"),
    "a run of 48 GB": (
        lambda: graph([node("Expand", ["x", "s"], ["e"]),
                       *[helper.make_node("Relu", [a], [b]) for a, b in ("ea", "ab", "bc", "cd", "dm")],
                       helper.make_node("ReduceMax", ["m"], ["y"])], sizes(1 << 24, 2, 6, 6)), "--max-memory"),
    "a node that takes an hour": (
        lambda: graph([helper.make_node("ReduceMax", ["x"], ["m"]), helper.make_node("Expand", ["m", "s"], ["e"]),
                       node("MatMul", ["e", "e"], ["p"]), helper.make_node("ReduceMax", ["p"], ["y"])],
                      sizes(12000, 12000)), "node `first` (MatMul): it takes 1728000000000 multiplications"),
    "an Einsum of three vectors": (
        lambda: graph([helper.make_node("ReduceMax", ["x"], ["m"], keepdims=0), helper.make_node("Expand", ["m", "s"], ["v"]),
                       node("Einsum", ["v", "v", "v"], ["e"], equation="i,j,k->ijk"),
                       helper.make_node("ReduceMax", ["e"], ["y"])], sizes(1280)), "--max-memory"),
    "a Range of 400 MB": (
        lambda: graph([node("Range", ["a", "b", "c"], ["r"]), helper.make_node("ReduceMax", ["r"], ["m"]),
                       helper.make_node("Add", ["x", "m"], ["y"])],
                      ("a", np.float32(0)), ("b", np.float32(1e8)), ("c", np.float32(1))), "tensor `r`"),
    "a computed size of ConstantOfShape": (lambda: computed_size("ConstantOfShape", [1, 1e3, 1e3, 1e3], "size"), LARGE),
    "a computed size of Expand": (lambda: computed_size("Expand", [1e9, 1, 1, 1], "x", "size"), LARGE),
    "a computed size of Tile": (lambda: computed_size("Tile", [1, 1, 1e4, 1e4], "x", "size"), LARGE),
    "a computed size of Resize": (lambda: computed_size("Resize", [1, 1, 1e4, 1e4], "x", "", "", "size"), LARGE),
    "constants of 400 MB": (
        lambda: graph([node("ConstantOfShape", ["s"], ["c"]), helper.make_node("Add", ["x", "c"], ["y"])],
                      sizes(1 << 21, 2, 6, 6)), "--max-folded"),
    "opset of the future": (lambda: graph([CONV], WEIGHTS, opset=99), "opset 99"),
    "opset of the past": (lambda: graph([CONV], WEIGHTS, opset=-5), "opset -5"),
    "IR version of the future": (lambda: graph([CONV], WEIGHTS, ir_version=1000), "IR version 1000"),
    "no opset": (lambda: graph([CONV], WEIGHTS, imports={}), "opset"),
    "no opset of ai.onnx": (lambda: graph([CONV], WEIGHTS, imports={"com.example": 1}), "opset"),
    "a custom operator": (
        lambda: graph([node("Magic", ["x"], domain="com.example")], imports={"": 17, "com.example": 1}), "Magic"),
    "a norm in float64": (
        lambda: graph([helper.make_node("Cast", ["x"], ["c"], to=TensorProto.DOUBLE),
                       node("InstanceNormalization", ["c", "s", "s"], ["d"]),
                       helper.make_node("Cast", ["d"], ["y"], to=TensorProto.FLOAT)], ("s", np.ones(2))),
        "node with name 'first' on float64"),
    "a segment of a tensor": (segmented, "tensor `w`: it is a segment"),
    "a custom operator without opset": (lambda: graph([node("Magic", ["x"], domain="com.example")]), "com.example"),
    "an input of strings": (lambda: graph([node("Identity", ["x"])], type=TensorProto.STRING), "input `x`"),
    "a constant of strings that are no text": (lambda: strings([b"good", b"\xff\xfe"]), "UTF-8"),
    "a constant of too few strings": (lambda: strings([b"one"]), "tensor `s`: it has 1 values, its shape [2] needs 2"),
    "a constant of strings in raw bytes": (lambda: strings([], raw_data=b"ab"), "stand in the field for numbers"),
    "a constant of strings in another file": (
        lambda: strings([], data_location=TensorProto.EXTERNAL), "stand in the field for numbers, or in another file"),
    "a constant of absurdly many strings": (lambda: strings([], dims=[1 << 40]), "--max-elements"),
    "a constant of INT4 in too few bytes": (
        lambda: strings([], data_type=TensorProto.INT4, dims=[5], raw_data=b"ab"), "it has 2 bytes, its shape [5] needs 3"),
    "a constant of INT2 in too many bytes": (
        lambda: strings([], data_type=TensorProto.INT2, dims=[4], raw_data=b"ab"), "it has 2 bytes, its shape [4] needs 1"),
    "an input of complex numbers": (lambda: graph([node("Identity", ["x"])], type=TensorProto.COMPLEX64), "input `x`"),
    "an input without shape": (lambda: graph([CONV], WEIGHTS, dims=None), "input `x`"),
    "infinite bias": (lambda: graph([node("Conv", ["x", "w", "b"])], WEIGHTS, ("b", np.float32([0, 0, np.inf, 0]))),
                      "tensor `b`: element [2] is inf"),
    "infinite weights": (lambda: models.conv(np.full((4, 2, 3, 3), -np.inf, np.float32)), "element [0, 0, 0, 0]"),
    "NaN in an attribute": (lambda: graph([node("LeakyRelu", ["x"], alpha=float("nan"))]), "alpha"),
    "a negative variance": (
        lambda: graph([node("Conv", ["x", "w"], ["c"]), helper.make_node("BatchNormalization", ["c", *"sssv"], ["y"])],
                      WEIGHTS, ("s", np.ones(4, np.float32)), ("v", -np.ones(4, np.float32))), "NaN or an infinity"),
    "external data that is missing": (lambda: external("none.bin"), "`none.bin` is not there"),
    "external data that is short": (lambda: external("short.bin"), "`short.bin`"),
    "external data outside": (lambda: external("../../../../../etc/passwd"), "outside the model's folder"),
    "external data by its whole path": (lambda: external("/etc/passwd"), "outside the model's folder"),
    "external data of a device": (lambda: external("/dev/zero"), "outside the model's folder"),
    "external data by a link": (lambda: external("link.bin"), "outside the model's folder"),
    "external data by a hard link": (lambda: external("hard.bin"), "outside the model's folder"),
    "external data of a pipe": (lambda: external("pipe.bin"), "`pipe.bin` is no file"),
    "external data of a folder": (lambda: external("."), "tensor `w`"),
    "external data with a zero byte": (lambda: external("short.bin\0.bin"), "outside the model's folder"),
    "external data before the file": (lambda: external("short.bin", offset=-4), "a whole number from 0"),
    "external data whose offset wraps": (lambda: external("short.bin", offset=1 << 64), "a whole number from 0"),
    "external data of a negative length": (lambda: external("short.bin", length=-288), "a whole number from 0"),
    "external data of another length": (lambda: external("short.bin", length=8), "its shape needs 288"),
    "external data without location": (
        lambda: changed(lambda m: m.graph.initializer[0].external_data.pop(0), external("")), "has no location"),
    "external data at an absurd place": (lambda: external("short.bin", offset=(1 << 63) - 1), "`short.bin`"),
    "a name that is no text": (lambda: renamed(b"first", b"fi\xffst"), "UTF-8"),
    "a name with line breaks": (
        lambda: graph([node("Konv", ["x"], name="first\nERROR: two lines\x1b[31m")]), r"first\x0aERROR"),
    "a name of a megabyte": (lambda: graph([node("Konv", ["x"], name="n" * (1 << 20))]), "a text of 1048576 bytes, at most 65536"),
    "names of 10 megabytes": (
        lambda: graph([node("Relu", ["x"], ["v" * (10 << 20)]), helper.make_node("Relu", ["v" * (10 << 20)], ["y"])]),
        "a text of 10485760 bytes, at most 65536 are read"),
    "a name of 60,000 bytes": (lambda: graph([node("Konv", ["x"], name="n" * 60_000)]), "nnnn"),
    "an Unsqueeze by a million axes": (
        lambda: graph([node("Unsqueeze", ["x", "a"])], ("a", np.arange(1_000_000))), "`a` holds 1000000 numbers"),
    "an Unsqueeze by a million axes of opset 11": (
        lambda: graph([node("Unsqueeze", ["x"], axes=list(range(1_000_000)))], opset=11), "holds 1000000 numbers"),
    "a Reshape to a million dims": (
        lambda: graph([node("Reshape", ["x", "s"])], sizes(*[1] * 1_000_000)), "`s` holds 1000000 numbers"),
    "a Transpose of a million axes": (
        lambda: graph([node("Transpose", ["x"], perm=list(range(1_000_000)))]), "`perm` holds 1000000 numbers"),
}

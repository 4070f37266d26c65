"""How far quantized outputs may lie from the exact ones: what noise on every quantized value does to them.

The FP32 model runs on ONNX Runtime with noise of random sign on each value that the snapshot holds as codes: half a
step on inputs of its NPU parts and on weights, and on a layer's output as many steps as docs/arithmetic.md lets the
layer err for exact inputs (`own_steps`). An element may be off by twice the largest of PROBES deviations, as random
signs seldom all agree, and, where an output is itself codes, by the last layer's own steps.
"""

import numpy as np
import onnx
from onnx import helper, numpy_helper

from bench.onnx_backend import reference
from bench.onnx_backend.cases import DataSet, fed_inputs

PROBES = 48  # of a mean of six rounded values, 12 left one element in twenty with a third of what it may be off
FLOAT_ERROR = 4 * 2**-24  # an exact sum is converted, multiplied by a rounded factor, and its code multiplied by the scale
MOVE_CODES = {"ChannelReorder", "Concat", "Crop", "MaxPool", "GlobalMaxPool", "Pad", "Reshape", "SpaceToDepth", "Upsample"}
WEIGHTED = {"Conv", "DepthwiseConv", "FullyConnected"}


def own_steps(layer: dict) -> float:
    """How far a layer's output may be from that of its exact sum, in steps of its scale."""
    if layer["kind"] in MOVE_CODES:
        return 0
    if layer["kind"] == "Add":
        return 1  # of its int16 terms and the last rounding
    # A table's error over all 65,536 inputs holds the last rounding; that of the sum to one of them is half a step more.
    rounding = max(layer["activation_error_codes"] + 0.5 if layer["activation_error_codes"] else 0, 0.5)
    # The bias is corrected so that the mean over the samples is exact: by up to what the rounding errs, half a step.
    return rounding + (0.5 if layer["kind"] in WEIGHTED else 0)


def _name_nodes(model: onnx.ModelProto) -> None:
    """As calotype names them: an empty name is the operator's, a name in use gets a number."""
    used = set()
    for node in model.graph.node:
        base = candidate = node.name or node.op_type
        number = 0
        while candidate in used:
            number += 1
            candidate = f"{base}_{number}"
        used.add(candidate)
        node.name = candidate


def _largest_scale(network: dict, tensor: int) -> float:
    return max(network["tensors"][tensor]["quantization"]["scale"])


def _seen_as(network: dict, tensor: int, names: set[str]) -> str:
    """The tensor's value or what it is handed out as, or, where a rewrite renamed it, the first of `names` that a layer
    makes of it by moving codes."""
    value = network["tensors"][tensor]["value"]
    known = [name for name in (value, *(port["value"] for port in network["outputs"] if port["tensor"] == tensor))
             if name in names]
    moved = [layer["output"] for layer in network["layers"]
             if layer["kind"] in MOVE_CODES | {"Requantize"} and tensor in layer["inputs"]]
    if known or not moved:
        return next(iter(known), value)
    return next((name for name in (_seen_as(network, output, names) for output in moved) if name in names), value)


def rounded_inside(networks: dict, exact: set[str], names: set[str]) -> dict[str, float]:
    """By value, half a step of those that the NPU parts round where no layer of a node does: what they read but `exact`,
    and what a Requantize layer brings to another scale. A value that only moves on to be joined with others has their
    scale, however narrow its own range is. `names` are the model's values."""
    sizes = {}
    for network in networks.values():
        for port in network["inputs"]:
            if port["value"] not in exact:
                value = port["value"] if port["value"] in names else _seen_as(network, port["tensor"], names)
                sizes[value] = max(sizes.get(value, 0), _largest_scale(network, port["tensor"]) / 2)
        for layer in network["layers"]:
            if layer["kind"] == "Requantize":
                value = _seen_as(network, layer["inputs"][0], names)
                sizes[value] = sizes.get(value, 0) + _largest_scale(network, layer["output"]) / 2
    return sizes


def _values(model: onnx.ModelProto, names: list[str], inputs: dict) -> dict[str, np.ndarray]:
    """Values inside the model, by one run that hands them out."""
    if not names:
        return {}
    exposed = onnx.ModelProto()
    exposed.CopyFrom(model)
    del exposed.graph.output[:]
    exposed.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    values = reference.run(exposed, DataSet(list(inputs.values()), []))
    return {name: value for name, value in zip(names, values) if value.dtype == np.float32}


def _never_negative(networks: dict, values: dict) -> set[str]:
    """Of the exact `values`, those that are nowhere negative and whose codes cannot be: no noise makes a root of them
    undefined."""
    signed = {tensor["value"] for network in networks.values() for tensor in network["tensors"]
              if max(tensor["quantization"]["zero_point"]) > -128}
    coded = {tensor["value"] for network in networks.values() for tensor in network["tensors"]}
    return {name for name, value in values.items() if name in coded - signed and value.min(initial=0) >= 0}


def _alike(value: np.ndarray, size: float) -> np.ndarray:
    """A number an element, the same for those within an eighth of the noise: they are rounded alike, and no mean makes
    that less."""
    steps = np.round(np.float64(value) * 8 / size) if size > 0 else np.zeros(value.shape)
    return np.unique(steps, return_inverse=True)[1].reshape(value.shape)


def _noisy(model: onnx.ModelProto, sizes: dict, alike: dict, never_negative: set, inputs: dict,
           random) -> tuple[onnx.ModelProto, dict]:
    """`sizes` of the noise by value name, `alike` (see there) of those inside, which change behind the node that makes
    them. An output that is read on is handed out as it is."""
    noisy = onnx.ModelProto()
    noisy.CopyFrom(model)

    def noise(shape, size):
        return (random.choice([-1, 1], shape) * size).astype(np.float32)

    feeds = {name: (x + noise(x.shape, sizes[name])).astype(x.dtype) if name in sizes and x.dtype.kind == "f" else x
             for name, x in inputs.items()}
    for tensor in noisy.graph.initializer:
        weights = numpy_helper.to_array(tensor)
        if weights.dtype == np.float32 and weights.ndim > 1:
            tensor.CopyFrom(numpy_helper.from_array(weights + noise(weights.shape, np.abs(weights).max() / 254),
                                                    tensor.name))
    outputs, nodes = {value.name for value in model.graph.output}, list(noisy.graph.node)
    del noisy.graph.node[:]
    read_on = {}
    for node in nodes:
        maker = noisy.graph.node.add()
        maker.CopyFrom(node)
        maker.input[:] = [read_on.get(name, name) for name in node.input]
        for place, name in enumerate(node.output):
            if name not in alike:
                continue
            exact, changed = (name, name + "/noisy") if name in outputs else (name + "/exact", name)
            maker.output[place], read_on[name] = exact, changed
            noisy.graph.initializer.append(numpy_helper.from_array(noise(alike[name].max() + 1, sizes[name])[alike[name]], name + "/noise"))
            moved = changed + "/signed" if name in never_negative else changed
            noisy.graph.node.append(helper.make_node("Add", [exact, name + "/noise"], [moved]))
            if moved != changed:
                noisy.graph.node.append(helper.make_node("Relu", [moved], [changed]))
    return noisy, feeds


def _sizes(model: onnx.ModelProto, report: dict, inspected: dict, networks: dict, inputs: dict) -> tuple:
    """How large the noise on each value is, how large that of its own layers, which elements of those inside the model are
    alike, and which of these no noise makes negative. Layers that move codes have none of their own."""
    made_by = {node.name: node.output[0] for node in model.graph.node if node.output}
    made = {name for node in model.graph.node for name in node.output}
    whole = {port["name"] for port in inspected["inputs"] if port["boundary"] in ("uint8", "int8")}  # they lose nothing
    sizes = rounded_inside(networks, whole, made | set(inputs))
    sizes = {name: size for name, size in sizes.items() if name in made or name in inputs}
    tensor_of = {layer["name"]: network["tensors"][layer["output"]]["value"]
              for network in networks.values() for layer in network["layers"]}
    sources = {made_by[name] for layer in report["layers"] for name in layer["sources"] if name in made_by}
    values = _values(model, sorted(made & (set(sizes) | sources | set(tensor_of.values()))), inputs)
    own = {}
    for layer in report["layers"]:
        # What the layer writes, where a rewrite left it its name, else what the last of the nodes it stands for makes.
        written = [tensor_of.get(layer["name"])] + [made_by.get(name) for name in (layer["name"], *layer["sources"][::-1])]
        for value in [name for name in written if name in made][:1]:
            # Nodes that changed nothing were left out: whoever reads the first of the same values reads the layer's.
            same = [made_by[name] for name in layer["sources"] if name in made_by and made_by[name] in values
                    and value in values and np.array_equal(values[made_by[name]], values[value])]
            value = (same + [value])[0]
            # A node may be several layers, as a difference is a negation and an Add: each errs.
            own[value] = own.get(value, 0) + own_steps(layer) * layer["most_scale"]
    sizes.update({value: sizes.get(value, 0) + size for value, size in own.items()})
    alike = {name: _alike(value, sizes[name]) for name, value in values.items() if name in sizes and value.size > 0}
    return sizes, own, alike, _never_negative(networks, values)


def tolerances(model: onnx.ModelProto, given: list, wanted: list, report: dict, inspected: dict, networks: dict) -> list:
    """An array an output of the graph: how far each element may be from `wanted`, the exact one. `networks` are the
    snapshot's (`networks_of`)."""
    named = onnx.ModelProto()
    named.CopyFrom(model)
    _name_nodes(named)
    inputs = {value.name: np.asarray(array) for value, array in zip(fed_inputs(model), given)}
    sizes, own, alike, never_negative = _sizes(named, report, inspected, networks, inputs)
    random = np.random.default_rng(7)
    largest = [np.zeros(np.shape(y)) for y in wanted]
    for _ in range(PROBES):
        noisy, feeds = _noisy(named, sizes, alike, never_negative, inputs, random)
        for place, y in enumerate(reference.run(noisy, DataSet(list(feeds.values()), []))):
            moved = np.abs(np.asarray(y, np.float64) - np.asarray(wanted[place], np.float64))
            largest[place] = np.fmax(largest[place], moved)
    # What gets noise only where it is read on, codes as outputs have anyway: they are rounded once at least. The host may
    # still move what a layer wrote.
    told = {port["name"]: max(sizes.get(port["name"], 0), port["scale"] / 2)
            for port in inspected["outputs"] if "scale" in port}
    return [2 * one + told.get(value.name, own.get(value.name, 0)) + FLOAT_ERROR * np.abs(np.float64(y))
            for one, value, y in zip(largest, model.graph.output, wanted)]

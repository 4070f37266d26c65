"""Good models made bad at random: bits flipped, cut off, fields swapped or set to what no exporter writes."""

import numpy as np
import onnx

ODD_NUMBERS = (0, -1, 1, 7, 1 << 20, 1 << 31, 1 << 40, (1 << 63) - 1, -(1 << 63))


def structure(data: bytes, model: onnx.ModelProto) -> np.ndarray:
    """Positions of the bytes that are no weights."""
    free = np.ones(len(data), bool)
    for tensor in model.graph.initializer:
        if len(tensor.raw_data) > 64:
            start = data.find(tensor.raw_data)
            free[start : start + len(tensor.raw_data)] = False
    return np.flatnonzero(free)


def flip(rng, data, model):
    changed = bytearray(data)
    for position in rng.choice(structure(data, model), rng.integers(1, 4)):
        changed[position] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def cut(rng, data, _):
    return data[: int(rng.integers(len(data)))]


def pick(rng, things):
    return things[int(rng.integers(len(things)))] if len(things) else None


def swap(one, other, field):
    """A field, repeated or not, of two messages."""
    kept = type(one)()
    kept.CopyFrom(one)
    for to, source in ((one, other), (other, kept)):
        to.ClearField(field)
        part = type(one)()
        part.CopyFrom(source)
        for descriptor, _ in part.ListFields():
            if descriptor.name != field:
                part.ClearField(descriptor.name)
        to.MergeFrom(part)


def swap_fields(rng, _, model):
    kind = pick(rng, ["node", "node", "node", "initializer", "value"])
    if kind == "node":
        one, other = pick(rng, model.graph.node), pick(rng, model.graph.node)
        swap(one, other, pick(rng, ["input", "output", "op_type", "attribute", "domain"]))
    elif kind == "initializer" and len(model.graph.initializer):
        one, other = pick(rng, model.graph.initializer), pick(rng, model.graph.initializer)
        swap(one, other, pick(rng, ["dims", "data_type", "raw_data", "name"]))
    else:
        values = [*model.graph.input, *model.graph.output, *model.graph.value_info]
        swap(pick(rng, values), pick(rng, values), pick(rng, ["name", "type"]))
    return model.SerializeToString()


def odd_number(rng, _, model):
    number = int(pick(rng, ODD_NUMBERS))
    ints = [a for node in model.graph.node for a in node.attribute if a.type == onnx.AttributeProto.INTS and len(a.ints)]
    single = [a for node in model.graph.node for a in node.attribute if a.type == onnx.AttributeProto.INT]
    if ints and rng.integers(2):
        attribute = pick(rng, ints)
        attribute.ints[int(rng.integers(len(attribute.ints)))] = number
    elif single and rng.integers(2):
        pick(rng, single).i = number
    else:
        tensor = pick(rng, model.graph.initializer)
        if tensor is not None and len(tensor.dims):
            tensor.dims[int(rng.integers(len(tensor.dims)))] = number
    return model.SerializeToString()


def odd_constant(rng, _, model):
    """A number in a small constant: a shape, an axis, a scale."""
    small = [t for t in model.graph.initializer if 0 < len(t.raw_data) <= 64 and t.data_type == onnx.TensorProto.INT64]
    if not small:
        return odd_number(rng, _, model)
    tensor = pick(rng, small)
    values = np.frombuffer(tensor.raw_data, np.int64).copy()
    values[int(rng.integers(len(values)))] = pick(rng, ODD_NUMBERS)
    tensor.raw_data = values.tobytes()
    return model.SerializeToString()


def drop(rng, _, model):
    del model.graph.node[int(rng.integers(len(model.graph.node)))]
    return model.SerializeToString()


MUTATIONS = (flip, flip, cut, swap_fields, swap_fields, odd_number, odd_constant, drop)


def mutate(data: bytes, seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    return MUTATIONS[seed % len(MUTATIONS)](rng, data, onnx.load_from_string(data))

"""Steps of a random graph that move elements: slices, joins, transpositions, other shapes."""

import numpy as np


def _axis(g, x) -> tuple[int, int]:
    """An axis behind the batch, and its size."""
    dims = g.dims(x)
    g.need(len(dims) > 1)
    axis = g.below(len(dims), 1)
    return axis, dims[axis]


def crop(g, x):
    axis, size = _axis(g, x)
    step = g.pick(1, 1, 2, -1)
    first, end = sorted([g.below(size + 1), g.below(size + 1)])
    first, end = (first, end) if first < end else (0, size)
    if step < 0:
        first, end = end - 1, first - 1 if first > 0 else -size - 5
    elif g.chance(0.2):
        end = 2**31 - 1
    elif g.chance(0.3) and end < size:  # counted from the end
        first, end = first - size, end - size
    return g.node("Slice", [x, g.ints(first), g.ints(end), g.ints(axis), g.ints(step)])


def concat(g, x):
    axis, _ = _axis(g, x)
    other = g.node(g.pick("Relu", "Sigmoid", "Neg", "Identity"), [x])
    return g.node("Concat", g.pick([x, other], [other, x, x]), axis=g.pick(axis, axis - len(g.dims(x))))


def split(g, x):
    axis, size = _axis(g, x)
    g.need(size > 1)
    first = g.below(size, 1)
    parts = g.node("Split", [x, g.ints(first, size - first)], 2, axis=axis)
    return g.node("Concat", parts[::-1], axis=axis) if g.chance(0.6) else g.pick(*parts)


def gather(g, x):
    axis, size = _axis(g, x)
    return g.node("Gather", [x, g.ints(*g.random.integers(-size, size, g.below(size + 2, 1)))], axis=axis)


def transpose(g, x):
    rank = len(g.dims(x))
    return g.node("Transpose", [x], perm=[0, *(int(axis) + 1 for axis in g.random.permutation(rank - 1))])


def in_other_layout(g, x):
    g.need(len(g.dims(x)) == 4)
    inside = g.node(g.pick("Relu", "Sigmoid"), [g.node("Transpose", [x], perm=[0, 2, 3, 1])])
    return g.node("Transpose", [inside], perm=[0, 3, 1, 2])


def reshape(g, x):
    rest = int(np.prod(g.dims(x)[1:]))
    first = g.pick(*(d for d in range(1, rest + 1) if rest % d == 0))
    rest //= first
    second = g.pick(*(d for d in range(1, rest + 1) if rest % d == 0))
    return g.node("Reshape", [x, g.ints(*g.pick([1, first, second, rest // second], [0, first, -1], [1, first, rest]))])


def flatten(g, x):
    return g.node("Flatten", [x], axis=1)


def other_rank(g, x):
    dims = g.dims(x)
    if len(dims) < 5 and g.chance(0.5):
        return g.node("Unsqueeze", [x, g.ints(g.below(len(dims) + 1, 1))])
    ones = [axis for axis in range(1, len(dims)) if dims[axis] == 1]
    g.need(bool(ones))
    return g.node("Squeeze", [x, g.ints(ones[0])])


def channel_shuffle(g, x):
    dims = g.dims(x)
    g.need(len(dims) == 4 and dims[1] % 2 == 0)
    apart = g.node("Reshape", [x, g.ints(dims[0], 2, dims[1] // 2, *dims[2:])])
    return g.node("Reshape", [g.node("Transpose", [apart], perm=[0, 2, 1, 3, 4]), g.ints(dims[0], -1, *dims[2:])])


def tile(g, x):
    return g.node("Tile", [x, g.ints(1, *(g.pick(1, 1, 2) for _ in g.dims(x)[1:]))])


def expand(g, x):
    return g.node("Expand", [g.mean(x, list(range(2, len(g.dims(x)))) or [1]), g.ints(*g.dims(x))])


STEPS = [crop, crop, concat, concat, split, gather, transpose, in_other_layout, reshape, flatten, other_rank,
         channel_shuffle, tile, expand]

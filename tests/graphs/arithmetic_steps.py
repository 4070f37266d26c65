"""Steps of a random graph that compute: element by element, along axes, matrix products, norms."""

import numpy as np


def _constant(g, x) -> str:
    """One number, or some that broadcast to x."""
    dims = [1, *(g.pick(1, size) for size in g.dims(x)[1:])]
    return g.normal(*dims[g.below(len(dims)):]) if g.chance(0.85) else g.normal()


def with_constant(g, x):
    pair = [x, _constant(g, x)]
    return g.node(g.pick("Add", "Mul", "Sub"), pair if g.chance(0.6) else pair[::-1])


def divided(g, x):
    c = _constant(g, x)
    numbers = g.constants[c]
    g.constants[c] = np.where(numbers < 0, numbers - np.float32(0.3), numbers + np.float32(0.3))
    return g.node("Div", [x, c])


def with_own(g, x):
    """Joined with something computed from it, which may be smaller."""
    other = g.node(g.pick("Sigmoid", "Relu", "Tanh", "Identity"), [x])
    rank = len(g.dims(x))
    if rank > 2 and g.chance(0.5):
        other = g.mean(other, g.pick([1], list(range(2, rank)), [rank - 1]))
    return g.node(g.pick("Add", "Mul", "Sub"), g.pick([x, other], [other, x]))


def with_earlier(g, x):
    """A shortcut: joined with any value of the same shape."""
    dims = g.dims(x)
    same = [name for name, array in g.values.items()
            if name != x and list(array.shape) == dims and array.dtype == np.float32]
    g.need(bool(same))
    other = g.pick(*same)
    if g.chance(0.4):
        g.need(len(dims) > 1)
        return g.node("Concat", [x, other], axis=g.below(len(dims), 1))
    return g.node(g.pick("Add", "Add", "Mul", "Sub", "Max", "Min"), [x, other])


def several(g, x):
    return g.node(g.pick("Sum", "Mean"), [x, g.node("Relu", [x]), g.node("Neg", [x])])


def activation(g, x):
    op = g.pick("Relu", "LeakyRelu", "Elu", "Sigmoid", "Tanh", "HardSwish", "HardSigmoid", "Softplus", "Selu", "Gelu", "Mish")
    attributes = {"LeakyRelu": {"alpha": g.pick(0.01, 0.2, 1.5)}, "Elu": {"alpha": g.pick(0.2, 1.0)},
                  "HardSigmoid": {"alpha": g.pick(0.2, 1 / 6, 0.5), "beta": g.pick(0.5, 0.3)}}.get(op, {})
    return g.node(op, [x], **attributes)


def activation_of_parts(g, x):
    gate = g.node("Sigmoid", [x]) if g.chance(0.5) else g.node("Tanh", [g.node("Softplus", [x])])
    return g.node("Mul", [x, gate])


def prelu(g, x):
    dims = g.dims(x)
    g.need(len(dims) > 2)
    slopes = g.pick([1], [dims[1]] + [1] * (len(dims) - 2))
    return g.node("PRelu", [x, g.normal(*slopes, scale=0.3)])


def bounded(g, x):
    if g.chance(0.4):
        return g.node(g.pick("Min", "Max"), [x, g.normal()])
    low, high = sorted(g.random.normal(size=2))
    return g.node("Clip", [x, g.number(low) if g.chance(0.8) else "", g.number(high)])


def of_one(g, x):
    op = g.pick("Neg", "Abs", "Square", "Sqrt", "Exp", "Floor")
    if op == "Square":
        return g.node("Pow", [x, g.number(2)])
    if op == "Sqrt":
        return g.node("Sqrt", [g.node("Abs", [x])])
    return g.node(op, [x])


def reduce(g, x):
    rank = len(g.dims(x))
    g.need(rank > 1)
    axes = sorted({g.below(rank, 1) for _ in range(g.pick(1, 2, 2))})
    return g.reduced(g.pick("ReduceMean", "ReduceMean", "ReduceSum", "ReduceMax", "ReduceL2"), x, axes, g.below(2))


def softmax(g, x):
    rank = len(g.dims(x))
    g.need(rank > 1)
    return g.node("Softmax", [x], axis=g.below(rank, 1))


def gemm(g, x):
    flat = g.node("Flatten", [x], axis=1)
    given, made, turned = g.dims(flat)[1], g.below(6, 1), g.below(2)
    weights = g.normal(*([made, given] if turned else [given, made]), scale=given**-0.5)
    bias = [g.normal(*g.pick([made], [1, made], [1], [1, 1]))] if g.chance(0.7) else []
    return g.node("Gemm", [flat, weights, *bias], transB=turned, alpha=g.pick(1.0, 0.5), beta=g.pick(1.0, 2.0))


def matmul(g, x):
    given = g.dims(x)[-1]
    return g.node("MatMul", [x, g.normal(given, g.below(8, 1), scale=given**-0.5)])


def batch_norm(g, x):
    dims = g.dims(x)
    g.need(len(dims) > 2)
    variance = g.constant(np.abs(g.random.normal(size=dims[1])).astype(np.float32) + np.float32(0.1))
    return g.node("BatchNormalization", [x, *(g.normal(dims[1]) for _ in range(3)), variance])


def norm(g, x):
    dims = g.dims(x)
    g.need(len(dims) > 2 and np.prod(dims[2:]) > 3)
    if g.chance(0.5):
        return g.node("InstanceNormalization", [x, g.normal(dims[1]), g.normal(dims[1])], epsilon=1e-3)
    return g.node("LayerNormalization", [x, g.normal(dims[-1]), g.normal(dims[-1])], epsilon=1e-3)


def where(g, x):
    """LeakyReLU by another name, without the step that a comparison of rounded numbers makes."""
    return g.node("Where", [g.node("Greater", [x, g.number(0)]), x, g.node("Mul", [x, g.number(0.1)])])


def running_sum(g, x):
    return g.node("CumSum", [x, g.constant(np.int64(1))])


STEPS = [with_constant, with_constant, with_constant, divided, with_own, with_own, with_earlier, with_earlier, several,
         activation, activation, activation_of_parts, prelu, bounded, of_one, reduce, reduce, softmax, gemm, matmul,
         batch_norm, norm, where, running_sum]

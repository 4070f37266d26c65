"""Steps of a random graph that look at a map through a window: convolution, pooling, resizing, padding."""

import numpy as np


def _map(g, x) -> tuple[list[int], int]:
    """Dims, and how many of them are spatial."""
    dims = g.dims(x)
    g.need(len(dims) >= 3)
    return dims, len(dims) - 2


def _pads(g, kernel: list[int], most: int, auto=True) -> dict:
    kind = g.pick("none", "pads", "pads", "SAME_UPPER", "SAME_LOWER", "VALID")
    if kind == "none" or (kind != "pads" and not auto):
        return {}
    if kind != "pads":
        return {"auto_pad": kind}
    return {"pads": [min(g.below(most + 1), size - 1) if most == 1 else g.below(most + 1) for size in kernel * 2]}


def conv(g, x):
    dims, spatial = _map(g, x)
    channels = dims[1]
    groups = g.pick(1, 1, channels)
    out = g.below(7, 1) if groups == 1 else groups * g.pick(1, 1, 2)
    kernel = [g.below(4, 1) for _ in range(spatial)]
    dilated = g.chance(0.25)
    attributes = _pads(g, kernel, 2, auto=not dilated)
    if dilated:
        attributes["dilations"] = [g.pick(1, 2) for _ in range(spatial)]
    size = channels // groups * int(np.prod(kernel))
    weights = g.normal(out, channels // groups, *kernel, scale=size**-0.5)
    bias = [g.normal(out)] if g.chance(0.6) else []
    return g.node("Conv", [x, weights, *bias], group=groups, strides=[g.pick(1, 1, 2, 3) for _ in range(spatial)],
                  **attributes)


def conv_transpose(g, x):
    dims, spatial = _map(g, x)
    kernel = [g.below(4, 1) for _ in range(spatial)]
    weights = g.normal(dims[1], g.below(4, 1), *kernel, scale=(dims[1] * np.prod(kernel)) ** -0.5)
    return g.node("ConvTranspose", [x, weights], strides=[g.pick(1, 2) for _ in range(spatial)])


def pool(g, x):
    dims, spatial = _map(g, x)
    average = g.chance(0.5)
    kernel = [g.below(4, 1) for _ in range(spatial)]
    strides = [g.below(4, 1) for _ in range(spatial)]
    attributes = _pads(g, kernel, 1)
    pads = attributes.get("pads", [0] * (2 * spatial))
    # By ONNX such a window gives nothing; ONNX Runtime gives one that its kernels before and since opset 19 divide
    # differently.
    g.need(all(size <= d + b + e for size, d, b, e in zip(kernel, dims[2:], pads, pads[spatial:])))
    if g.chance(0.4) and "auto_pad" not in attributes:
        attributes["ceil_mode"] = 1
    # Of windows that leave pixels out, SAME has negative pads, which ONNX Runtime refuses a MaxPool; by default it does
    # not where channels come in blocks.
    same = attributes.get("auto_pad", "").startswith("SAME")
    g.need(average or not same or all(size >= stride for size, stride in zip(kernel, strides)))
    if average and g.chance(0.5):
        attributes["count_include_pad"] = 1
    if not average and g.chance(0.2) and "auto_pad" not in attributes:
        attributes["dilations"] = [g.pick(1, 2) for _ in range(spatial)]
    made = g.node("AveragePool" if average else "MaxPool", [x], kernel_shape=kernel, strides=strides, **attributes)
    # Before opset 22 ONNX counts windows that begin behind the map where it infers shapes: no other node then fits.
    reach = [(size - 1) * step + 1 for size, step in zip(kernel, attributes.get("dilations", [1] * spatial))]
    inferred = [-(-(d + b + e - size) // stride) + 1
                for d, b, e, size, stride in zip(dims[2:], pads, pads[spatial:], reach, strides)]
    g.need("ceil_mode" not in attributes or inferred == g.dims(made)[2:])
    return made


def global_pool(g, x):
    _map(g, x)
    return g.node(g.pick("GlobalAveragePool", "GlobalMaxPool"), [x])


def resize(g, x):
    dims, spatial = _map(g, x)
    mode = g.pick("nearest", "nearest", "nearest", "linear", "cubic") if spatial == 2 else "nearest"
    attributes = {"mode": mode, "coordinate_transformation_mode":
                  g.pick("asymmetric", "half_pixel", "align_corners", "pytorch_half_pixel")}
    if mode == "nearest":
        attributes["nearest_mode"] = g.pick("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")
    if g.chance(0.5):
        scales = [1, 1] + [g.pick(1, 2, 2, 3, 1.5, 2.1, 0.5) for _ in range(spatial)]
        return g.node("Resize", [x, "", g.constant(np.float32(scales))], **attributes)
    sizes = dims[:2] + [size * g.pick(1, 2, 3) + g.pick(0, 0, 0, 1) for size in dims[2:]]
    return g.node("Resize", [x, "", "", g.ints(*sizes)], **attributes)


def pad(g, x):
    rank = len(g.dims(x))
    counts = np.array([[g.below(3) if axis > 1 or (axis == 1 and g.chance(0.3)) else 0 for axis in range(rank)]
                       for _ in range(2)])
    mode = g.pick("constant", "constant", "constant", "reflect", "edge")
    fill = [g.number(g.pick(0, 0, 1))] if mode == "constant" and g.chance(0.4) else []
    return g.node("Pad", [x, g.ints(*counts.ravel()), *fill], mode=mode)


def space_and_depth(g, x):
    dims, spatial = _map(g, x)
    g.need(spatial == 2)
    if g.chance(0.5):
        return g.node("SpaceToDepth", [x], blocksize=g.pick(2, 3))
    return g.node("DepthToSpace", [x], blocksize=2, mode=g.pick("DCR", "CRD"))


def local_response(g, x):
    _map(g, x)
    return g.node("LRN", [x], size=3)


STEPS = [conv, conv, conv, conv_transpose, pool, pool, global_pool, resize, resize, pad, pad, space_and_depth,
         local_response]

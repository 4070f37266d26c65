"""One function a layer kind: codes of the inputs [N, D, H, W, C] to codes of the output, exactly.

Sums of products are formed in float64, where every partial sum is a whole number below 2^53 and therefore exact.
"""

import numpy as np

from oracle_arithmetic import add, finish

AXES = ("depth", "height", "width")


def _less_zero_point(codes, quantization: dict):
    return codes - np.array(quantization["zero_point"], np.int64)


def _padded(x, window: dict, fill: int):
    pads = [(window[axis]["pad_before"], window[axis]["pad_after"]) for axis in AXES]
    return np.pad(x, [(0, 0), *pads, (0, 0)], constant_values=fill)


def _taps(x, window: dict):
    """Every tap of the window with the part of the padded map that it meets: ((kd, kh, kw), [N, od, oh, ow, C])."""
    extents = [(window[a]["kernel"] - 1) * window[a]["dilation"] + 1 for a in AXES]
    sizes = [(x.shape[i + 1] - extents[i]) // window[a]["stride"] + 1 for i, a in enumerate(AXES)]
    for tap in np.ndindex(*(window[a]["kernel"] for a in AXES)):
        cuts = [slice(k * window[a]["dilation"], k * window[a]["dilation"] + (n - 1) * window[a]["stride"] + 1,
                      window[a]["stride"]) for k, n, a in zip(tap, sizes, AXES)]
        yield tap, x[:, cuts[0], cuts[1], cuts[2], :]


def conv(layer, inputs, quantizations, output):
    """acc = bias + sum of (q - zp) * w; padding counts as zp, that is 0 here."""
    attributes = layer["attributes"]
    groups, outs = attributes["groups"], attributes["out_channels"]
    window = attributes["window"]
    kernel = [window[a]["kernel"] for a in AXES]
    weights = layer["weights"].reshape(groups, outs // groups, *kernel, -1).astype(np.float64)
    acc = 0
    x = _padded(_less_zero_point(inputs[0], quantizations[0]), window, 0).astype(np.float64)
    for tap, part in _taps(x, window):
        grouped = part.reshape(*part.shape[:4], groups, 1, -1)
        tap_weights = weights[(slice(None), slice(None), *tap)]  # [groups, outs / groups, ins / groups]
        if groups == 1:
            acc = acc + part @ tap_weights[0].T
        else:
            acc = acc + np.sum(grouped * tap_weights, axis=-1).reshape(*part.shape[:4], outs)
    return finish(acc.astype(np.int64) + layer["bias"], layer)


def fully_connected(layer, inputs, quantizations, output):
    x = _less_zero_point(inputs[0], quantizations[0]).reshape(len(inputs[0]), -1)
    weights = layer["weights"].reshape(-1, x.shape[1])
    acc = (x.astype(np.float64) @ weights.T.astype(np.float64)).astype(np.int64) + layer["bias"]
    return finish(acc, layer).reshape(len(x), 1, 1, 1, -1)


def pool(layer, inputs, quantizations, output):
    attributes, x = layer["attributes"], inputs[0]
    if attributes["kind"] == "max":
        if attributes["global"]:
            return x.max(axis=(1, 2, 3), keepdims=True)
        padded = _padded(x, attributes["window"], -128)  # no code is less, so padded positions never win
        return np.maximum.reduce([part for _, part in _taps(padded, attributes["window"])])
    x = _less_zero_point(x, quantizations[0])
    if not attributes["global"]:
        return finish(sum(part for _, part in _taps(_padded(x, attributes["window"], 0), attributes["window"])), layer)
    pixels = x.shape[1] * x.shape[2] * x.shape[3]
    k = layer["pool_channel_k"] if len(layer["pool_channel_k"]) else [layer["pool_k"]]
    m = (np.array(k, np.float64) / pixels).astype(np.float32)
    return finish(x.sum(axis=(1, 2, 3), keepdims=True), {**layer, "stage": {**layer["stage"], "m": m}})


def add_layer(layer, inputs, quantizations, output):
    return add(*(_less_zero_point(x, q) for x, q in zip(inputs, quantizations)), layer["stage"])


def mul(layer, inputs, quantizations, output):
    a, b = (_less_zero_point(x, q) for x, q in zip(inputs, quantizations))
    return finish(a * b, layer)


def requantize_layer(layer, inputs, quantizations, output):
    return finish(_less_zero_point(inputs[0], quantizations[0]), layer)


def concat(layer, inputs, quantizations, output):
    from_the_end = layer["attributes"]["axis"] - len(output["shape"])  # the map's last axes are the tensor's
    return np.concatenate(inputs, axis=from_the_end)


def pad(layer, inputs, quantizations, output):
    """Zero in reals: the output's zero point, per channel where it is."""
    attributes, x = layer["attributes"], inputs[0]
    channels = (attributes["channels_before"], attributes["channels_after"])
    widths = [(0, 0), *((attributes[a]["pad_before"], attributes[a]["pad_after"]) for a in AXES), channels]
    inside = np.pad(np.ones(x.shape, bool), widths)
    return np.where(inside, np.pad(x, widths), np.array(output["quantization"]["zero_point"], np.int64))


def crop(layer, inputs, quantizations, output):
    bounds = (layer["attributes"][which] for which in ("first", "end", "step"))
    return inputs[0][(slice(None), *(slice(*cut) for cut in zip(*bounds)))]


def upsample(layer, inputs, quantizations, output):
    factors = [layer["attributes"][f"factor_{axis}"] for axis in ("height", "width")]
    if "like" in layer["attributes"]:  # the smallest that reach that tensor's size
        factors = [-(-into // of) for into, of in zip(as_map(output["shape"])[1:3], inputs[0].shape[2:4])]
    wide = np.repeat(np.repeat(inputs[0], factors[0], axis=2), factors[1], axis=3)
    return wide[:, :, :as_map(output["shape"])[1], :as_map(output["shape"])[2]]


def space_to_depth(layer, inputs, quantizations, output):
    block, x = layer["attributes"]["block"], inputs[0]
    n, d, h, w, c = x.shape
    blocks = x.reshape(n, d, h // block, block, w // block, block, c).transpose(0, 1, 2, 4, 3, 5, 6)
    return blocks.reshape(n, d, h // block, w // block, block * block * c)


def channel_reorder(layer, inputs, quantizations, output):
    return inputs[0][..., np.array(layer["attributes"]["source"], np.int64)]


def reshape(layer, inputs, quantizations, output):
    return inputs[0].reshape(len(inputs[0]), *as_map(output["shape"]))


def as_map(shape) -> list[int]:
    """A shape per sample as [D, H, W, C]; what is absent is 1."""
    return [1] * (4 - len(shape)) + list(shape)


KINDS = {"Conv": conv, "FullyConnected": fully_connected, "Pool": pool, "Add": add_layer, "Mul": mul, "Concat": concat,
         "Pad": pad, "Crop": crop, "Upsample": upsample, "SpaceToDepth": space_to_depth, "ChannelReorder": channel_reorder,
         "Reshape": reshape, "Requantize": requantize_layer}

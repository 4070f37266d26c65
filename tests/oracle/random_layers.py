"""Random one-layer networks in the snapshot's JSON form, a fixed seed each: what the oracle and the emulator both run."""

import numpy as np

NO_ACTIVATION = {"kind": "none", "lo": 0.0, "hi": 0.0, "alpha": 0.0, "beta": 0.0}


def _axis(kernel=1, stride=1, dilation=1, before=0, after=0):
    return {"kernel": kernel, "stride": stride, "dilation": dilation, "pad_before": before, "pad_after": after}


def _random_axis(rng, size, most=5):
    kernel, dilation = int(rng.integers(1, most + 1)), int(rng.integers(1, 3))
    reach = (kernel - 1) * dilation
    before, after = int(rng.integers(0, reach + 1)), int(rng.integers(0, reach + 1))
    while size + before + after <= reach:
        kernel, dilation, reach, before, after = 1, 1, 0, 0, 0
    return _axis(kernel, int(rng.integers(1, 4)), dilation, before, after)


def _out(axis, size):
    return (size + axis["pad_before"] + axis["pad_after"] - (axis["kernel"] - 1) * axis["dilation"] - 1) // axis["stride"] + 1


def _quantization(rng, channels, per_channel):
    n = channels if per_channel else 1
    return {"scale": np.exp(rng.uniform(-5, 0, n)).astype(np.float32).tolist(),
            "zero_point": rng.integers(-128, 128, n).tolist()}


def _float32(values):
    return np.asarray(values).astype(np.float32).tolist()


def requantization(rng, channels, spread, zero_point):
    """m so that a sum of the given spread fills the codes and often leaves them; sometimes exact ties (m = 2^-k)."""
    m = 2.0 ** -np.round(np.log2(spread / 60)) * np.ones(1) if rng.random() < 0.3 else \
        60 / spread * np.exp(rng.uniform(-1, 1, channels if rng.random() < 0.7 else 1))
    lo = int(rng.integers(-128, 0)) if rng.random() < 0.5 else -128
    hi = int(rng.integers(1, 128)) if rng.random() < 0.5 else 127
    return {"m": _float32(m), "zero_point": zero_point, "lo": [lo], "hi": [hi]}


def piecewise_linear(rng, channels, spread, several):
    breaks = int(rng.integers(0, 16))
    r = int(rng.integers(0, 8))
    most = 32767 if rng.random() < 0.2 else min(32767, 150 << r)  # mostly within the codes, sometimes far outside
    stage = {"m16": _float32(9000 / spread * np.exp(rng.uniform(-1, 1, channels))),
             "breakpoints": sorted(rng.choice(np.arange(-127, 128), breaks, replace=False).tolist()),
             "slope": rng.integers(-most, most + 1, breaks + 1).tolist(),
             "intercept": rng.integers(-most, most + 1, breaks + 1).tolist(), "r": r,
             "zero_point": int(rng.integers(-128, 128)), "lo": -128, "hi": int(rng.integers(60, 128)),
             "channel_m": [], "channel_zero_point": [], "channel_lo": [], "channel_hi": [], "r2": 0}
    if several:
        stage |= {"channel_m": rng.integers(8192, 32768, channels).tolist(), "r2": max(1, r - int(rng.integers(0, 3))),
                  "channel_zero_point": rng.integers(-128, 128, channels).tolist(),
                  "channel_lo": [-128] * channels, "channel_hi": rng.integers(60, 128, channels).tolist()}
    return stage


def add_stage(rng, channels, zero_point):
    n = channels if rng.random() < 0.5 else 1
    return {"ma": rng.integers(-32767, 32768, n).tolist(), "mb": rng.integers(1, 32768, n).tolist(),
            "r": int(rng.integers(3, 8)), "zero_point": zero_point, "lo": [int(rng.integers(-128, 0))], "hi": [127]}


class Builder:
    """Collects a case: input tensors with codes, the layer, the output tensor."""

    def __init__(self, name: str, seed: int):
        self.name, self.rng = name, np.random.default_rng(seed)
        self.tensors, self.codes = [], []

    def input(self, shape, per_channel=False):
        shape = [int(n) for n in shape]
        quantization = _quantization(self.rng, shape[-1], per_channel)
        self.tensors.append({"value": f"x{len(self.tensors)}", "shape": shape, "quantization": quantization,
                             "precision": "int8", "constant": []})
        self.codes.append(self.rng.integers(-128, 128, shape).astype(np.int8))

    def finish(self, kind, attributes, shape, stage_kind="none", stage=None, weights=(), bias=(), quantization=None, pool_k=0.0,
               pool_channel_k=()):
        shape = [int(n) for n in shape]
        if quantization is None:
            quantization = _quantization(self.rng, shape[-1], False)
        self.tensors.append({"value": "y", "shape": shape, "quantization": quantization, "precision": "int8", "constant": []})
        last = len(self.tensors) - 1
        layer = {"name": self.name, "sources": [self.name], "kind": kind, "attributes": attributes,
                 "inputs": list(range(last)), "output": last, "precision": "int8", "activation": NO_ACTIVATION,
                 "sum_value": "y", "stage_kind": stage_kind, "stage": stage or {}, "weights": np.asarray(weights, np.int8),
                 "bias": np.asarray(bias, np.int32), "weight_scale": [1.0] * len(bias), "pool_k": pool_k,
                 "pool_channel_k": list(pool_channel_k)}
        network = {"tensors": self.tensors, "layers": [layer],
                   "inputs": [self._placement(i) for i in range(last)], "outputs": [self._placement(last)]}
        return self.name, network, self.codes

    def _placement(self, i):
        shape = self.tensors[i]["shape"]
        return {"tensor": i, "value": self.tensors[i]["value"], "dims": [1, *shape], "split": shape,
                "axes": list(range(len(shape))), "type": "float32"}

    def sum_stage(self, channels, spread):
        """A requantization or a piecewise-linear stage, with one output scale or several, and the output's quantization."""
        rng = self.rng
        several = bool(rng.random() < 0.4)
        if rng.random() < 0.5:
            quantization = _quantization(rng, channels, several)
            return "requantization", requantization(rng, channels, spread, quantization["zero_point"]), quantization
        stage = piecewise_linear(rng, channels, spread, several)
        quantization = _quantization(rng, channels, several)
        quantization["zero_point"] = stage["channel_zero_point"] if several else [stage["zero_point"]]
        return "piecewise_linear", stage, quantization


def conv(name, seed, flavour):
    b = Builder(name, seed)
    rng = b.rng
    if flavour == "depthwise":
        groups = int(rng.integers(2, 40))
        ins, outs = groups, groups * int(rng.integers(1, 3))
    elif flavour == "grouped":
        groups = int(rng.integers(2, 5))
        ins, outs = groups * int(rng.integers(1, 7)), groups * int(rng.integers(1, 7))
        ins = ins if ins != groups else 2 * groups
    else:
        groups, ins, outs = 1, int(rng.integers(1, 40)), int(rng.integers(1, 40))
    h, w = int(rng.integers(1, 10)), int(rng.integers(1, 10))
    window = {"depth": _axis(), "height": _random_axis(rng, h), "width": _random_axis(rng, w)}
    shape = [h, w]
    if flavour == "volume":
        depth = int(rng.integers(1, 5))
        window["depth"], shape = _random_axis(rng, depth, 3), [depth, h, w]
    b.input([*shape, ins], per_channel=flavour == "depthwise" and rng.random() < 0.5)
    taps = int(np.prod([window[a]["kernel"] for a in window]))
    out = [_out(window[a], n) for a, n in zip(("depth", "height", "width")[-len(shape):], shape)]
    k = taps * (ins // groups)
    kind, stage, quantization = b.sum_stage(outs, 5000 * np.sqrt(k))
    weights, bias = rng.integers(-127, 128, (outs, k)), rng.integers(-3000, 3000, outs)
    attributes = {"in_channels": ins, "out_channels": outs, "groups": groups, "window": window}
    return b.finish("Conv", attributes, [*out, outs], kind, stage, weights.ravel(), bias, quantization)


def fully_connected(name, seed, _):
    b = Builder(name, seed)
    shape = [int(n) for n in b.rng.integers(1, 9, int(b.rng.integers(1, 4)))]
    b.input(shape)
    ins, outs = int(np.prod(shape)), int(b.rng.integers(1, 70))
    kind, stage, quantization = b.sum_stage(outs, 5000 * np.sqrt(ins))
    return b.finish("FullyConnected", {"in_features": ins, "out_features": outs}, [outs], kind, stage,
                    b.rng.integers(-127, 128, outs * ins), b.rng.integers(-3000, 3000, outs), quantization)


def pool(name, seed, flavour):
    b = Builder(name, seed)
    rng = b.rng
    h, w, c = (int(n) for n in rng.integers(2, 10, 3))
    b.input([h, w, c], per_channel=bool(rng.random() < 0.5))
    whole = flavour.startswith("global")
    window = {"depth": _axis(), "height": _axis() if whole else _random_axis(rng, h, 3),
              "width": _axis() if whole else _random_axis(rng, w, 3)}
    for axis in window.values():  # a window that meets no pixel has no maximum: pads stay below the kernel's size
        axis["dilation"] = 1
        axis["pad_before"], axis["pad_after"] = min(axis["pad_before"], axis["kernel"] - 1), min(axis["pad_after"], axis["kernel"] - 1)
    out = [1, 1] if whole else [_out(window["height"], h), _out(window["width"], w)]
    attributes = {"kind": flavour.removeprefix("global "), "global": whole, "window": window}
    if flavour.endswith("max"):
        return b.finish("Pool", attributes, [*out, c], quantization=b.tensors[0]["quantization"])
    taps = h * w if whole else window["height"]["kernel"] * window["width"]["kernel"]
    n = c if rng.random() < 0.5 else 1
    k = np.exp(rng.uniform(-1, 0.5, n))
    stage = {"m": _float32(k / taps), "zero_point": rng.integers(-128, 128, n).tolist(), "lo": [-128] * n, "hi": [127] * n}
    return b.finish("Pool", attributes, [*out, c], "requantization", stage, pool_k=float(k[0]) if whole else 0.0,
                    quantization={"scale": [1.0] * n, "zero_point": stage["zero_point"]},
                    pool_channel_k=k.tolist() if whole and n > 1 else ())


def elementwise(name, seed, flavour):
    b = Builder(name, seed)
    rng = b.rng
    h, w, c = (int(n) for n in rng.integers(1, 40, 3) // [4, 4, 1] + [1, 1, 0])
    several = bool(rng.random() < 0.5)
    b.input([h, w, c], several)
    out = _quantization(rng, c, bool(rng.random() < 0.5))
    if flavour == "Add":
        b.input([h, w, c], several)
        return b.finish("Add", {}, [h, w, c], "add", add_stage(rng, c, out["zero_point"]), quantization=out)
    if flavour == "Mul":
        b.input([h, w, c if rng.random() < 0.5 else 1])
    return b.finish(flavour, {}, [h, w, c], "requantization",
                    requantization(rng, c, 5000 if flavour == "Mul" else 70, out["zero_point"]), quantization=out)


def move(name, seed, flavour):
    b = Builder(name, seed)
    rng = b.rng
    h, w, c = (int(n) for n in rng.integers(2, 8, 3))
    if flavour == "Concat":
        axis = int(rng.integers(0, 3))
        sizes = rng.integers(1, 6, int(rng.integers(2, 5)))
        for size in sizes:
            shape = [h, w, c]
            shape[axis] = size
            b.input(shape)
            b.tensors[-1]["quantization"] = b.tensors[0]["quantization"]
        shape[axis] = sizes.sum()
        return b.finish("Concat", {"axis": axis}, shape, quantization=b.tensors[0]["quantization"])
    if flavour == "SpaceToDepth":
        block = int(rng.integers(2, 4))
        b.input([h * block, w * block, c])
        return b.finish(flavour, {"block": block}, [h, w, c * block * block], quantization=b.tensors[0]["quantization"])
    b.input([h, w, c])
    quantization = b.tensors[0]["quantization"]
    if flavour == "Upsample":
        fh, fw = (int(n) for n in rng.integers(1, 4, 2))
        return b.finish(flavour, {"factor_height": fh, "factor_width": fw}, [h * fh, w * fw, c], quantization=quantization)
    if flavour == "ChannelReorder":
        source = rng.integers(0, c, int(rng.integers(1, 12))).tolist()
        return b.finish(flavour, {"source": source}, [h, w, len(source)], quantization=quantization)
    if flavour == "Reshape":
        return b.finish(flavour, {}, [h * w * c], quantization=quantization)
    if flavour == "Crop":
        first, step = [0, *(int(n) for n in rng.integers(-1, 2, 3))], [1, *(int(n) for n in rng.integers(1, 3, 3))]
        end = [2**63 - 1, *(int(rng.choice((2**63 - 1, n, -1 if n > 2 and f >= 0 else n + 5)))
                            for n, f in zip((h, w, c), first[1:]))]
        out = [len(range(*slice(*cut).indices(n))) for n, *cut in zip((h, w, c), first[1:], end[1:], step[1:])]
        return b.finish(flavour, {"first": first, "end": end, "step": step}, out, quantization=quantization)
    pads = [int(n) for n in rng.integers(0, 4, 6)]
    attributes = {"depth": _axis(), "height": _axis(before=pads[0], after=pads[1]),
                  "width": _axis(before=pads[2], after=pads[3]), "channels_before": pads[4], "channels_after": pads[5]}
    return b.finish("Pad", attributes, [h + pads[0] + pads[1], w + pads[2] + pads[3], c + pads[4] + pads[5]],
                    quantization=quantization)


FAMILIES = [(conv, ("dense", "grouped", "depthwise", "volume"), 10), (fully_connected, ("",), 8),
            (pool, ("max", "average", "global max", "global average"), 5), (elementwise, ("Add", "Mul", "Requantize"), 8),
            (move, ("Concat", "Pad", "Crop", "Upsample", "SpaceToDepth", "ChannelReorder", "Reshape"), 3)]


def cases(most: int | None = None):
    """(name, network, input codes) of every case, always the same ones; `most` a flavour, for other counts."""
    for family, (make, flavours, count) in enumerate(FAMILIES):
        for index, flavour in enumerate(flavours):
            for i in range(most or count):
                label = f"{make.__name__} {flavour}".strip()
                yield make(f"{label} {i}", 10_000 * family + 1_000 * index + i, flavour)

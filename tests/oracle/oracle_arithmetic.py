"""The definition's integer steps, written from docs (Arithmetic), not from the C++: a second opinion.

Everything is NumPy on whole arrays; codes are int64 arrays so that nothing wraps unseen. Channels are the last axis.
"""

import numpy as np


def sat16(x):
    return np.clip(x, -32768, 32767)


def mulr(a, b):
    """(a * b + 2^14) >> 15 of int16 operands, arithmetic shift."""
    return (np.asarray(a, np.int64) * np.asarray(b, np.int64) + 2**14) >> 15


def half(r: int) -> int:
    return (1 << r) >> 1


def times(acc, m):
    """float32(acc) * m: the conversion rounds to nearest even, and so does the one float32 multiplication."""
    return np.asarray(acc).astype(np.float32) * np.asarray(m, np.float32)


def requantize(acc, stage: dict):
    """y = RNE(clamp(float32(acc) * m, lo - zp, hi - zp)) + zp."""
    zero_point = np.array(stage["zero_point"], np.int64)
    lo = (np.array(stage["lo"], np.int64) - zero_point).astype(np.float32)
    hi = (np.array(stage["hi"], np.int64) - zero_point).astype(np.float32)
    return np.rint(np.clip(times(acc, stage["m"]), lo, hi)).astype(np.int64) + zero_point


def piecewise_linear(acc, stage: dict):
    """pre = sat16(RNE(float32(acc) * m16)); y16 = sat16(mulr(slope[k], pre) + intercept[k]); then one scale or several."""
    pre = sat16(np.rint(np.clip(times(acc, stage["m16"]), -32768, 32767)).astype(np.int64))
    segment = np.zeros(pre.shape, np.int64)
    for breakpoint in stage["breakpoints"]:
        segment += breakpoint <= (pre >> 8)
    slope, intercept = np.array(stage["slope"], np.int64), np.array(stage["intercept"], np.int64)
    y16 = sat16(mulr(slope[segment], pre) + intercept[segment])
    if len(stage["channel_m"]) == 0:
        shifted = sat16(y16 + half(stage["r"])) >> stage["r"]
        return np.clip(shifted + stage["zero_point"], stage["lo"], stage["hi"])
    shifted = sat16(mulr(y16, stage["channel_m"]) + half(stage["r2"])) >> stage["r2"]
    return np.clip(shifted + np.array(stage["channel_zero_point"], np.int64), stage["channel_lo"], stage["channel_hi"])


def add(a_less_zero_point, b_less_zero_point, stage: dict):
    """y16 = sat16(mulr((a - za) << 7, Ma) + mulr((b - zb) << 7, Mb)); y = clamp8((sat16(y16 + half(r)) >> r) + zy)."""
    y16 = sat16(mulr(a_less_zero_point << 7, stage["ma"]) + mulr(b_less_zero_point << 7, stage["mb"]))
    shifted = sat16(y16 + half(stage["r"])) >> stage["r"]
    return np.clip(shifted + np.array(stage["zero_point"], np.int64), stage["lo"], stage["hi"])


def finish(acc, layer: dict):
    """A layer's output stage over its exact sum."""
    kind = layer["stage_kind"]
    if kind == "requantization":
        return requantize(acc, layer["stage"])
    if kind == "piecewise_linear":
        return piecewise_linear(acc, layer["stage"])
    raise AssertionError(f"layer `{layer['name']}`: a sum needs an output stage, it has `{kind}`")


def to_codes(x, port: dict):
    """Boundary: FLOAT32 to INT8 with c = float32(1 / scale); UINT8 is carried less 128, coefficient-1 INT8 as it is."""
    x = np.asarray(x, np.float32)
    if port["boundary"] == "uint8":
        return np.rint(np.clip(np.nan_to_num(x, nan=0.0), 0, 255)).astype(np.int64) - 128
    zero_point = port["zero_point"]
    coefficient = np.float32(1) if port["boundary"] == "int8" else np.float32(1 / np.float64(np.float32(port["scale"])))
    scaled = np.clip(x * coefficient, -128 - zero_point, 127 - zero_point).astype(np.float32)
    return np.rint(np.where(np.isnan(scaled), np.float32(0), scaled)).astype(np.int64) + zero_point


def to_reals(codes, port: dict):
    """Boundary: INT8 to FLOAT32 = float32(q - zp) * scale."""
    return (codes - port["zero_point"]).astype(np.float32) * np.float32(port["scale"])

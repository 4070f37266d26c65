"""The oracle's own steps against values worked out by hand: an oracle that cannot be wrong proves nothing."""

import numpy as np
import pytest

import oracle_arithmetic as arithmetic
import oracle_layers as layers
from oracle_network import placed, taken


def requantization(m, zero_point=0, lo=-128, hi=127):
    return {"m": [m], "zero_point": [zero_point], "lo": [lo], "hi": [hi]}


@pytest.mark.parametrize("acc, m, zero_point, expected", [
    (1, 0.5, 0, 0), (3, 0.5, 0, 2), (-1, 0.5, 0, 0), (-3, 0.5, 0, -2),  # ties to even
    (1, 0.5, 3, 3),  # the zero point comes after rounding: RNE(0.5) + 3, not RNE(3.5)
    (1000, 1.0, 5, 127), (-1000, 1.0, 5, -128)])
def test_requantize(acc, m, zero_point, expected):
    assert arithmetic.requantize(np.array([acc]), requantization(m, zero_point)).tolist() == [expected]


def test_requantize_rounds_the_sum_to_float32_first():
    # 2^24 + 1 is no float32: it becomes 2^24, times 2^-24 * 2.5 (exact) = 2.5 -> 2; unrounded it would be above the tie.
    assert arithmetic.requantize(np.array([2**24 + 1]), requantization(2.5 * 2.0**-24)).tolist() == [2]


@pytest.mark.parametrize("a, b, expected", [(32767, 32767, 32766), (-32640, 32767, -32639), (1, 16384, 1), (-1, 16384, 0)])
def test_mulr(a, b, expected):
    assert arithmetic.mulr(a, b) == expected


def test_add_with_equal_scales_is_the_rounded_mean_of_doubles():
    # scale_y = 2 * scale_a = 2 * scale_b, r = 7: M = 2^15 / 2, so y16 = 64 (a + b) and y = (64 (a + b) + 64) >> 7.
    stage = {"ma": [16384], "mb": [16384], "r": 7, "zero_point": [1], "lo": [-128], "hi": [127]}
    assert arithmetic.add(np.array([3, -3, 127]), np.array([4, -4, 127]), stage).tolist() == [5, -2, 127]


def test_piecewise_linear_chooses_the_segment_by_the_upper_byte():
    stage = {"m16": [256.0], "breakpoints": [0], "slope": [0, 16384], "intercept": [0, 64], "r": 7, "zero_point": 0,
             "lo": -128, "hi": 127, "channel_m": []}
    # pre = 256 acc: below 0 the first segment gives 0; above, 128 acc + 64, half and shift: acc + 0.5 + 0.5, floor.
    assert arithmetic.piecewise_linear(np.array([-1, 0, 1, 100]), stage).tolist() == [0, 1, 2, 101]


def test_convolution_pads_with_the_zero_point():
    axis = {"kernel": 1, "stride": 1, "dilation": 1, "pad_before": 0, "pad_after": 0}
    row = {**axis, "kernel": 3, "pad_before": 1, "pad_after": 1}
    layer = {"name": "c", "weights": np.array([1, 10, 100]), "bias": np.array([7]), "stage_kind": "requantization",
             "stage": requantization(1.0), "attributes": {"groups": 1, "out_channels": 1, "in_channels": 1,
                                                          "window": {"depth": axis, "height": axis, "width": row}}}
    codes = np.array([6, 5, 5]).reshape(1, 1, 1, 3, 1)
    out = layers.conv(layer, [codes], [{"zero_point": [5]}], {"shape": [1, 3, 1]})
    assert out.ravel().tolist() == [17, 8, 7]


def test_boundary():
    port = {"boundary": "quantized", "scale": 0.5, "zero_point": 10}
    assert arithmetic.to_codes([0.25, 0.75, np.nan, 1e30, -np.inf], port).tolist() == [10, 12, 10, 127, -128]
    assert arithmetic.to_codes([0, 255, 300, -1], {"boundary": "uint8"}).tolist() == [-128, 127, 127, -128]


def test_placement_goes_there_and_back():
    value = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    placement = {"dims": [1, 3, 4, 5], "split": [3, 4, 5], "axes": [1, 2, 0]}
    tensor = placed(value, placement, [4, 5, 3])
    assert tensor[1, 0, 2, 3, 1] == value[1, 1, 2, 3]
    assert (taken(tensor, placement) == value).all()

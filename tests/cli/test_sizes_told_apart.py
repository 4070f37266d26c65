"""Sizes that are alike at the first sample, and numbers that are alike a few pixels on, are not taken for each other."""

import numpy as np
import onnx
import onnxruntime
import pytest
from test_sizes_of_maps import Head
from test_split import snr_db


def random_map(height, width):
    return np.random.default_rng(1000 * height + width).normal(size=(1, 3, height, width)).astype(np.float32)


def side(head, of, axis):
    return head.node("Gather", head.node("Shape", of), head.integers(axis), axis=0)


class Pair(Head):
    """Two maps whose sizes the file leaves free, each of them convolved."""

    def __init__(self):
        super().__init__()
        self.y = self.input("y", ["N", 3, "H2", "W2"])
        self.a, self.b = self.conv(self.x, 3, 8), self.conv(self.y, 3, 8)

    def finished(self, made):
        self.output(made, "z")
        self.output(self.conv(self.b, 8, 4), "w")
        return self.model()


def resized_to_the_other():
    pair = Pair()
    return pair.finished(pair.conv(pair.as_large_as(pair.a, pair.b), 8, 4))


def cropped_to_the_other():
    pair = Pair()
    ends = pair.node("Concat", *(pair.node("Sub", side(pair, pair.y, axis), pair.integers(2)) for axis in (2, 3)), axis=0)
    return pair.finished(pair.conv(pair.node("Slice", pair.a, pair.integers(0, 0), ends, pair.integers(2, 3)), 8, 4))


def row_at_a_quarter_of_the_width():
    head = Head()
    row = head.node("Div", side(head, head.x, 3), head.integers(4))
    return head.finished(head.conv(head.node("Gather", head.conv(head.x, 3, 8), row, axis=2), 8, 4))


def padded_to_an_even_width():
    head = Head()
    odd = head.node("Mod", side(head, head.x, 3), head.integers(2))
    pads = head.node("Concat", head.integers(0, 0, 0, 0, 0, 0, 0), odd, axis=0)
    return head.finished(head.conv(head.node("Pad", head.conv(head.x, 3, 8), pads), 8, 4))


def padded_to_even_after_strides():
    """Of 16, 19 and 80 pixels they leave 4, 5 and 20 by a stride, 4, 4 and 20 by pools."""
    head = Head()
    x = head.node("MaxPool", head.conv(head.x, 3, 8), kernel_shape=[4, 4], strides=[4, 4])
    odd = head.node("Concat", *(head.node("Mod", side(head, x, axis), head.integers(2)) for axis in (2, 3)), axis=0)
    pads = head.node("Concat", head.integers(*[0] * 6), odd, axis=0)
    return head.finished(head.conv(head.node("Pad", x, pads, mode="edge"), 8, 4))


def turned():
    """As high as the map was wide: nothing, where it is a square."""
    head = Head()
    a = head.conv(head.x, 3, 8)
    sizes = head.node("Concat", head.integers(1, 8), side(head, a, 3), side(head, a, 2), axis=0)
    return head.finished(head.node("Resize", a, "", "", sizes, mode="linear"))


MODELS = {made.__name__: made for made in (resized_to_the_other, cropped_to_the_other, row_at_a_quarter_of_the_width,
                                           padded_to_an_even_width, padded_to_even_after_strides, turned)}


@pytest.mark.parametrize("npu", [(), ("--npu", "none")])
@pytest.mark.parametrize("first", [(24, 24), (16, 24), (8, 8), (16, 16)])
@pytest.mark.parametrize("name", MODELS)
def test_another_size_has_its_own_numbers_or_is_refused(calotype, tmp_path, name, first, npu):
    file = tmp_path / "m.onnx"
    onnx.save(MODELS[name](), file)
    exact = onnxruntime.InferenceSession(file)
    inputs = [value.name for value in exact.get_inputs()]
    np.savez(tmp_path / "samples.npz", **{value: random_map(*first) for value in inputs})
    made = calotype("compile", file, "--samples", tmp_path / "samples.npz", "-o", tmp_path / "m.snapshot", *npu)
    assert made.code == 0, made.stderr
    for sizes in ((32, 24), (40, 40)), ((24, 33), (24, 24)), ((40, 24), (17, 17)), ((8, 31), (16, 18)):
        x = {value: random_map(*size) for value, size in zip(inputs, sizes)}
        np.savez(tmp_path / "x.npz", **x)
        ran = calotype("run", tmp_path / "m.snapshot", "--input", tmp_path / "x.npz", "--output", tmp_path / "y.npz")
        if ran.code != 0 and not (name == "cropped_to_the_other" and npu):  # the host computes that one at every size
            assert "INPUT_S" in ran.stderr, ran.stderr
            continue
        assert ran.code == 0, ran.stderr
        found = np.load(tmp_path / "y.npz")
        for output, expected in zip(exact.get_outputs(), exact.run(None, x)):
            assert found[output.name].shape == expected.shape, sizes
            with np.errstate(divide="ignore"):  # of --npu none they may be the very bits
                assert snr_db(expected, found[output.name]) > 15, sizes  # 8 bits of a few pixels

"""Maps made as large as others: at every size, where the file computes theirs from shapes."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from forge import replace
from networks import Network
from test_split import snr_db

SIZES = [(64, 64), (67, 61), (96, 80), (97, 99), (50, 71), (128, 65), (66, 130), (33, 47), (72, 104), (41, 200)]


def image(height, width, count=1):
    return np.random.default_rng(height * 1000 + width).normal(size=(count, 3, height, width)).astype(np.float32)


class Head(Network):
    """Nodes as PyTorch writes them: sizes by Shape, Slice or Gather, and Concat."""

    def __init__(self):
        super().__init__()
        self.x = self.input("x", ["N", 3, "H", "W"])

    def integers(self, *values):
        return self.constant(np.array(values, np.int64))

    def conv(self, x, into, channels, kernel=3, stride=1, dilation=1, relu=True):
        weights = self.random.normal(size=(channels, into, kernel, kernel)) * np.sqrt(2 / (into * kernel**2))
        bias = self.random.normal(size=channels) * 0.1
        made = self.node("Conv", x, *(self.constant(w.astype(np.float32)) for w in (weights, bias)),
                         pads=[dilation * (kernel // 2)] * 4, strides=[stride] * 2, dilations=[dilation] * 2)
        return self.node("Relu", made) if relu else made

    def size(self, of, first=2, end=4):
        return self.node("Slice", self.node("Shape", of), self.integers(first), self.integers(end), self.integers(0))

    def gathered_size(self, of):
        sides = [self.node("Gather", self.node("Shape", of), self.constant(np.array(axis, np.int64)), axis=0) for axis in (2, 3)]
        return self.node("Concat", *(self.node("Unsqueeze", side, self.integers(0)) for side in sides), axis=0)

    def as_large_as(self, x, like, mode="linear", gathered=False):
        size = self.gathered_size(like) if gathered else self.size(like)
        sizes = self.node("Concat", self.size(x, 0, 2), size, axis=0)
        how = {"coordinate_transformation_mode": "pytorch_half_pixel"}
        if mode == "nearest":
            how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return self.node("Resize", x, "", "", sizes, mode=mode, **how)

    def pooled(self, x, into, channels):
        return self.conv(self.node("GlobalAveragePool", x), into, channels, 1)

    def backbone(self):
        a = self.conv(self.x, 3, 16, stride=2)
        b = self.conv(a, 16, 32, stride=2)
        return a, b, self.conv(b, 32, 48, stride=2)

    def finished(self, y):
        self.output(y, "y")
        return self.model()


def aspp(head, spread):
    """DeepLab's: dilated branches, and a pooled one as large as they are; the result as large as the image."""
    low, _, c = head.backbone()
    branches = [head.conv(c, 48, 24, 1), *(head.conv(c, 48, 24, dilation=d) for d in (2, 3))]
    y = head.node("Concat", *branches, spread(head, head.pooled(c, 48, 24), c), axis=1)
    low = head.conv(low, 16, 12, 1)
    y = head.node("Concat", head.as_large_as(head.conv(y, 96, 32, 1), low), low, axis=1)
    return head.finished(head.as_large_as(head.conv(y, 44, 5, 1, relu=False), head.x))


def expanded(head, x, like):
    return head.node("Expand", x, head.node("Concat", head.size(x, 0, 2), head.size(like), axis=0))


def psp(head):
    """Pools of three sizes, one of the whole map. They meet the map behind the host's resizes only."""
    c = head.backbone()[2]
    pools = [head.node("AveragePool", c, kernel_shape=[k, k], strides=[k, k]) for k in (2, 3)]
    parts = [head.as_large_as(head.conv(pool, 48, 12, 1), c) for pool in pools]
    y = head.node("Concat", c, head.as_large_as(head.pooled(c, 48, 12), c), *parts, axis=1)
    return head.finished(head.as_large_as(head.conv(y, 84, 5, relu=False), head.x))


def fpn(head, mode="linear"):
    """A pyramid of features: each meets the one above it, enlarged. Nearest, by whole factors at some sizes only."""
    a, b, c = head.backbone()
    a, b, c = (head.conv(x, into, 24, 1, relu=False) for x, into in ((a, 16), (b, 32), (c, 48)))
    b = head.node("Add", b, head.as_large_as(c, b, mode))
    return head.finished(head.conv(head.node("Add", a, head.as_large_as(b, a, mode)), 24, 8, relu=False))


def unet(head, mode="linear", channels=(16, 32, 48)):
    halved = dict(kernel_shape=[2, 2], strides=[2, 2])
    few, more, most = channels
    a = head.conv(head.x, 3, few)
    b = head.conv(head.node("MaxPool", a, **halved), few, more)
    c = head.conv(head.node("MaxPool", b, **halved), more, most)
    d = head.conv(head.node("Concat", b, head.as_large_as(c, b, mode), axis=1), more + most, more)
    e = head.conv(head.node("Concat", a, head.as_large_as(d, a, mode), axis=1), few + more, few)
    return head.finished(head.conv(e, few, 4, 1, relu=False))


def added(head):
    """What broadcasts over a map is as large as that."""
    b = head.backbone()[1]
    return head.finished(head.conv(head.node("Add", b, head.pooled(b, 32, 32)), 32, 8, relu=False))


def corners(head):
    """Single pixels of a map, spread over it."""
    b = head.backbone()[1]
    first = head.node("Slice", b, head.integers(0, 0), head.integers(1, 1), head.integers(2, 3))
    last = head.node("Slice", b, head.integers(-1, -1), head.integers(2**62, 2**62), head.integers(2, 3))
    parts = [head.node("Add", b, first), head.node("Expand", last, head.node("Shape", b))]
    return head.finished(head.conv(head.node("Concat", *parts, axis=1), 64, 8, relu=False))


def rows(head):
    """A row and a column of a map, each repeated over it."""
    b = head.backbone()[1]
    for axis in (2, 3):
        line = head.node("Slice", b, head.integers(0), head.integers(1), head.integers(axis))
        b = head.conv(head.node("Add", b, line), 32, 32)
    return head.finished(head.conv(b, 32, 8, relu=False))


def folded(head):
    """The target of a Reshape on the host."""
    shuffled = head.node("DepthToSpace", head.conv(head.x, 3, 16), blocksize=4)
    rows = head.node("Gather", head.node("Shape", shuffled), head.integers(2), axis=0)
    return head.finished(head.node("Reshape", shuffled, head.node("Concat", head.integers(1), rows, head.integers(-1), axis=0)))


def channels_last(head):
    """As large as a value that lies channels last in the file, and channels first where it runs."""
    a = head.conv(head.x, 3, 16, relu=False)
    last = head.node("Relu", head.node("Transpose", a, perm=[0, 2, 3, 1]))
    small = head.conv(a, 16, 16, stride=2)
    sizes = head.node("Concat", head.size(small, 0, 2), head.size(last, 1, 3), axis=0)
    large = head.node("Resize", small, "", "", sizes, mode="linear")
    return head.finished(head.conv(head.node("Add", large, head.node("Transpose", last, perm=[0, 3, 1, 2])), 16, 4, 1, relu=False))


def without_means(head):
    """A mean that broadcasts, and a Resize to the size that the map has: what was made of one is not taken for the other."""
    a = head.conv(head.x, 3, 16)
    a = head.node("Sub", a, head.node("ReduceMean", a, axes=[2], keepdims=1))
    same = head.node("Resize", a, "", "", head.node("Concat", head.integers(1, 16), head.size(a), axis=0), mode="nearest")
    return head.finished(head.conv(head.node("Add", same, a), 16, 4, 1, relu=False))


HEADS = {
    "aspp": lambda: aspp(Head(), Head.as_large_as),
    "aspp by Expand": lambda: aspp(Head(), expanded),
    "aspp by Gather": lambda: aspp(Head(), lambda head, x, like: head.as_large_as(x, like, gathered=True)),
    "psp": lambda: psp(Head()), "fpn": lambda: fpn(Head()), "fpn of repeated pixels": lambda: fpn(Head(), "nearest"), "unet": lambda: unet(Head()), "added": lambda: added(Head()),
    "folded": lambda: folded(Head()), "corners": lambda: corners(Head()), "rows": lambda: rows(Head()),
    "channels last": lambda: channels_last(Head()),
}


def outputs(calotype, snapshot, folder, *options):
    ran = calotype("run", snapshot, "--input", folder, "--output", folder.parent / "found", *options)
    assert ran.code == 0, ran.stderr
    return {path.stem: np.load(path) for path in (folder.parent / "found").iterdir()}


@pytest.mark.parametrize("name, first", [*((name, (64, 64)) for name in HEADS), ("fpn of repeated pixels", (67, 61)),
                                         ("fpn of repeated pixels", (65, 69)), ("aspp", (67, 61))])
def test_a_map_made_as_large_as_another_binds_no_size(calotype, tmp_path, name, first):
    file = tmp_path / "m.onnx"
    onnx.save(HEADS[name](), file)
    np.savez(tmp_path / "samples.npz", x=image(*first, 6))
    made = calotype("compile", file, "--samples", tmp_path / "samples.npz", "-o", tmp_path / "m.snapshot")
    assert made.code == 0, made.stderr
    folder = tmp_path / "images"
    folder.mkdir()
    for height, width in SIZES:
        np.save(folder / f"{height}x{width}.npy", image(height, width))
    exact = onnxruntime.InferenceSession(file)
    found = outputs(calotype, tmp_path / "m.snapshot", folder)
    for height, width in SIZES:
        x = image(height, width)
        expected, y = exact.run(None, {"x": x})[0], found[f"{height}x{width}"]
        assert y.shape == expected.shape
        assert snr_db(expected, y) > 25, (height, width)
    reference = outputs(calotype, tmp_path / "m.snapshot", folder, "--kernels", "reference")
    assert all(reference[size].tobytes() == y.tobytes() for size, y in found.items())
    # In FP32 the host's nodes compute the very sizes.
    assert calotype("compile", file, "--samples", tmp_path / "samples.npz", "-o", tmp_path / "none", "--npu", "none").code == 0
    for size, y in outputs(calotype, tmp_path / "none", folder).items():
        assert np.array_equal(exact.run(None, {"x": np.load(folder / f"{size}.npy")})[0], y), size


@pytest.mark.parametrize("name", ["aspp", "psp", "unet", "fpn of repeated pixels"])  # of psp a part pays at some sizes only
def test_samples_of_many_sizes_calibrate_it(calotype, tmp_path, name):
    file, folder = tmp_path / "m.onnx", tmp_path / "images"
    onnx.save(HEADS[name](), file)
    folder.mkdir()
    for height, width in SIZES[:6]:
        np.save(folder / f"{height}x{width}.npy", image(height, width))
    made = calotype("compile", file, "--samples", folder, "-o", tmp_path / "m.snapshot", "--shape", "x=1x3x41x200")
    assert made.code == 0, made.stderr
    verified = calotype("verify", tmp_path / "m.snapshot", "--model", file, "--samples", folder)
    assert verified.code == 0, verified.stdout + verified.stderr
    exact = onnxruntime.InferenceSession(file)
    for size, y in outputs(calotype, tmp_path / "m.snapshot", folder).items():
        assert snr_db(exact.run(None, {"x": np.load(folder / f"{size}.npy")})[0], y) > 25, size


def test_no_size_is_taken_from_what_waits_for_it(calotype, tmp_path):
    file = tmp_path / "m.onnx"
    onnx.save(without_means(Head()), file)
    np.savez(tmp_path / "samples.npz", x=image(16, 24))
    for npu in (), ("--npu", "none"):
        made = calotype("compile", file, "--samples", tmp_path / "samples.npz", "-o", tmp_path / "m.snapshot", *npu)
        assert made.code == 0, made.stderr


def test_repeated_pixels_that_take_no_whole_factor_are_named(calotype, tmp_path):
    """9 rows become 19: no NPU repeats them equally often, and what is left beside the host's Resize may not pay."""
    file = tmp_path / "m.onnx"
    onnx.save(unet(Head(), "nearest", (8, 8, 8)), file)
    np.savez(tmp_path / "samples.npz", x=image(16, 16))
    made = calotype("compile", file, "--samples", tmp_path / "samples.npz", "-o", tmp_path / "m.snapshot")
    assert made.code == 0, made.stderr
    np.savez(tmp_path / "x.npz", x=image(19, 16))
    said = "in steps of 4 from [1, 3, 16, 16]; not those between: the split between NPU and CPU is another at another size: node `"
    ran = calotype.refuses("run", tmp_path / "m.snapshot", "--input", tmp_path / "x.npz", "--output", tmp_path / "y.npz", names=said)
    assert "(the resize factor is " in ran.stderr


def test_a_size_may_be_that_of_a_value_of_five_axes(calotype, tmp_path):
    head = Head()
    frames = head.node("Unsqueeze", head.node("Softmax", head.x), head.integers(2))
    pooled = head.pooled(head.conv(head.x, 3, 8), 8, 8)
    sides = [head.node("Gather", head.node("Shape", frames), head.integers(axis), axis=0) for axis in (3, 4)]
    sizes = head.node("Concat", head.size(pooled, 0, 2), *sides, axis=0)
    file = tmp_path / "m.onnx"
    onnx.save(head.finished(head.conv(head.node("Resize", pooled, "", "", sizes, mode="nearest"), 8, 4)), file)
    np.savez(tmp_path / "samples.npz", x=image(32, 24))
    made = calotype("compile", file, "--samples", tmp_path / "samples.npz", "-o", tmp_path / "m.snapshot")
    assert made.code == 0, made.stderr


def test_a_snapshot_whose_map_follows_one_made_later_is_refused(calotype, tmp_path):
    file = tmp_path / "m.onnx"
    onnx.save(HEADS["added"](), file)
    np.savez(tmp_path / "samples.npz", x=image(64, 64))
    made = calotype("compile", file, "--samples", tmp_path / "samples.npz", "-o", tmp_path / "m.snapshot")
    assert made.code == 0, made.stderr
    layers = json.loads((tmp_path / "m.snapshot" / "layers.json").read_text())
    spread = [layer for layer in layers["NPU_0"]["layers"] if "like" in layer["attributes"]]
    assert len(spread) == 1
    for tensor, names in (layers["NPU_0"]["layers"][-1]["output"], "made before"), (10**6, "made before"), ("1", "number"):
        spread[0]["attributes"]["like"] = tensor
        replace(tmp_path / "m.snapshot", "layers.json", json.dumps(layers).encode())
        calotype.refuses("inspect", tmp_path / "m.snapshot", names=names)

"""One snapshot at other heights and widths than it was compiled for."""

import json
import struct
import zlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from conftest import Command
from onnx import TensorProto, helper, numpy_helper
from test_split import snr_db

RANDOM = np.random.default_rng(8)
WEIGHTS = {
    "w1": RANDOM.normal(size=(16, 3, 3, 3)).astype(np.float32),
    "b1": RANDOM.normal(size=16).astype(np.float32),
    "w2": RANDOM.normal(size=(8, 16, 3, 3)).astype(np.float32),
}


def model(path: Path, nodes: list[onnx.NodeProto], rank: int = 4, **more: np.ndarray) -> Path:
    """x [N, 3, H, W], nodes from x over w1, b1, w2 and `more` constants to y of this rank."""
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, "H", "W"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * rank)],
        [numpy_helper.from_array(array, name) for name, array in {**WEIGHTS, **more}.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def first(**attributes) -> list[onnx.NodeProto]:
    return [helper.make_node("Conv", ["x", "w1", "b1"], ["a"], name="first", **(attributes or {"pads": [1, 1, 1, 1]})),
            helper.make_node("Relu", ["a"], ["b"], name="relu")]


def image(height: int, width: int, count: int = 1) -> np.ndarray:
    return np.random.default_rng(height * 1000 + width).normal(size=(count, 3, height, width)).astype(np.float32)


def png(pixels: np.ndarray) -> bytes:
    """RGB, uncompressed rows."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def compiled(calotype: Command, folder: Path, onnx_file: Path, *options) -> Path:
    np.savez(folder / "samples.npz", x=image(24, 24, 4))
    made = calotype("compile", onnx_file, "--samples", folder / "samples.npz", "-o", folder / "m.snapshot", *options)
    assert made.code == 0, made.stderr
    return folder / "m.snapshot"


def run(calotype: Command, snapshot: Path, x: np.ndarray, *options) -> tuple[np.ndarray, str]:
    np.savez(snapshot.parent / "in.npz", x=x)
    ran = calotype("run", snapshot, "--input", snapshot.parent / "in.npz", "--output", snapshot.parent / "out.npz", *options)
    assert ran.code == 0, ran.stderr
    with np.load(snapshot.parent / "out.npz") as arrays:
        return arrays["y"], ran.stderr


WHOLE = [*first(), helper.make_node("Conv", ["b", "w2"], ["y"], name="last", strides=[2, 2], pads=[1, 1, 1, 1])]
SPLIT = [*first(), helper.make_node("DepthToSpace", ["b"], ["c"], name="shuffle", blocksize=4, mode="CRD"),
         helper.make_node("Add", ["c", "c"], ["y"], name="double")]
POOLED = [*first(), helper.make_node("GlobalAveragePool", ["b"], ["c"], name="pool"),
          helper.make_node("Flatten", ["c"], ["y"], name="flatten")]


def integers(name: str, *values: int) -> onnx.NodeProto:
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.array(values, np.int64)))


def slice_of(source: str, into: str, starts: str, ends: str, steps: str | None = None) -> onnx.NodeProto:
    return helper.make_node("Slice", [source, starts, ends, "rows_and_columns", *([steps] if steps else [])], [into], name=into)


# YOLOX's Focus: every second pixel, four times, at half the size; then what its exporters write of x[:, :, 1:-1, 1:].
FOCUS = [integers("rows_and_columns", 2, 3), integers("two", 2, 2), integers("far", 2**63 - 1, 2**63 - 1),
         *(integers(f"at{r}{c}", r, c) for r in (0, 1) for c in (0, 1)),
         *(slice_of("x", f"s{r}{c}", f"at{r}{c}", "far", "two") for r in (0, 1) for c in (0, 1)),
         helper.make_node("Concat", ["s00", "s01"], ["t"], name="join", axis=1),
         helper.make_node("Concat", ["s10", "s11"], ["u"], name="join more", axis=1),
         helper.make_node("Add", ["t", "u"], ["v"], name="sum"),
         helper.make_node("Split", ["v"], ["left", "right"], name="halves", axis=1),
         helper.make_node("Conv", ["left", "w1", "b1"], ["a"], name="first", pads=[1, 1, 1, 1]),
         helper.make_node("Relu", ["a"], ["b"], name="relu"),
         integers("minus", -1, 2**31 - 1), slice_of("b", "y", "at11", "minus")]

# x[:, :, :H - 2, :W - 2] and a nearest Resize to twice the size, both computed from the shape.
COMPUTED = [*first(), helper.make_node("Shape", ["x"], ["shape"], name="shape of x"),
            integers("rows_and_columns", 2, 3), integers("two", 2, 2), integers("zeros", 0, 0),
            integers("from2", 2), integers("to4", 4), integers("to2", 2), integers("from0", 0),
            helper.make_node("Slice", ["shape", "from2", "to4"], ["size"], name="size"),
            helper.make_node("Sub", ["size", "two"], ["less"], name="less"),
            slice_of("b", "c", "zeros", "less"),
            helper.make_node("Shape", ["c"], ["c shape"], name="shape of c"),
            helper.make_node("Slice", ["c shape", "from2", "to4"], ["c size"], name="c size"),
            helper.make_node("Slice", ["c shape", "from0", "to2"], ["c head"], name="c head"),
            helper.make_node("Mul", ["c size", "two"], ["double"], name="double"),
            helper.make_node("Concat", ["c head", "double"], ["sizes"], name="sizes", axis=0),
            helper.make_node("Resize", ["c", "", "", "sizes"], ["d"], name="resize", mode="nearest",
                             coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
            helper.make_node("Conv", ["d", "w2"], ["y"], name="last")]


# Constants of the file's FP32 graph that bind no layer: the target of a Reshape to [1, 16, H * W].
FLAT = [*first(), helper.make_node("Shape", ["b"], ["shape"], name="shape of b"), integers("two", 2), integers("three", 3),
        integers("head", 1, 16), helper.make_node("Gather", ["shape", "two"], ["rows"], name="rows"),
        helper.make_node("Gather", ["shape", "three"], ["columns"], name="columns"),
        helper.make_node("Mul", ["rows", "columns"], ["pixels"], name="pixels"),
        helper.make_node("Concat", ["head", "pixels"], ["to"], name="to", axis=0),
        helper.make_node("Reshape", ["b", "to"], ["y"], name="flatten")]
# Half the size and back to the input's, computed from its shape: whole factors at even sizes only.
BACK = [*first(strides=[2, 2], pads=[1, 1, 1, 1]), helper.make_node("Shape", ["x"], ["shape"], name="shape of x"),
        integers("two", 2), integers("four", 4), integers("head", 1, 16),
        helper.make_node("Slice", ["shape", "two", "four"], ["size"], name="size"),
        helper.make_node("Concat", ["head", "size"], ["to"], name="to", axis=0),
        helper.make_node("Resize", ["b", "", "", "to"], ["y"], name="back", mode="nearest",
                         coordinate_transformation_mode="asymmetric", nearest_mode="floor")]
# The same by the centres of pixels, which at odd sizes repeats them unevenly.
BY_HALF_PIXELS = [*BACK[:-1], helper.make_node("Resize", ["b", "", "", "to"], ["y"], name="back", mode="nearest",
                                               coordinate_transformation_mode="half_pixel")]
# A U-Net's step: half the size, back by a factor, cropped to what it joins; nothing to crop at even sizes.
CROPPED = [*first(), helper.make_node("MaxPool", ["b"], ["c"], name="half", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
           helper.make_node("Constant", [], ["twice"], name="twice",
                            value=numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32))),
           helper.make_node("Resize", ["c", "", "twice"], ["d"], name="up", mode="nearest",
                            coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
           helper.make_node("Shape", ["b"], ["shape"], name="shape of b"), integers("rows_and_columns", 2, 3),
           integers("two", 2), integers("four", 4), integers("zeros", 0, 0),
           helper.make_node("Slice", ["shape", "two", "four"], ["size"], name="size"),
           slice_of("d", "e", "zeros", "size"), helper.make_node("Add", ["b", "e"], ["y"], name="join")]


def npu_only(calotype: Command, snapshot: Path) -> bool:
    return "ONNX Runtime" not in calotype("inspect", snapshot).stdout


@pytest.mark.parametrize("nodes", [FOCUS, COMPUTED], ids=["focus", "computed"])
def test_slices_and_resizes_mean_the_same_at_every_size(calotype: Command, tmp_path: Path, nodes):
    file = model(tmp_path / "m.onnx", nodes)
    snapshot = compiled(calotype, tmp_path, file)
    assert npu_only(calotype, snapshot)
    exact = onnxruntime.InferenceSession(file)
    for height, width in [(24, 24), (30, 40), (8, 18)]:
        x = image(height, width)
        y, _ = run(calotype, snapshot, x)
        expected = exact.run(None, {"x": x})[0]
        assert y.shape == expected.shape
        assert snr_db(expected, y) > 25, (height, width)
        assert run(calotype, snapshot, x, "--kernels", "reference")[0].tobytes() == y.tobytes()


@pytest.mark.parametrize("nodes, rank", [(SPLIT, 4), (COMPUTED, 4), (FLAT, 3)], ids=["split", "computed", "flat"])
def test_samples_of_many_sizes_calibrate_one_network(calotype: Command, tmp_path: Path, nodes, rank):
    """The second size brings values ten times as large: a snapshot that did not see them would clip them."""
    file, folder = model(tmp_path / "m.onnx", nodes, rank), tmp_path / "samples"
    folder.mkdir()
    large = 10 * image(40, 20)
    np.savez(folder / "a.npz", x=image(24, 24, 2))
    np.save(folder / "b.npy", large)
    np.save(folder / "c.npy", image(9, 31)[0])
    made = calotype("compile", file, "--samples", folder, "-o", tmp_path / "m.snapshot", "--json")
    assert made.code == 0, made.stderr
    report = json.loads(made.stdout)["report"]
    assert report["images"] == 4 and all(layer["snr_db"] > 20 for layer in report["layers"])
    exact = onnxruntime.InferenceSession(file)
    assert snr_db(exact.run(None, {"x": large})[0], run(calotype, tmp_path / "m.snapshot", large)[0]) > 25
    verified = calotype("verify", tmp_path / "m.snapshot", "--model", file, "--samples", folder, "--json")
    assert verified.code == 0, verified.stderr
    for threads in (1, 2):
        again = calotype("compile", file, "--samples", folder, "-o", tmp_path / f"{threads}", "--threads", threads)
        assert again.code == 0, again.stderr
    for one in sorted((tmp_path / "1").iterdir()):
        assert one.read_bytes() == (tmp_path / "2" / one.name).read_bytes(), one.name


def test_a_folder_of_images_runs_each_at_its_own_size(calotype: Command, tmp_path: Path):
    file, folder = model(tmp_path / "m.onnx", WHOLE), tmp_path / "images"
    folder.mkdir()
    sizes = {"wide": (20, 36), "tall": (40, 24), "small": (16, 17)}
    for name, (height, width) in sizes.items():
        pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
        (folder / f"{name}.png").write_bytes(png(pixels))
    made = calotype("compile", file, "--samples", folder, "-o", tmp_path / "m.snapshot", "--std", "64", "--mean", "128")
    assert made.code == 0, made.stderr
    output = tmp_path / "found"
    for _ in range(2):  # a folder of outputs is replaced
        ran = calotype("run", tmp_path / "m.snapshot", "--input", folder, "--output", output, "--json")
        assert ran.code == 0, ran.stderr
    assert json.loads(ran.stdout)["samples"] == 3
    assert {path.name: np.load(path).shape for path in output.iterdir()} == {
        f"{name}.npy": (1, 8, (height + 1) // 2, (width + 1) // 2) for name, (height, width) in sizes.items()}
    (output / "notes.txt").write_text("mine")
    calotype.refuses("run", tmp_path / "m.snapshot", "--input", folder, "--output", output, names="notes.txt")
    joined = tmp_path / "joined.npz"
    unlike = calotype("run", tmp_path / "m.snapshot", "--input", folder, "--output", joined)  # after the notes on sizes
    assert unlike.code == 1 and "OUTPUT_SHAPE" in unlike.stderr and "name a folder" in unlike.stderr and not joined.exists()
    usage = calotype("run", tmp_path / "m.snapshot", "--input", folder, "--output", tmp_path / "out.txt")
    assert usage.code == 2 and "OPTION_VALUE" in usage.stderr


def test_programs_are_made_for_the_shapes_asked_for(calotype: Command, tmp_path: Path):
    file = model(tmp_path / "m.onnx", SPLIT)
    plain = compiled(calotype, tmp_path, file)
    x = image(32, 40)
    expected, said = run(calotype, plain, x)
    assert "planned anew" in said
    snapshot = compiled(calotype, tmp_path, file, "--shape", "x=1x3x32x40", "--shape", "x=1x3x8x8", "--shape", "x=1x3x24x24")
    listed = json.loads(calotype("inspect", snapshot, "--json").stdout)["inputs"][0]["made_for"]
    assert listed == [[1, 3, 24, 24], [1, 3, 32, 40], [1, 3, 8, 8]]
    y, said = run(calotype, snapshot, x)
    assert "planned anew" not in said and y.tobytes() == expected.tobytes()
    assert "[1, 3, 24, 24], [1, 3, 32, 40], [1, 3, 8, 8]" in run(calotype, snapshot, image(9, 9))[1]
    assert calotype("verify", snapshot).code == 0
    compile_m = ["compile", file, "--samples", tmp_path / "samples.npz", "-o", tmp_path / "no"]
    calotype.refuses(*compile_m, "--shape", "x=1x4x32x32", names="SHAPE_FIXED")
    calotype.refuses(*compile_m, "--shape", "z=1x3x32x32", names="INPUT_UNKNOWN")
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize("nodes, rank", [(WHOLE, 4), (SPLIT, 4), (POOLED, 2)], ids=["whole", "split", "pooled"])
def test_other_sizes_are_planned_as_they_come(calotype: Command, tmp_path: Path, nodes, rank):
    file = model(tmp_path / "m.onnx", nodes, rank)
    snapshot = compiled(calotype, tmp_path, file)
    exact = onnxruntime.InferenceSession(file)
    for height, width, count in [(24, 24, 2), (31, 40, 1), (40, 31, 3), (9, 64, 1)]:
        x = image(height, width, count)
        y, said = run(calotype, snapshot, x)
        expected = exact.run(None, {"x": x})[0]
        assert y.shape == expected.shape
        assert snr_db(expected, y) > 25, (height, width)
        assert ("planned anew" in said) == ((height, width) != (24, 24)), said
        assert run(calotype, snapshot, x, "--kernels", "reference")[0].tobytes() == y.tobytes()
        assert run(calotype, snapshot, x, "--threads", 1)[0].tobytes() == y.tobytes()


def refusal(calotype: Command, snapshot: Path, x: np.ndarray, names: str) -> str:
    np.savez(snapshot.parent / "in.npz", x=x)
    output = snapshot.parent / "refused.npz"
    refused = calotype.refuses("run", snapshot, "--input", snapshot.parent / "in.npz", "--output", output, names=names)
    assert not output.exists()
    return refused.stderr


# x[:, :, :H / 2]: no distance from an end, so the constant holds at one size.
HALVED = [*first(), helper.make_node("Shape", ["x"], ["shape"], name="shape of x"), integers("rows_and_columns", 2),
          integers("two", 2), integers("zero", 0), integers("three", 3),
          helper.make_node("Slice", ["shape", "two", "three"], ["height"], name="height"),
          helper.make_node("Div", ["height", "two"], ["half"], name="half"),
          slice_of("b", "c", "zero", "half"), helper.make_node("Conv", ["c", "w2"], ["y"], name="last")]
# A tail that the NPU leaves to the CPU, with the shape of a value that is not there any more: nothing else reads it.
FOLDED = [*first(), helper.make_node("DepthToSpace", ["b"], ["c"], name="shuffle", blocksize=4, mode="CRD"),
          helper.make_node("Unsqueeze", ["c", "two"], ["t"], name="frame"), integers("two", 2), integers("three", 3),
          helper.make_node("Shape", ["t"], ["shape"], name="shape of t"), integers("one", 1),
          helper.make_node("Gather", ["shape", "three"], ["rows"], name="rows"),
          helper.make_node("Concat", ["one", "rows", "minus"], ["to"], name="to", axis=0), integers("minus", -1),
          helper.make_node("Reshape", ["c", "to"], ["y"], name="fold")]
REPEATED = [*first(), integers("rows", 2), integers("columns", 3), integers("zero", 0), integers("one", 1),
            helper.make_node("Slice", ["b", "zero", "one", "rows"], ["row"], name="row"),
            helper.make_node("Slice", ["b", "zero", "one", "columns"], ["column"], name="column"),
            helper.make_node("Add", ["row", "column"], ["y"], name="add")]
REDUCED = [*first(), helper.make_node("ReduceMean", ["b"], ["y"], name="means", axes=[3])]
SAME = [*first(auto_pad="SAME_UPPER", strides=[2, 2]), helper.make_node("Conv", ["b", "w2"], ["y"], name="last")]


@pytest.mark.parametrize("nodes, rank, named", [
    (SAME, 4, "layer `relu` holds a constant that came from the shape: the pads of `first`, by auto_pad SAME_UPPER"),
    (HALVED, 4, "layer `c` holds a constant that came from the shape: `half`, computed from the shape of `x`"),
    (FOLDED, 3, "node `fold`, holds a constant that came from the shape: `to`, computed from the shape of `t`"),
    (REPEATED, 4, "layer `add/Resize_1` holds a constant that came from the shape: how often `add` repeats one map over"),
    (REDUCED, 4, "layer `means` holds a constant that came from the shape: the length of the axes that `means` reduces"),
], ids=["pads", "bound", "reshape", "broadcast", "reduction"])
def test_a_constant_that_came_from_the_shape_binds_the_size(calotype: Command, tmp_path: Path, nodes, rank, named):
    nodes = sorted(nodes, key=lambda node: node.op_type != "Constant")
    file = model(tmp_path / "m.onnx", nodes, rank)
    snapshot = compiled(calotype, tmp_path, file)
    run(calotype, snapshot, image(24, 24))
    said = refusal(calotype, snapshot, image(31, 31), named)
    assert "24, 24" in said and "31, 31" in said
    asked = ["compile", file, "-o", tmp_path / "no", "--images", 2, "--samples"]
    calotype.refuses(*asked, tmp_path / "samples.npz", "--shape", "x=1x3x31x31", names=named)
    folder = tmp_path / "samples"
    folder.mkdir()
    np.save(folder / "a.npy", image(24, 24))
    np.save(folder / "b.npy", image(31, 31))
    assert "b.npy" in calotype.refuses(*asked, folder, names=named).stderr
    assert not (tmp_path / "no").exists()


def test_the_height_is_not_taken_for_the_width_of_a_square(calotype: Command, tmp_path: Path):
    """Axis 3 was W and is H: as long in a square, and in any larger square."""
    before = [integers("two", 2), helper.make_node("Unsqueeze", ["x", "two"], ["y"], name="before")]
    file = model(tmp_path / "m.onnx", before, 5)
    snapshot = compiled(calotype, tmp_path, file)
    run(calotype, snapshot, image(24, 24))
    refusal(calotype, snapshot, image(24, 31), "`before`, holds a constant that came from the shape")


def test_a_network_of_squares_takes_other_squares(calotype: Command, tmp_path: Path):
    turned = [*first(), helper.make_node("Transpose", ["b"], ["t"], name="turn", perm=[0, 1, 3, 2]),
              helper.make_node("Add", ["b", "t"], ["y"], name="add")]
    snapshot = compiled(calotype, tmp_path, model(tmp_path / "m.onnx", turned))
    y, _ = run(calotype, snapshot, image(31, 31))
    assert y.shape == (1, 16, 31, 31)


@pytest.mark.parametrize("start", [-1, 20])
def test_a_flip_keeps_the_size_free(calotype: Command, tmp_path: Path, start):
    """From the end, or from a column that a smaller map does not have."""
    flip = [integers("start", start), integers("end", -2**31), integers("columns", 3), integers("back", -1),
            helper.make_node("Slice", ["b", "start", "end", "columns", "back"], ["y"], name="flip")]
    file = model(tmp_path / "m.onnx", sorted([*first(), *flip], key=lambda node: node.op_type != "Constant"))
    snapshot = compiled(calotype, tmp_path, file)
    exact = onnxruntime.InferenceSession(file)
    for x in (image(24, 24), image(9, 13), image(30, 31)):
        y, _ = run(calotype, snapshot, x)
        expected = exact.run(None, {"x": x})[0]
        assert y.shape == expected.shape
        assert snr_db(expected, y) > 25, x.shape


# [N, W] on the NPU has a scale for each of the W.
COLUMNS = [helper.make_node("ReduceMax", ["x"], ["most"], name="most", axes=[1, 2], keepdims=0),
           helper.make_node("ReduceMin", ["x"], ["least"], name="least", axes=[1, 2], keepdims=0),
           helper.make_node("Concat", ["most", "least"], ["y"], name="join", axis=1)]


def test_columns_that_are_channels_bind_the_size(calotype: Command, tmp_path: Path):
    file = model(tmp_path / "m.onnx", COLUMNS, 2)
    snapshot = compiled(calotype, tmp_path, file)
    said = refusal(calotype, snapshot, image(24, 31), "its channels would be")
    assert "24, 24" in said
    folder = tmp_path / "samples"
    folder.mkdir()
    np.save(folder / "a.npy", image(24, 24))
    np.save(folder / "b.npy", image(24, 31))
    calotype.refuses("compile", file, "-o", tmp_path / "no", "--samples", folder, "--images", 2,
                     names="`most`: its channels would be")


def compiled_at(calotype: Command, folder: Path, nodes: list[onnx.NodeProto], side: int) -> Path:
    file = model(folder / "m.onnx", sorted(nodes, key=lambda node: node.op_type != "Constant"))
    np.savez(folder / "samples.npz", x=image(side, side, 4))
    made = calotype("compile", file, "--samples", folder / "samples.npz", "-o", folder / "m.snapshot")
    assert made.code == 0, made.stderr
    return folder / "m.snapshot"


def test_one_pixel_says_nothing_of_other_sizes(calotype: Command, tmp_path: Path):
    """Three pixels fewer are one pixel again: not another size."""
    enlarge = [integers("sizes", 1, 3, 5, 5), helper.make_node("Resize", ["x", "", "", "sizes"], ["y"], name="enlarge")]
    snapshot = compiled_at(calotype, tmp_path, enlarge, 1)
    assert run(calotype, snapshot, image(1, 1))[0].shape == (1, 3, 5, 5)
    refusal(calotype, snapshot, image(2, 2), "enlarge")


def test_a_size_that_a_window_does_not_fit_is_not_tried(calotype: Command, tmp_path: Path):
    """A Slice of fewer than no rows ended ONNX Runtime, and the process with it."""
    row = [helper.make_node("Conv", ["x", "w1", "b1"], ["a"], name="wide", dilations=[1, 2]), integers("zero", 0),
           integers("one", 1), integers("columns", 3),
           helper.make_node("Slice", ["a", "zero", "one", "columns"], ["b"], name="column"), integers("shape", 1, 8, 2, 4),
           helper.make_node("Reshape", ["b", "shape"], ["y"], name="fold")]  # other sizes, larger ones too, fail here
    snapshot = compiled_at(calotype, tmp_path, row, 6)
    expected = onnxruntime.InferenceSession(tmp_path / "m.onnx").run(None, {"x": image(6, 6)})[0]
    assert snr_db(expected, run(calotype, snapshot, image(6, 6))[0]) > 25


def test_a_bound_that_larger_maps_reach_binds_the_size(calotype: Command, tmp_path: Path):
    """x[:, :, :24] of 24 rows, of 21 too, is all of them."""
    rows = [*first(), integers("zero", 0), integers("end", 24), integers("rows", 2),
            helper.make_node("Slice", ["b", "zero", "end", "rows"], ["y"], name="most")]
    snapshot = compiled_at(calotype, tmp_path, rows, 24)
    assert run(calotype, snapshot, image(24, 24))[0].shape == (1, 16, 24, 24)
    refusal(calotype, snapshot, image(31, 24), "node `most` becomes other layers at another size")


def test_a_bound_far_beyond_the_map_holds_where_there_is_more(calotype: Command, tmp_path: Path):
    rows = [*first(), integers("zero", 0), integers("end", 200), integers("rows", 2),
            helper.make_node("Slice", ["b", "zero", "end", "rows"], ["y"], name="most")]
    snapshot = compiled_at(calotype, tmp_path, rows, 24)
    assert run(calotype, snapshot, image(31, 24))[0].shape == (1, 16, 31, 24)
    assert run(calotype, snapshot, image(203, 24))[0].shape == (1, 16, 200, 24)


OTHER_LAYERS = "node `{}` becomes other layers at another size: `{}`, computed from the shape of `{}`"


# Of 24 and 27 pixels these leave over the same, of 25 they do not.
THIRDS = [*first(auto_pad="SAME_UPPER", strides=[3, 3]), helper.make_node("Conv", ["b", "w2"], ["y"], name="last")]
ROUNDED_UP = [*first(), helper.make_node("MaxPool", ["b"], ["y"], name="third", kernel_shape=[2, 2], strides=[3, 3], ceil_mode=1)]


@pytest.mark.parametrize("nodes, named", [(THIRDS, "`first`, by auto_pad SAME_UPPER"), (ROUNDED_UP, "`third`, by ceil_mode")])
def test_pads_by_what_a_stride_leaves_over_bind_the_size(calotype: Command, tmp_path: Path, nodes, named):
    snapshot = compiled(calotype, tmp_path, model(tmp_path / "m.onnx", nodes))
    run(calotype, snapshot, image(24, 24))
    refusal(calotype, snapshot, image(25, 24), f"the pads follow what a stride leaves over of the size: {named}")


@pytest.mark.parametrize("nodes,said_of_it", [
    (BACK, OTHER_LAYERS.format("back", "to", "x")),
    (CROPPED, OTHER_LAYERS.format("e", "size", "b")),
    (BY_HALF_PIXELS, "node `back` runs on the NPU at one size and on the CPU at the other ("),
], ids=["resize", "crop", "split"])
def test_sizes_between_those_that_work_are_refused(calotype: Command, tmp_path: Path, nodes, said_of_it):
    snapshot = compiled(calotype, tmp_path, model(tmp_path / "m.onnx", nodes))
    assert npu_only(calotype, snapshot)
    assert "in steps of 2" in calotype("inspect", snapshot).stdout
    assert run(calotype, snapshot, image(30, 18))[0].shape == (1, 16, 30, 18)
    said = refusal(calotype, snapshot, image(27, 24), "serves sizes in steps of 2 from [1, 3, 24, 24]")
    assert said_of_it in said and ", limit " not in said


def test_a_classifier_of_one_size_is_refused_at_others_with_the_cause(calotype: Command, tmp_path: Path):
    """Flatten and Gemm: the file leaves the size free, its weights do not."""
    weights = np.random.default_rng(9).normal(size=(5, 16 * 24 * 24)).astype(np.float32)
    nodes = [*first(), helper.make_node("Flatten", ["b"], ["c"], name="flatten"),
             helper.make_node("Gemm", ["c", "fc"], ["y"], name="classify", transB=1)]
    snapshot = compiled(calotype, tmp_path, model(tmp_path / "m.onnx", nodes, 2, fc=weights))
    run(calotype, snapshot, image(24, 24))
    assert "Gemm" in refusal(calotype, snapshot, image(32, 32), "no other was found that it can have")


def test_a_size_beyond_a_layers_limit_is_refused_with_it(calotype: Command, tmp_path: Path):
    snapshot = compiled(calotype, tmp_path, model(tmp_path / "m.onnx", POOLED, 2))
    run(calotype, snapshot, image(32, 64))
    assert "4096 pixels" in refusal(calotype, snapshot, image(64, 64), "2048")


def test_the_codes_of_every_layer_at_another_size(calotype: Command, tmp_path: Path):
    snapshot = compiled(calotype, tmp_path, model(tmp_path / "m.onnx", WHOLE))
    y, _ = run(calotype, snapshot, image(30, 18, 2), "--layers-output", tmp_path / "layers.npz")
    port = json.loads(calotype("inspect", snapshot, "--json").stdout)["outputs"][0]
    with np.load(tmp_path / "layers.npz") as layers:
        shapes = [layers[name].shape for name in layers.files]
        last = layers[layers.files[-1]].astype(np.float32)
    assert (2, 30, 18, 16) in shapes and last.shape == (2, *y.shape[2:], y.shape[1])
    reals = (last - np.float32(port["zero_point"])) * np.float32(port["scale"])
    assert np.array_equal(reals.transpose(0, 3, 1, 2), y)

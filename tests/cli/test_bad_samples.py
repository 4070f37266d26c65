"""Samples that cannot be used."""

import json
import os
import shutil
import struct
import zipfile
import zlib

import cv2
import numpy as np
import pytest

import models
from conftest import DIGITS, ROOT, compile_digits

JPEGS = ROOT / "tests/samples/data"
IMAGE = np.zeros((4, 1, 8, 8), np.float32)
CASES = {
    "wrong name": ({"picture": IMAGE}, "picture"),
    "channels last": ({"image": np.zeros((4, 8, 8, 1), np.float32)}, "numpy.moveaxis(array, -1, 1)"),
    "one of channels last": ({"image": np.zeros((8, 8, 1), np.float32)}, "numpy.moveaxis(array, -1, 0)"),
    "other names alone": ({"mask": IMAGE, "label": IMAGE}, "`label`"),
    "wrong shape": ({"image": np.zeros((4, 1, 9, 8), np.float32)}, "9"),
    "wrong rank": ({"image": np.zeros((8,), np.float32)}, "image"),
    "wrong type": ({"image": IMAGE.astype(np.float64)}, "float64"),
    "no numbers": ({"image": np.array([["a"]])}, "its type is string, the input `image` takes float32"),
    "no samples": ({"image": IMAGE[:0]}, "5 to 20 are advised"),
}


@pytest.mark.parametrize("name", CASES)
def test_samples_that_do_not_match(calotype, tmp_path, name):
    arrays, fault = CASES[name]
    given = models.samples(tmp_path / "samples.npz", **arrays)
    calotype.refuses(*compile_digits(given, tmp_path / "out"), names=fault)
    assert [path.name for path in tmp_path.iterdir()] == ["samples.npz"]


def test_samples_that_are_not_there(calotype, tmp_path):
    calotype.refuses(*compile_digits(tmp_path / "none.npz", tmp_path / "out"), names="none.npz")
    calotype.refuses(*compile_digits(tmp_path, tmp_path / "out"), names=str(tmp_path))
    empty = calotype.refuses(*compile_digits(tmp_path, tmp_path / "out"), names="no .npy")
    assert "put at least one sample into it" in empty.stderr
    assert "--images says how many" in calotype.refuses(*compile_digits("0", tmp_path / "out"), names="`0`").stderr
    (tmp_path / "cut.npz").write_bytes((DIGITS / "calibration.npz").read_bytes()[:500])
    calotype.refuses(*compile_digits(tmp_path / "cut.npz", tmp_path / "out"), names="cut.npz")


def test_inputs_that_do_not_match_a_snapshot(calotype, compiled, tmp_path):
    output = tmp_path / "out.npz"
    for name, (arrays, fault) in CASES.items():
        given = models.samples(tmp_path / "in.npz", **arrays)
        calotype.refuses("run", compiled, "--input", given, "--output", output, names=fault)
        assert not output.exists(), name


def npy(head: str, data: bytes = b"", version: int = 1) -> bytes:
    text = head.encode()
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text + data


def head(shape: str, descr: str = "'<f4'", fortran: bool = False) -> str:
    return f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}"


def zipped(*entries, method=zipfile.ZIP_STORED):
    def write(path):
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, data in entries:
                archive.writestr(name, data)

    return write


def encrypted(path):
    zipped(("image.npy", GOOD))(path)
    head, directory = path.read_bytes().split(b"PK\x01\x02", 1)
    path.write_bytes(head + b"PK\x01\x02" + directory[:4] + b"\x01" + directory[5:])  # bit 0 of the entry's flags


PIXELS = IMAGE.tobytes()
GOOD = npy(head("(4, 1, 8, 8)"), PIXELS)
FILES = {
    "no zip": (lambda path: path.write_bytes(np.random.default_rng(1).bytes(5000)), "no zip archive"),
    "no entries": (zipped(), "`image`"),
    "an empty array file": (zipped(("image.npy", b"")), "`image`"),
    "Python objects": (lambda path: np.savez(path, image=np.array([{}], dtype=object)), "|O"),
    "records": (lambda path: np.savez(path, image=np.zeros(3, dtype=[("a", "f4")])), "record"),
    "big-endian numbers": (lambda path: np.savez(path, image=IMAGE.astype(">f4")), ">f4"),
    "an unknown version": (zipped(("image.npy", npy("{}", version=9))), "format"),
    "a head without keys": (zipped(("image.npy", npy("{}"))), "descr"),
    "a head of 4 GiB": (zipped(("image.npy", b"\x93NUMPY\x02\0\xff\xff\xff\xff" + bytes(100))), "header"),
    "a head that says a field twice": (
        zipped(("image.npy", npy(head("(4, 1, 8, 8)").replace("{", "{'descr': '<f8', "), PIXELS))), "`descr` twice"),
    "an absurd shape": (zipped(("image.npy", npy(head(f"({1 << 62}, 1, 8, 8)")))), "64 bits"),
    "a large shape": (zipped(("image.npy", npy(head("(1000000000, 1, 8, 8)")))), "asks for"),
    "a negative shape": (zipped(("image.npy", npy(head("(-4, 1, 8, 8)")))), "-4"),
    "a shape of 20,000 axes": (zipped(("image.npy", npy(head("(" + "1, " * 20000 + ")")))), "20000 axes"),
    "less data than its shape": (zipped(("image.npy", GOOD[:-4])), "bytes"),
    "one array twice": (zipped(("image.npy", GOOD), ("image.npy", GOOD)), "twice"),
    "a name that leads elsewhere": (zipped(("../../image.npy", GOOD)), "../../image"),
    "60,000 entries": (zipped(*((f"a{i}.npy", b"") for i in range(60000))), "a0"),
    "another compression": (zipped(("image.npy", GOOD), method=zipfile.ZIP_BZIP2), "compression method"),
    "an encrypted entry": (encrypted, "it is encrypted"),
    "a bomb of another shape": (
        zipped(("image.npy", GOOD + bytes(100_000_000)), method=zipfile.ZIP_DEFLATED), "bytes"),
    "NaN": (zipped(("image.npy", npy(head("(4, 1, 8, 8)"), struct.pack("<f", float("nan")) + PIXELS[4:]))), "`image`"),
    "infinities": (lambda path: np.savez(path, image=np.full_like(IMAGE, np.inf)), "`logits`"),
    "a fifo": (os.mkfifo, "regular file"),
    "an endless device": (lambda path: path.symlink_to("/dev/zero"), "regular file"),
    "a link to itself": (lambda path: path.symlink_to(path), "samples.npz"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", FILES)
def test_hostile_samples(calotype, tmp_path, name):
    write, fault = FILES[name]
    path = tmp_path / "samples.npz"
    write(path)
    calotype.refuses(*compile_digits(path, tmp_path / "out"), names=fault)
    assert [path.name for path in tmp_path.iterdir()] == ["samples.npz"]


def test_an_archive_changed_anywhere(calotype, tmp_path):
    """Refused, or read as what it still is: never a crash."""
    good = (DIGITS / "calibration.npz").read_bytes()
    rng = np.random.default_rng(3)
    for position in (0, len(good) - 1, *rng.integers(0, len(good), 10), *rng.integers(len(good) - 200, len(good), 10)):
        changed = bytearray(good)
        changed[position] ^= 1 << int(rng.integers(8))
        (tmp_path / "samples.npz").write_bytes(changed)
        outcome = calotype(*compile_digits(tmp_path / "samples.npz", tmp_path / "out"))
        assert outcome.code in (0, 1), outcome.stderr
        assert (outcome.code == 0) == (tmp_path / "out").exists()
        shutil.rmtree(tmp_path / "out", ignore_errors=True)


def png(width: int, height: int, depth: int = 8, color: int = 0, rows: bytes | None = None) -> bytes:
    """A picture of zeros; color 0 is gray, 2 RGB."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    if rows is None:
        rows = bytes((1 + width * (3 if color == 2 else 1) * depth // 8) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def jpeg_of_scans(count):
    """A few bytes each, and each goes over all pixels."""
    whole = cv2.imencode(".jpg", np.zeros((1024, 1024), np.uint8), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    last = whole.rindex(b"\xff\xda")
    return whole[:last] + whole[last:-2] * count + whole[-2:]


JPEG = (JPEGS / "gray.jpg").read_bytes()
PICTURES = {
    "an empty picture": ("a.png", b"", "a.png"),
    "a cut picture": ("a.png", png(8, 8)[:-30], "a.png"),
    "no rows": ("a.png", png(8, 8, rows=b""), "a.png"),
    "an absurd size": ("a.png", png(1 << 30, 1 << 30, rows=b""), "a.png"),
    "a JPEG cut in its pixels": ("a.jpg", JPEG[:-4], "Premature end"),
    "a JPEG cut in its tables": ("a.jpg", JPEG[: len(JPEG) // 2], "a.jpg"),
    "the head of a JPEG": ("a.jpg", JPEG[:20], "a.jpg"),
    "a JPEG of 1,000 scans": ("a.jpg", jpeg_of_scans(1000), "more than 100 scans"),
    "no picture": ("a.jpeg", b"GIF89a" + bytes(100), "a.jpeg"),
    "no file of a known kind": ("a.txt", b"text", "no .npy"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_hostile_pictures(calotype, tmp_path, name):
    file, data, fault = PICTURES[name]
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / file).write_bytes(data)
    calotype.refuses(*compile_digits(folder, tmp_path / "out"), "--images", "1", names=fault)
    assert not (tmp_path / "out").exists()


def test_a_folder_of_two_kinds(calotype, tmp_path):
    (tmp_path / "a.png").write_bytes(png(8, 8))
    np.save(tmp_path / "b.npy", IMAGE)
    calotype.refuses(*compile_digits(tmp_path, tmp_path / "out"), names="1 arrays and 1 images")


def test_odd_pictures_that_are_fine(calotype, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, data in {"one": png(1, 1), "deep": png(8, 8, 16), "color": png(5, 9, 8, 2), "wide": png(900, 1)}.items():
        (folder / f"{name}.png").write_bytes(data)
    outcome = calotype(*compile_digits(folder, tmp_path / "out"))
    assert outcome.code == 0, outcome.stderr


def test_a_large_picture_for_a_small_network(calotype, tmp_path):
    """It lies in memory once, as the 50 MB of its bytes, and is decoded once."""
    model = models.conv(np.ones((4, 3, 3, 3), np.float32), dims=(1, 3, 8, 8))
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(png(4096, 4096, color=2))
    outcome = calotype("compile", tmp_path / "model.onnx", "--samples", tmp_path / "pictures", "-o", tmp_path / "out")
    assert outcome.code == 0, outcome.stderr
    assert outcome.peak_bytes < 120 << 20, outcome.peak_bytes


def test_deflated_samples_are_read_in_linear_time(calotype, tmp_path):
    """A pass reads each of them twice: from the beginning each time, these would take a minute."""
    (tmp_path / "model.onnx").write_bytes(models.conv(dims=("N", 2, 32, 32)).SerializeToString())
    x = np.random.default_rng(1).normal(size=(2000, 2, 32, 32)).astype(np.float32)
    np.savez_compressed(tmp_path / "samples.npz", x=x)
    outcome = calotype("compile", tmp_path / "model.onnx", "--samples", tmp_path / "samples.npz", "--images", 2000,
                       "-o", tmp_path / "out")
    assert outcome.code == 0, outcome.stderr
    assert outcome.seconds < 15, outcome.seconds


def test_options_that_do_not_apply_are_refused(calotype, tmp_path):
    told = calotype(*compile_digits(DIGITS / "calibration.npz", tmp_path / "s"), "--mean", "0")
    assert told.code == 2 and told.stderr.startswith("OPTION_UNUSED: `--mean`") and not (tmp_path / "s").exists()
    calotype.refuses("explain", DIGITS / "digits.onnx", "--shape", "nope=1x1x8x8", names="`image`")


def test_arrays_that_are_no_input_are_left_out_with_a_note(calotype, compiled, tmp_path):
    with np.load(DIGITS / "calibration.npz") as arrays:
        np.savez(tmp_path / "labelled.npz", image=arrays["image"], label=np.array(["a"] * 20), more=np.zeros(3))
    outcome = calotype(*compile_digits(tmp_path / "labelled.npz", tmp_path / "out"))
    note = "left out, as the model has no such input: `label`, `more`"
    assert outcome.code == 0 and outcome.stderr.count(note) == 1, outcome.stderr
    for file in compiled.iterdir():
        assert file.read_bytes() == (tmp_path / "out" / file.name).read_bytes(), file.name
    outcome = calotype("run", compiled, "--input", tmp_path / "labelled.npz", "--output", tmp_path / "out.npz")
    assert outcome.code == 0 and outcome.stderr.count(note) == 1, outcome.stderr


def test_samples_without_variation_are_warned_of(calotype, tmp_path):
    with np.load(DIGITS / "calibration.npz") as arrays:
        images = arrays["image"][:4].copy()
    images[2] = 3
    np.savez(tmp_path / "one.npz", image=images)
    outcome = calotype(*compile_digits(tmp_path / "one.npz", tmp_path / "out"))
    warning = "input `image` is one value throughout in 1 of 4 samples, first in sample 2 (3)"
    assert outcome.code == 0 and warning in outcome.stderr, outcome.stderr
    assert [text for text in json.loads((tmp_path / "out/report.json").read_text())["warnings"] if warning in text]
    np.savez(tmp_path / "zeros.npz", image=IMAGE)
    outcome = calotype(*compile_digits(tmp_path / "zeros.npz", tmp_path / "out"))
    assert outcome.code == 0 and "input `image` is 0 throughout all 4 samples" in outcome.stderr, outcome.stderr


def test_images_of_several_sizes_for_a_network_of_one(calotype, tmp_path):
    """Height and width are free in the file, but what comes behind the Flatten holds them."""
    from onnx import TensorProto, helper, numpy_helper
    import onnx

    weights = np.random.default_rng(0).normal(size=(192, 10)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["r"]), helper.make_node("Flatten", ["r"], ["f"]), helper.make_node("MatMul", ["f", "w"], ["y"])], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, "H", "W"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 10])], [numpy_helper.from_array(weights, "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    folder = tmp_path / "pictures"
    folder.mkdir()
    noise = np.random.default_rng(1)
    for name, (width, height) in {"a": (8, 8), "b": (8, 8), "c": (9, 7), "d": (8, 8)}.items():
        rows = b"".join(b"\0" + noise.bytes(3 * width) for _ in range(height))
        (folder / f"{name}.png").write_bytes(png(width, height, color=2, rows=rows))
    arguments = ["compile", tmp_path / "m.onnx", "--samples", folder, "-o", tmp_path / "out"]
    refused = calotype.refuses(*arguments, names="SAMPLE_SIZES")
    assert "a.png" in refused.stderr and "c.png" in refused.stderr and "b.png" not in refused.stderr, refused.stderr
    assert "[1, 3, 8, 8]" in refused.stderr and "[1, 3, 7, 9]" in refused.stderr and "--resize HEIGHTxWIDTH" in refused.stderr
    assert not (tmp_path / "out").exists()
    assert calotype(*arguments, "--resize", "8x8").code == 0

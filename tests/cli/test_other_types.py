"""Files of strings and of types that the NPU never sees: compiled, run, shown, verified; spoilt ones refused."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

WORDS = np.array([["calo", "type"], ["négatif", "1841"], ["", "\U0001f4f7"]])


def value(name, kind, dims):
    return helper.make_tensor_value_info(name, kind, dims)


@pytest.fixture
def model(tmp_path):
    """y = x + "!", and the codes c of INT4 as numbers."""
    graph = helper.make_graph(
        [helper.make_node("StringConcat", ["x", "tail"], ["y"]),
         helper.make_node("Cast", ["c"], ["numbers"], to=TensorProto.FLOAT)], "g",
        [value("x", TensorProto.STRING, ["N", 2]), value("c", TensorProto.INT4, ["N", 3])],
        [value("y", TensorProto.STRING, ["N", 2]), value("numbers", TensorProto.FLOAT, ["N", 3])],
        [TensorProto(name="tail", data_type=TensorProto.STRING, dims=[1], string_data=[b"!"])])
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)
    return path


CODES = np.uint8([[0, 7, 8], [15, 1, 9], [2, 3, 4]])
NUMBERS = np.float32([[0, 7, -8], [-1, 1, -7], [2, 3, 4]])


def compile_(model, samples):
    return ("compile", model, "--samples", samples, "-o", model.with_name("s"), "--npu", "none", "--images", 1)


def saved(folder, **arrays):
    np.savez(folder / "in.npz", **arrays)
    return folder / "in.npz"


@pytest.mark.parametrize("order", ["C", "F"])
def test_from_file_to_file(calotype, tmp_path, model, order):
    arrays = {"x": np.asarray(WORDS, order=order), "c": np.asarray(CODES, order=order)}
    given = saved(tmp_path, **arrays)
    assert calotype(*compile_(model, given)).code == 0
    assert calotype("run", tmp_path / "s", "--input", given, "--output", tmp_path / "out.npz").code == 0
    outputs = np.load(tmp_path / "out.npz")
    assert outputs["y"].dtype == "<U8" and outputs["y"].tolist() == [[word + "!" for word in row] for row in WORDS]
    np.testing.assert_array_equal(outputs["numbers"], NUMBERS)
    assert calotype("verify", tmp_path / "s", "--model", model, "--samples", given).code == 0
    shown = json.loads(calotype("inspect", tmp_path / "s", "--json").stdout)
    assert [port["type"] for port in shown["inputs"] + shown["outputs"]] == ["string", "int4", "string", "float32"]
    assert calotype("bench", tmp_path / "s", "--rounds", 2).code == 0
    assert calotype("explain", model, "--npu", "none").code == 0


def test_what_ml_dtypes_saves_is_what_its_codes_are(calotype, tmp_path, model):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    hashes = set()
    for codes in (CODES, CODES.view(ml_dtypes.int4)):
        assert calotype(*compile_(model, saved(tmp_path, x=WORDS, c=codes))).code == 0
        hashes.add(json.loads((tmp_path / "s" / "manifest.json").read_text())["samples_sha256"])
    assert len(hashes) == 1


def test_an_output_in_codes(calotype, tmp_path):
    graph = helper.make_graph([helper.make_node("Cast", ["x"], ["y"], to=TensorProto.UINT4)], "g",
                              [value("x", TensorProto.FLOAT, ["N", 3])], [value("y", TensorProto.UINT4, ["N", 3])])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), tmp_path / "m.onnx")
    np.save(tmp_path / "x.npy", np.abs(NUMBERS))
    assert calotype("compile", tmp_path / "m.onnx", "--samples", tmp_path / "x.npy", "-o", tmp_path / "s").code == 0
    assert calotype("run", tmp_path / "s", "--input", tmp_path / "x.npy", "--output", tmp_path / "y.npy").code == 0
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy").view(np.uint8), np.abs(NUMBERS).astype(np.uint8))


BAD = {
    "numbers for strings": (dict(x=np.zeros((1, 2), np.float32)), "its type is float32, the input `x` takes string"),
    "bytes for strings": (dict(x=np.array([[b"a", b"b"]])), "its type is `|S1`"),
    "objects for strings": (dict(x=WORDS.astype(object)), "its type is `|O`"),
    "strings for codes": (dict(c=WORDS[:, :1].repeat(3, 1)), "its type is string, the input `c` takes int4"),
    "a code too many": (dict(c=np.uint8([[0, 16, 1]] * 3)), "element 1 is 16, the codes of int4 are 0 to 15"),
    "signed numbers for codes": (dict(c=np.int8([[0, 1, 2]])), "its type is int8, the input `c` takes int4"),
    "another shape": (dict(x=WORDS[:, :1]), "its shape is [3, 1], the input `x` takes [any, 2]"),
}


@pytest.mark.parametrize("name", BAD)
def test_samples_of_another_type(calotype, tmp_path, model, name):
    arrays, fault = BAD[name]
    calotype.refuses(*compile_(model, saved(tmp_path, **{"x": WORDS, "c": CODES, **arrays})), names=fault)
    assert not (tmp_path / "s").exists()


def test_a_character_that_is_none(calotype, tmp_path, model):
    surrogate = np.array([["ab"]]).tobytes().replace("b".encode("utf-32-le"), b"\0\xd8\0\0")
    given = saved(tmp_path, x=np.frombuffer(surrogate + bytes(8), "<U2").reshape(1, 2), c=CODES[:1])
    calotype.refuses(*compile_(model, given), names="its string 0 holds what is no Unicode character")


def test_an_output_that_a_file_cannot_hold(calotype, tmp_path):
    """NumPy would drop the NUL at its end."""
    tail = TensorProto(name="tail", data_type=TensorProto.STRING, dims=[1], string_data=[b"\0"])
    graph = helper.make_graph([helper.make_node("StringConcat", ["x", "tail"], ["y"])], "g",
                              [value("x", TensorProto.STRING, ["N", 1])], [value("y", TensorProto.STRING, ["N", 1])],
                              [tail])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), tmp_path / "m.onnx")
    np.save(tmp_path / "x.npy", WORDS[:, :1])
    assert calotype("compile", tmp_path / "m.onnx", "--samples", tmp_path / "x.npy", "-o", tmp_path / "s").code == 0
    calotype.refuses("run", tmp_path / "s", "--input", tmp_path / "x.npy", "--output", tmp_path / "y.npz",
                     names="one ends in a NUL character")
    assert not (tmp_path / "y.npz").exists()


def test_an_array_of_no_samples(calotype, tmp_path):
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [value("x", TensorProto.FLOAT, ["N", 3])],
                              [value("y", TensorProto.FLOAT, ["N", 3])])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), tmp_path / "m.onnx")
    np.save(tmp_path / "x.npy", np.zeros((0, 3), np.float32))
    compile_none = ("compile", tmp_path / "m.onnx", "--samples", tmp_path / "x.npy", "-o", tmp_path / "s")
    assert calotype(*compile_none, "--npu", "none").code == 0
    assert calotype("run", tmp_path / "s", "--input", tmp_path / "x.npy", "--output", tmp_path / "y.npy").code == 0
    assert np.load(tmp_path / "y.npy").shape == (0, 3)
    calotype.refuses(*compile_none, names="it holds no sample")

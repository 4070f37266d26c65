"""Sequences and optionals in files: `x[0]`, `x[1]` and so on, `x[]` without elements, no array where nothing is held."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import forge

X = np.arange(12, dtype=np.float32).reshape(4, 3)
FLOATS = helper.make_sequence_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, None))


@pytest.fixture
def snapshot(calotype, tmp_path):
    """ys = xs with `more` in front, where that is given; n = how many xs are."""
    graph = helper.make_graph(
        [helper.make_node("SequenceInsert", ["xs", "more", "first"], ["ys"]),
         helper.make_node("SequenceLength", ["xs"], ["n"])], "g",
        [helper.make_value_info("xs", FLOATS), helper.make_tensor_value_info("more", TensorProto.FLOAT, [1, 3])],
        [helper.make_value_info("ys", FLOATS), helper.make_tensor_value_info("n", TensorProto.INT64, [])],
        [onnx.numpy_helper.from_array(np.int64(0), "first")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    np.savez(tmp_path / "first.npz", **{"xs[0]": X, "xs[1]": X[:2], "more": X[:1]})
    made = calotype("compile", tmp_path / "m.onnx", "--samples", tmp_path / "first.npz", "--npu", "none", "-o",
                    tmp_path / "s")
    assert made.code == 0, made.stderr
    return tmp_path / "s"


def run(calotype, snapshot, output="y.npz", **arrays):
    path = snapshot.with_name("in.npz")
    np.savez(path, **arrays)
    return calotype("run", snapshot, "--input", path, "--output", snapshot.with_name(output))


def arrays_of(path):
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def test_elements_in_and_out(calotype, snapshot):
    ran = run(calotype, snapshot, **{"more": -X[:1], "xs[1]": X, "xs[0]": X[:3]})
    assert ran.code == 0, ran.stderr
    found = arrays_of(snapshot.with_name("y.npz"))
    assert sorted(found) == ["n", "ys[0]", "ys[1]", "ys[2]"] and found["n"] == 2
    for name, expected in (("ys[0]", -X[:1]), ("ys[1]", X[:3]), ("ys[2]", X)):
        assert found[name].tobytes() == expected.tobytes(), name
    assert calotype("verify", snapshot).code == 0


def test_no_elements(calotype, snapshot):
    ran = run(calotype, snapshot, **{"more": X[:1], "xs[]": np.zeros(0, np.float32)})
    assert ran.code == 0, ran.stderr
    found = arrays_of(snapshot.with_name("y.npz"))
    assert found["n"] == 0 and found["ys[0]"].tobytes() == X[:1].tobytes()


def test_a_folder_of_samples(calotype, snapshot, tmp_path):
    (tmp_path / "in").mkdir()
    for name, elements in (("a", [X]), ("b", [X, X[:1]])):
        np.savez(tmp_path / "in" / f"{name}.npz", more=X[:1], **{f"xs[{i}]": x for i, x in enumerate(elements)})
    ran = calotype("run", snapshot, "--input", tmp_path / "in", "--output", tmp_path / "out")
    assert ran.code == 0, ran.stderr
    assert arrays_of(tmp_path / "out" / "a.npz")["n"] == 1 and arrays_of(tmp_path / "out" / "b.npz")["n"] == 2
    joined = calotype("run", snapshot, "--input", tmp_path / "in", "--output", tmp_path / "y.npz")
    assert joined.code == 1 and "OUTPUT_SHAPE" in joined.stderr and "name a folder" in joined.stderr


@pytest.mark.parametrize("arrays, code, text", [
    ({"xs[0]": X, "xs[2]": X}, "SAMPLE_NAME", "it holds `xs[2]` without the elements before it"),
    ({"xs[0]": X, "xs[]": X[:0]}, "SAMPLE_NAME", "it holds `xs[0]` without the elements before it"),
    ({"xs[]": X}, "SAMPLE_SHAPE", "it stands for a sequence without elements"),
    ({"xs[1000000000000000000000]": X}, "SAMPLE_NAME", "it has no array for the input `xs`"),
    ({"xs[00]": X}, "SAMPLE_NAME", "it has no array for the input `xs`"),
    ({"xs[0]": X.astype(np.float64)}, "INPUT_TYPE", "its type is float64"),
    ({}, "SAMPLE_NAME", "give one array an input: `xs[0]`, ... or `xs[]`, `more`")])
def test_files_that_hold_no_such_sequence(calotype, snapshot, arrays, code, text):
    np.savez(snapshot.with_name("in.npz"), more=X[:1], **arrays)
    ran = calotype.refuses("run", snapshot, "--input", snapshot.with_name("in.npz"), "--output",
                           snapshot.with_name("y.npz"), names=text)
    assert code in ran.stderr and not snapshot.with_name("y.npz").exists()


def test_an_npy_holds_no_sequence(calotype, snapshot):
    ran = run(calotype, snapshot, "y.npy", more=X[:1], **{"xs[0]": X})
    assert ran.code == 1 and "OUTPUT_FORMAT" in ran.stderr, ran.stderr


def test_without_a_sample_its_elements_are_unknown(calotype, snapshot):
    told = calotype("explain", snapshot.with_name("m.onnx"))
    assert told.code == 1 and "SHAPE_FREE: input `xs`" in told.stderr, told.stderr


@pytest.mark.parametrize("field, value", [("kind", "map"), ("kind", "tensor"), ("dims", [3]), ("boundary", "uint8"),
                                          ("type", "float64"), ("kind", "optional tensor")])
def test_a_forged_port(calotype, snapshot, field, value):
    """Of a snapshot whose checksums are right: refused, or what ONNX Runtime is given it refuses; nothing crashes."""
    manifest = forge.read_manifest(snapshot)
    assert manifest["inputs"][0]["name"] == "xs" and manifest["inputs"][0]["kind"] == "sequence"
    assert "kind" not in manifest["inputs"][1]
    manifest["inputs"][0][field] = value
    forge.write_manifest(snapshot, manifest)
    np.savez(snapshot.with_name("in.npz"), **{"more": X[:1], "xs" if "tensor" in str(value) else "xs[0]": X})
    calotype.refuses("run", snapshot, "--input", snapshot.with_name("in.npz"), "--output", snapshot.with_name("y.npz"),
                     names="kind" if value == "map" else "xs")


@pytest.mark.parametrize("was, now, text", [
    (b'"input/xs[1]"', b'"input/xs[7]"', "`n`: element 0 is 1 instead of 2"),
    (b'"input/xs[0]"', b'"input/xs[9]"', "xs"),
    (b'"0/output/ys[2]"', b'"0/output/ys[3]"', "`ys[2]` is one too many")])
def test_golden_vectors_of_another_sequence(calotype, snapshot, was, now, text):
    golden = (snapshot / "golden.safetensors").read_bytes()
    assert golden.count(was) == 1
    forge.replace(snapshot, "golden.safetensors", golden.replace(was, now))
    told = calotype("verify", snapshot)
    assert told.code == 1 and text in told.stdout + told.stderr, told.stdout + told.stderr


def test_what_measures_a_snapshot_takes_them(calotype, snapshot):
    told = calotype("verify", snapshot, "--model", snapshot.with_name("m.onnx"), "--samples",
                    snapshot.with_name("first.npz"), "--json")
    assert told.code == 0, told.stderr
    assert [output["name"] for output in json.loads(told.stdout)["report"]["outputs"]] == ["ys", "n"]
    assert calotype("bench", snapshot, "--rounds", "1").code == 0

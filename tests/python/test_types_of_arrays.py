"""Inputs, outputs and constants of types that the NPU never sees: strings, float8, int4 and narrower ones, bit for bit."""

import calotype
import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

STRING, FLOAT = TensorProto.STRING, TensorProto.FLOAT
WORDS = np.array([["calo", "type"], ["négatif", ""]])
NARROW = {"float8_e4m3fn": TensorProto.FLOAT8E4M3FN, "float8_e4m3fnuz": TensorProto.FLOAT8E4M3FNUZ,
          "float8_e5m2": TensorProto.FLOAT8E5M2, "float8_e5m2fnuz": TensorProto.FLOAT8E5M2FNUZ,
          "float8_e8m0fnu": TensorProto.FLOAT8E8M0, "int4": TensorProto.INT4, "uint4": TensorProto.UINT4,
          "int2": TensorProto.INT2, "uint2": TensorProto.UINT2}


def value(name, kind, dims):
    return helper.make_tensor_value_info(name, kind, dims)


def save(path, nodes, inputs, outputs, constants=()):
    graph = helper.make_graph(nodes, "g", inputs, outputs, constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 25)], ir_version=12), path)
    return path


def joined_words(folder, constant=True):
    """y = x + tail, a constant or an input."""
    tail = TensorProto(name="tail", data_type=STRING, dims=[2], string_data=[b"!", "?\0é".encode()])
    inputs = [value("x", STRING, ["N", 2])] + [value("tail", STRING, [2])] * (not constant)
    return save(folder / "m.onnx", [helper.make_node("StringConcat", ["x", "tail"], ["y"])], inputs,
                [value("y", STRING, ["N", 2])], [tail] * constant)


def compiled(folder, model, sample):
    calotype.compile(model, [sample], folder / "s", npu="none", images=1)
    assert all(passed for _, passed, _ in calotype.verify(folder / "s"))
    return calotype.Runner(folder / "s")


@pytest.mark.parametrize("given", [WORDS, WORDS.astype(object), WORDS.tolist(),
                                   WORDS.astype(np.dtypes.StringDType())])
def test_strings_in_every_form(tmp_path, given):
    runner = compiled(tmp_path, joined_words(tmp_path), {"x": WORDS[:1]})
    assert runner.inputs == [("x", "string", [-1, 2])]
    found = runner.run({"x": given})["y"]  # a batch of two: run one by one, joined again
    assert found.dtype == object
    assert found.tolist() == [["calo!", "type?\0é"], ["négatif!", "?\0é"]]


def test_strings_with_a_nul_inside_and_at_the_end(tmp_path):
    runner = compiled(tmp_path, joined_words(tmp_path, constant=False), {"x": WORDS[:1], "tail": WORDS[0]})
    given = {"x": np.array([["a\0b", "c\0"]], object), "tail": np.array(["\0", ""], object)}
    assert runner.run(given)["y"].tolist() == [["a\0b\0", "c\0"]]


@pytest.mark.parametrize("bad, cause", [
    (np.array([["a", 3]], object), "element 1 is no str"),
    (np.array([["a", "\ud800"]], object), "element 1 holds half of a surrogate pair"),
    (np.array([[b"a", b"b"]]), "its type is bytes"),
    (np.zeros((1, 2), np.float32), "its type is float32, the input `x` takes string"),
])
def test_what_is_no_string(tmp_path, bad, cause):
    runner = compiled(tmp_path, joined_words(tmp_path), {"x": WORDS[:1]})
    with pytest.raises(calotype.Error, match=cause) as caught:
        runner.run({"x": bad})
    assert caught.value.code == "INPUT_TYPE"


def test_other_strings_make_another_snapshot(tmp_path):
    model = joined_words(tmp_path)
    hashes = set()
    for words in (["ab", "c"], ["a", "bc"], ["ab", "c"]):
        calotype.compile(model, [{"x": np.array([words])}], tmp_path / "s", npu="none", images=1)
        hashes.add(calotype.inspect(tmp_path / "s")["samples_sha256"])
    assert len(hashes) == 2


def codes_of(name):
    """Every code, and with the odd one more bytes whose last element fills no whole byte."""
    bits = {"int4": 4, "uint4": 4, "int2": 2, "uint2": 2}.get(name, 8)
    codes = np.arange(1 << bits, dtype=np.uint8)
    return np.concatenate([codes, codes[:1]])[None]


@pytest.mark.parametrize("name", NARROW)
@pytest.mark.parametrize("as_uint8", [False, True])
def test_a_narrow_input(tmp_path, name, as_uint8):
    codes = codes_of(name)
    typed = codes.view(getattr(ml_dtypes, name))
    model = save(tmp_path / "m.onnx", [helper.make_node("Cast", ["x"], ["y"], to=FLOAT)],
                 [value("x", NARROW[name], ["N", codes.size])], [value("y", FLOAT, ["N", codes.size])])
    runner = compiled(tmp_path, model, {"x": codes if as_uint8 else typed})
    assert runner.inputs[0][1] == name
    given = np.concatenate([codes, codes[:, ::-1]])
    found = runner.run({"x": given if as_uint8 else given.view(typed.dtype)})["y"]
    np.testing.assert_array_equal(found, given.view(typed.dtype).astype(np.float32))


@pytest.mark.parametrize("name", NARROW)
def test_a_narrow_output_and_constant(tmp_path, name):
    """The constant comes back as it is: by Transpose where ONNX Runtime has it for the type, else through float32."""
    codes = codes_of(name)
    typed = codes.view(getattr(ml_dtypes, name))
    exact = np.isfinite(typed.astype(np.float32))
    constant = onnx.numpy_helper.from_array(typed, "c")
    nodes = [helper.make_node("Cast", ["c"], ["f"], to=FLOAT), helper.make_node("Add", ["f", "x"], ["z"]),
             helper.make_node("Cast", ["z"], ["y"], to=NARROW[name])]
    model = save(tmp_path / "m.onnx", nodes, [value("x", FLOAT, [1, codes.size])],
                 [value("y", NARROW[name], [1, codes.size])], [constant])
    zeros = np.zeros((1, codes.size), np.float32)
    found = compiled(tmp_path, model, {"x": zeros}).run({"x": zeros})["y"]
    assert found.dtype == np.uint8
    expected = (typed.astype(np.float32) + zeros).astype(typed.dtype).view(np.uint8)
    np.testing.assert_array_equal(found[exact], expected[exact])


def test_codes_out_of_range(tmp_path):
    model = save(tmp_path / "m.onnx", [helper.make_node("Cast", ["x"], ["y"], to=FLOAT)],
                 [value("x", TensorProto.INT4, [3])], [value("y", FLOAT, [3])])
    with pytest.raises(calotype.Error, match="element 2 is 16, the codes of int4 are 0 to 15"):
        calotype.compile(model, [{"x": np.uint8([1, 15, 16])}], tmp_path / "s", npu="none", images=1)
    runner = compiled(tmp_path, model, {"x": np.uint8([1, 15, 2])})
    with pytest.raises(calotype.Error, match="element 0 is 200, the codes of int4"):
        runner.run({"x": np.uint8([200, 0, 0])})
    with pytest.raises(calotype.Error, match="its type is int8, the input `x` takes int4"):
        runner.run({"x": np.int8([1, 2, 3])})


@pytest.mark.parametrize("npu", ["none", "VE2802_NPU_IP_O00_A304_M3"])
def test_beside_a_network(tmp_path, npu):
    """A classifier with its labels: the convolutions may run on the NPU, the rest does not."""
    rng = np.random.default_rng(3)
    constants = [onnx.numpy_helper.from_array(rng.standard_normal((8, 3, 3, 3)).astype(np.float32), "w"),
                 helper.make_tensor("labels", STRING, [8], [f"class {i}" for i in range(8)])]
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"]), helper.make_node("Relu", ["c"], ["r"]),
             helper.make_node("GlobalAveragePool", ["r"], ["p"]), helper.make_node("Flatten", ["p"], ["scores"]),
             helper.make_node("ArgMax", ["scores"], ["i"], axis=1, keepdims=0),
             helper.make_node("Gather", ["labels", "i"], ["name"]),
             helper.make_node("StringConcat", ["prefix", "name"], ["label"]),
             helper.make_node("Cast", ["scores"], ["small"], to=TensorProto.FLOAT8E5M2)]
    model = save(tmp_path / "m.onnx", nodes, [value("x", FLOAT, ["N", 3, 16, 16]), value("prefix", STRING, ["N"])],
                 [value("label", STRING, ["N"]), value("small", TensorProto.FLOAT8E5M2, ["N", 8])], constants)
    x = rng.standard_normal((4, 3, 16, 16)).astype(np.float32)
    samples = [{"x": x[i:i + 1], "prefix": np.array(["a "])} for i in range(4)]
    calotype.compile(model, samples, tmp_path / "s", npu=npu)
    runner = calotype.Runner(tmp_path / "s")
    found = runner.run({"x": x, "prefix": np.array(["a ", "b ", "c ", "d "])})
    assert [text[:2] for text in found["label"]] == ["a ", "b ", "c ", "d "]
    one = runner.run({"x": x[2:3], "prefix": np.array(["c "])})
    assert one["label"][0] == found["label"][2] and (one["small"] == found["small"][2]).all()
    assert found["small"].dtype == np.uint8 and found["small"].shape == (4, 8)


def test_an_array_of_no_samples(tmp_path):
    nodes = [helper.make_node("Mul", ["x", "x"], ["y"])]
    model = save(tmp_path / "m.onnx", nodes, [value("x", FLOAT, ["N", 3])], [value("y", FLOAT, ["N", 3])])
    none = np.zeros((0, 3), np.float32)
    assert compiled(tmp_path, model, {"x": none}).run({"x": none})["y"].shape == (0, 3)
    with pytest.raises(calotype.Error, match="it holds no sample"):
        calotype.compile(model, [{"x": none}], tmp_path / "t", images=1)

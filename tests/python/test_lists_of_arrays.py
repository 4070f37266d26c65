"""Inputs and outputs that are sequences and optionals: lists of arrays and None, bit for bit those of ONNX Runtime."""

import calotype
import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
X = np.arange(12, dtype=np.float32).reshape(4, 3)


def tensor(dims=None, kind=FLOAT):
    return helper.make_tensor_type_proto(kind, dims)


def sequence(kind=FLOAT):
    return helper.make_sequence_type_proto(tensor(kind=kind))


def optional(of):
    return helper.make_optional_type_proto(of)


def model(nodes, inputs: dict, outputs: dict, constants: dict | None = None, opset=21):
    graph = helper.make_graph(
        nodes, "g", [helper.make_value_info(name, kind) for name, kind in inputs.items()],
        [helper.make_value_info(name, kind) for name, kind in outputs.items()],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in (constants or {}).items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def same(found, expected) -> bool:
    if isinstance(expected, list):
        return isinstance(found, list) and len(found) == len(expected) and all(map(same, found, expected))
    if expected is None:
        return found is None
    return found.dtype == expected.dtype and found.shape == expected.shape and found.tobytes() == expected.tobytes()


def compiled(given, sample: dict, folder, npu="none"):
    (folder / "m.onnx").write_bytes(given.SerializeToString())
    calotype.compile(folder / "m.onnx", [sample], folder / "s", npu=npu, images=1)
    return calotype.Runner(folder / "s")


def agree(given, sample: dict, folder, *others: dict):
    """The snapshot made with `sample` gives what ONNX Runtime gives, of `others` too."""
    runner = compiled(given, sample, folder)
    session = onnxruntime.InferenceSession(folder / "m.onnx", providers=["CPUExecutionProvider"])
    names = [output.name for output in given.graph.output]
    for feeds in (sample, *others):
        found = runner.run(feeds)
        assert list(found) == names
        for name, expected in zip(names, session.run(names, feeds)):
            assert same(found[name], expected), (name, found[name], expected)
    assert all(passed for _, passed, _ in calotype.verify(folder / "s"))
    return runner


def test_a_sequence_comes_out_beside_an_array(tmp_path):
    given = model([helper.make_node("SplitToSequence", ["x", "sizes"], ["parts"]), helper.make_node("Neg", ["x"], ["y"])],
                  {"x": tensor([4, 3])}, {"parts": sequence(), "y": tensor([4, 3])}, {"sizes": np.int64([1, 3])})
    runner = agree(given, {"x": X}, tmp_path, {"x": -X})
    assert runner.outputs == [("parts", "sequence(float32)", []), ("y", "float32", [4, 3])]
    assert [part.shape for part in runner.run({"x": X})["parts"]] == [(1, 3), (3, 3)]
    assert calotype.inspect(tmp_path / "s")["outputs"][0]["type"] == "sequence(float32)"


def test_a_sequence_goes_in_of_any_length_and_sizes(tmp_path):
    """What follows from the first sample's elements must not be taken for all."""
    given = model([helper.make_node("SequenceLength", ["xs"], ["n"]), helper.make_node("SequenceAt", ["xs", "last"], ["x"]),
                   helper.make_node("Shape", ["x"], ["shape"]), helper.make_node("Mul", ["shape", "two"], ["doubled"]),
                   helper.make_node("SequenceInsert", ["xs", "x"], ["ys"])],
                  {"xs": sequence()}, {"n": tensor([], INT64), "doubled": tensor([2], INT64), "ys": sequence()},
                  {"last": np.int64(-1), "two": np.int64(2)})
    agree(given, {"xs": [X, X[:1]]}, tmp_path, {"xs": [X[:1], X, X[:2]]}, {"xs": [X[:2]]})


def test_a_sequence_without_elements(tmp_path):
    given = model([helper.make_node("SequenceLength", ["xs"], ["n"]), helper.make_node("Identity", ["xs"], ["ys"])],
                  {"xs": sequence(INT64)}, {"n": tensor([], INT64), "ys": sequence(INT64)})
    runner = agree(given, {"xs": []}, tmp_path, {"xs": [np.int64([1, 2])]})
    assert runner.run({"xs": []})["ys"] == []


def through_a_loop(kind):
    """`y` is what went in, or after a trip what the body makes of it: an optional may be nothing."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Identity", ["a"], ["b"])], "body",
        [helper.make_value_info("i", tensor([], INT64)), helper.make_value_info("go", tensor([], TensorProto.BOOL)),
         helper.make_value_info("a", kind)],
        [helper.make_value_info("go_on", tensor([], TensorProto.BOOL)), helper.make_value_info("b", kind)])
    return model([helper.make_node("Loop", ["n", "", "x"], ["y"], body=body)], {"n": tensor([], INT64), "x": kind},
                 {"y": kind})


@pytest.mark.parametrize("kind, there", [(optional(tensor()), X), (optional(sequence()), [X, X[:1]]),
                                         (optional(sequence()), [])])
def test_optionals_that_hold_something_and_nothing(tmp_path, kind, there):
    given, trips = through_a_loop(kind), np.array(2)
    for first, then in ((there, None), (None, there)):
        runner = agree(given, {"n": trips, "x": first}, tmp_path, {"n": trips, "x": then})
        assert runner.run({"n": trips, "x": None})["y"] is None
        assert runner.run({"n": trips})["y"] is None
    assert runner.inputs[1][1] in ("optional(float32)", "optional(sequence(float32))")


def test_a_sequence_crosses_from_one_host_part_to_another(tmp_path):
    """An NPU part lies between them."""
    rng = np.random.default_rng(1)
    given = model(
        [helper.make_node("SplitToSequence", ["x", "sizes"], ["parts"], axis=1),
         helper.make_node("SequenceAt", ["parts", "first"], ["a"]),
         helper.make_node("Conv", ["a", "w"], ["c"], pads=[1] * 4), helper.make_node("Relu", ["c"], ["r"]),
         helper.make_node("Conv", ["r", "w"], ["d"], pads=[1] * 4),
         helper.make_node("SequenceInsert", ["parts", "d"], ["ys"])],
        {"x": tensor([1, 64, 48, 48])}, {"ys": sequence()},
        {"w": rng.normal(scale=0.06, size=(32, 32, 3, 3)).astype(np.float32), "first": np.int64(0),
         "sizes": np.int64([32, 32])}, opset=17)
    x = rng.normal(size=(1, 64, 48, 48)).astype(np.float32)
    runner = compiled(given, {"x": x}, tmp_path, npu="VE2802_NPU_IP_O00_A304_M3")
    assert [part["name"] for part in calotype.inspect(tmp_path / "s")["subgraphs"]] == ["CPU_0", "NPU_1", "CPU_2"]
    assert all(passed for _, passed, _ in calotype.verify(tmp_path / "s"))
    found = runner.run({"x": x})["ys"]
    expected = onnxruntime.InferenceSession(tmp_path / "m.onnx").run(None, {"x": x})[0]
    assert len(found) == 3 and same(found[:2], expected[:2])
    noise = np.square(found[2] - expected[2]).sum() / np.square(expected[2]).sum()
    assert 0 < noise < 1e-3  # 30 dB: 8 bits over two layers


def test_a_batch_is_not_cut(tmp_path):
    given = model([helper.make_node("SplitToSequence", ["x"], ["parts"])], {"x": tensor(["N", 3])}, {"parts": sequence()})
    runner = compiled(given, {"x": X[:1]}, tmp_path)
    with pytest.raises(calotype.Error, match="INPUT_SHAPE: input `x`: its shape is .4, 3.(.|\n)*its batch is not cut"):
        runner.run({"x": X})


def test_an_array_beside_a_sequence_is_a_sample_of_any_length(tmp_path):
    given = model([helper.make_node("SequenceInsert", ["xs", "x"], ["ys"])], {"xs": sequence(), "x": tensor(["N", 3])},
                  {"ys": sequence()})
    agree(given, {"xs": [X], "x": X}, tmp_path, {"xs": [], "x": -X})


@pytest.mark.parametrize("given, text", [
    ({"xs": X}, "INPUT_TYPE: input `xs`: it is a sequence, and no list of arrays was given"),
    ({"xs": [X, X.astype(np.float64)]}, "INPUT_TYPE: input `xs`: its type is float64"),
    ({"xs": None}, "INPUT_TYPE: input `xs`: it is a sequence"),
    ({}, "INPUT_MISSING: input `xs`: no sequence was given"),
    ({"xs[]": X}, r"INPUT_SHAPE: input `xs\[\]`: its shape is"),
    ({"xs[0]": X, "xs[2]": X}, r"INPUT_UNKNOWN: input `xs\[2\]`")])
def test_what_is_no_such_sequence_is_refused(tmp_path, given, text):
    runner = compiled(model([helper.make_node("SequenceLength", ["xs"], ["n"])], {"xs": sequence()},
                            {"n": tensor([], INT64)}), {"xs": [X]}, tmp_path)
    with pytest.raises(calotype.Error, match=text):
        runner.run(given)


def test_a_name_that_an_element_has_is_refused(tmp_path):
    given = model([helper.make_node("SequenceInsert", ["xs", "xs[0]"], ["ys"])],
                  {"xs": sequence(), "xs[0]": tensor([4, 3])}, {"ys": sequence()})
    with pytest.raises(calotype.Error, match=r"ONNX_INVALID: value `xs\[0\]`"):
        compiled(given, {"xs": [X], "xs[0]": X}, tmp_path)


def test_the_maps_of_a_classifier_are_refused_with_what_to_do(tmp_path):
    maps = helper.make_sequence_type_proto(helper.make_map_type_proto(INT64, tensor([])))
    node = helper.make_node("ZipMap", ["x"], ["y"], domain="ai.onnx.ml", classlabels_int64s=[0, 1, 2])
    given = model([node], {"x": tensor([4, 3])}, {"y": maps})
    given.opset_import.append(helper.make_opsetid("ai.onnx.ml", 1))
    with pytest.raises(calotype.Error, match="OUTPUT_TYPE: output `y`: it is a map(.|\n)*zipmap"):
        compiled(given, {"x": X}, tmp_path)


def test_the_body_of_an_old_loop_hands_a_sequence_on(tmp_path):
    """The axes of its ReduceMax are an attribute here, an input later: the body is written anew, its ports too."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("ReduceMax", ["x"], ["row"], axes=[0]),
         helper.make_node("SequenceInsert", ["before", "row"], ["after"])], "body",
        [helper.make_value_info("i", tensor([], INT64)), helper.make_value_info("go", tensor([], TensorProto.BOOL)),
         helper.make_value_info("before", sequence())],
        [helper.make_value_info("go_on", tensor([], TensorProto.BOOL)), helper.make_value_info("after", sequence())])
    given = model([helper.make_node("Loop", ["n", "", "xs"], ["ys"], body=body)],
                  {"x": tensor([4, 3]), "xs": sequence()}, {"ys": sequence()}, {"n": np.int64(2)}, opset=16)
    runner = agree(given, {"x": X, "xs": [X]}, tmp_path, {"x": -X, "xs": []})
    assert [y.shape for y in runner.run({"x": X, "xs": []})["ys"]] == [(1, 3)] * 2


def test_a_sequence_inside_a_network_leaves_it_on_the_npu(tmp_path):
    """Its elements have the same sizes whatever the input holds."""
    weights = np.random.default_rng(1).normal(scale=0.1, size=(16, 16, 3, 3)).astype(np.float32)
    given = model(
        [helper.make_node("Conv", ["x", "w"], ["c"], pads=[1] * 4),
         helper.make_node("SplitToSequence", ["c", "sizes"], ["parts"], axis=1),
         helper.make_node("ConcatFromSequence", ["parts"], ["d"], axis=1),
         helper.make_node("Conv", ["d", "w"], ["e"], pads=[1] * 4), helper.make_node("Relu", ["e"], ["y"])],
        {"x": tensor([1, 16, 40, 40])}, {"y": tensor([1, 16, 40, 40])}, {"w": weights, "sizes": np.int64([8, 8])}, opset=17)
    compiled(given, {"x": np.random.default_rng(2).normal(size=(1, 16, 40, 40)).astype(np.float32)}, tmp_path,
             npu="VE2802_NPU_IP_O00_A304_M3")
    assert [part["name"] for part in calotype.inspect(tmp_path / "s")["subgraphs"]] == ["NPU_0", "CPU_1", "NPU_2"]

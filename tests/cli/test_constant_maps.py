"""Constant operands that are maps: coordinates, positions, class tokens and windows are codes among the weights."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from conftest import Command
from onnx import TensorProto, helper, numpy_helper
from test_split import snr_db
from test_view import outputs_of_both

RANDOM = np.random.default_rng(8)
FLOAT = TensorProto.FLOAT
SIZE = 16


def weights(*dims: int) -> np.ndarray:
    return 1.5 * RANDOM.normal(size=dims).astype(np.float32) / np.float32(np.sqrt(np.prod(dims[1:])))


def node(op: str, inputs: str, output: str, **attributes) -> onnx.NodeProto:
    return helper.make_node(op, inputs.split(), [output], name=output, **attributes)


def saved(path: Path, nodes: list, x: tuple, y: tuple, **arrays) -> Path:
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", FLOAT, x)],
                              [helper.make_tensor_value_info("y", FLOAT, y)],
                              [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def expanded(constant: str, output: str) -> list[onnx.NodeProto]:
    """`constant` [1, ...] for each sample of x, as exporters write x.size(0)."""
    return [node("Shape", "x", f"{output}_x"), node("Slice", f"{output}_x zero one", f"{output}_batch"),
            node("Concat", f"{output}_batch {output}_rest", f"{output}_dims", axis=0),
            node("Expand", f"{constant} {output}_dims", output)]


def with_coordinates(path: Path, batch) -> Path:
    """Coordinates are joined, positions added, one window multiplies all channels, another each, and is subtracted from."""
    axis = np.linspace(-1, 1, SIZE, dtype=np.float32)
    window = np.hanning(SIZE + 2)[1:-1].astype(np.float32)
    return saved(path, [
        *expanded("coordinates", "placed"), node("Conv", "x w1", "a", pads=[1] * 4), node("Relu", "a", "b"),
        node("Concat", "placed b", "c", axis=1), node("Conv", "c w2", "d", pads=[1] * 4),
        node("Add", "d positions", "e"), node("Relu", "e", "f"), node("Mul", "window f", "g"),
        node("Sub", "each g", "h"), node("Mul", "h each", "i"), node("Conv", "i w3", "y")],
        (batch, 3, SIZE, SIZE), (batch, 4, SIZE, SIZE), w1=weights(8, 3, 3, 3), w2=weights(8, 10, 3, 3), w3=weights(4, 8, 1, 1),
        coordinates=np.stack(np.meshgrid(axis, axis))[None], positions=RANDOM.normal(size=(8, SIZE, SIZE)).astype(np.float32),
        window=np.outer(window, window), each=(1 + RANDOM.random((1, 8, SIZE, SIZE))).astype(np.float32), zero=np.array([0]),
        one=np.array([1]), placed_rest=np.array([2, SIZE, SIZE]))


def with_a_token(path: Path, batch) -> Path:
    """Patches in a row behind a class token, positions added, and what each token becomes in a linear layer."""
    width, patches = 24, (SIZE // 4) ** 2
    return saved(path, [
        node("Conv", "x w1", "a", strides=[4, 4]), node("Reshape", "a list", "b"), node("Transpose", "b", "c", perm=[0, 2, 1]),
        *expanded("token", "tokens"), node("Concat", "tokens c", "d", axis=1), node("Add", "d positions", "e"),
        node("MatMul", "e w2", "f"), node("Relu", "f", "g"), node("MatMul", "g w3", "y")],
        (batch, 3, SIZE, SIZE), (batch, patches + 1, 8), w1=weights(width, 3, 4, 4), w2=weights(width, width), w3=weights(width, 8),
        token=RANDOM.normal(size=(1, 1, width)).astype(np.float32), list=np.array([0, width, patches]), zero=np.array([0]),
        positions=(0.5 * RANDOM.normal(size=(1, patches + 1, width))).astype(np.float32), one=np.array([1]),
        tokens_rest=np.array([1, width]))


def image(count: int, *dims: int) -> np.ndarray:
    return RANDOM.normal(size=(count, *dims)).astype(np.float32)


def compiled_at(calotype: Command, model: Path, x: np.ndarray, *options) -> dict:
    """report.json of the snapshot beside the model."""
    np.save(model.parent / "x.npy", x)
    made = calotype("compile", model, "--samples", model.parent / "x.npy", "-o", model.parent / "s", *options)
    assert made.code == 0, made.stderr
    return json.loads((model.parent / "s/report.json").read_text())


def run(calotype: Command, model: Path, *options) -> np.ndarray:
    ran = calotype("run", model.parent / "s", "--input", model.parent / "x.npy", "--output", model.parent / "y.npy", *options)
    assert ran.code == 0, ran.stderr
    return np.load(model.parent / "y.npy")


def exact(model: Path, x: np.ndarray, step: int) -> np.ndarray:
    session = onnxruntime.InferenceSession(model)
    return np.concatenate([session.run(None, {"x": x[i:i + step]})[0] for i in range(0, len(x), step)])


def rules(report: dict) -> dict[str, str]:
    return {one["name"]: one["reason"]["rule"] for one in report["operators"] if one["device"] == "CPU"}


@pytest.mark.parametrize("build", [with_coordinates, with_a_token])
@pytest.mark.parametrize("batch", ["N", 2])
def test_maps_are_read_from_the_weights(calotype: Command, tmp_path, build, batch):
    model, x = build(tmp_path / "model.onnx", batch), image(6, 3, SIZE, SIZE)
    report = compiled_at(calotype, model, x)
    assert rules(report) == {}
    assert [one["device"] for one in report["subgraphs"]] == ["NPU"]
    y = run(calotype, model)
    # 8 bits are 40 dB and more a layer
    assert snr_db(exact(model, x, 6 if batch == "N" else 2), y) > 27
    for options in (("--kernels", "reference"), ("--threads", "3"), ("--kernels", "avx2", "--threads", "1")):
        assert np.array_equal(run(calotype, model, *options), y), options
    verified = calotype("verify", tmp_path / "s", "--model", model, "--samples", tmp_path / "x.npy")
    assert verified.code == 0, verified.stdout + verified.stderr
    if batch == "N":
        for _, shown, emulated in outputs_of_both(calotype, tmp_path / "s", x, tmp_path, batch_is_free=True):
            assert np.array_equal(shown, emulated)


def test_the_same_bytes_whatever_the_threads(calotype: Command, tmp_path):
    found = []
    for threads in (1, 3):
        (tmp_path / str(threads)).mkdir()
        if not found:
            model = with_coordinates(tmp_path / "1/model.onnx", "N")
        else:
            model = tmp_path / "3/model.onnx"
            model.write_bytes((tmp_path / "1/model.onnx").read_bytes())
        compiled_at(calotype, model, np.arange(2 * 3 * SIZE * SIZE, dtype=np.float32).reshape(2, 3, SIZE, SIZE) % 7,
                    "--threads", str(threads))
        found.append({file.name: file.read_bytes() for file in sorted((model.parent / "s").iterdir())})
    assert found[0] == found[1]


def decoder(path: Path, grid: int, stride: int) -> Path:
    """A head of YOLO: boxes' centres are (2 sigmoid - 0.5 + cell) * stride pixels."""
    cells = np.stack(np.meshgrid(np.arange(grid), np.arange(grid)))[None].astype(np.float32)
    return saved(path, [
        node("Conv", "x w1", "a", pads=[1] * 4), node("Relu", "a", "b"), node("Conv", "b w2", "c"), node("Sigmoid", "c", "d"),
        node("Mul", "d two", "e"), node("Sub", "e half", "f"), node("Add", "f cells", "g"), node("Mul", "g stride", "h"),
        node("Reshape", "h list", "y")],
        ("N", 8, grid, grid), ("N", 2, grid * grid), w1=weights(16, 8, 3, 3), w2=weights(2, 16, 1, 1), cells=cells,
        two=np.float32(2), half=np.float32(0.5), stride=np.float32(stride), list=np.array([0, 2, grid * grid]))


@pytest.mark.parametrize("grid, stride", [(80, 8), (10, 32), (6, 32)])
def test_the_cells_of_boxes_are_added_on_the_host(calotype: Command, tmp_path, grid, stride):
    """As an output of the NPU they would have one scale: 2.5 pixels a code over 640."""
    model, x = decoder(tmp_path / "model.onnx", grid, stride), image(4, 8, grid, grid)
    report = compiled_at(calotype, model, x)
    assert rules(report) == {"g": "NPU_FEW_CODES", "h": "NPU_FEW_CODES", "y": "NPU_FEW_CODES"}
    off = np.abs(run(calotype, model) - exact(model, x, 4)).max()
    assert off < 0.06 * stride  # a sigmoid of 8 bits behind two convolutions of them, times 2


def test_a_mask_of_ten_thousand_takes_no_codes_of_what_it_is_added_to(calotype: Command, tmp_path):
    mask = np.where(RANDOM.random((8, 8)) < 0.5, np.float32(-10000), np.float32(0))
    model = saved(tmp_path / "model.onnx", [
        node("Conv", "x w1", "a", pads=[1] * 4), node("Add", "a mask", "b"), node("Relu", "b", "c"),
        node("Conv", "c w2", "y", pads=[1] * 4)],
        ("N", 8, 8, 8), ("N", 4, 8, 8), w1=weights(8, 8, 3, 3), w2=weights(4, 8, 3, 3), mask=mask)
    x = image(6, 8, 8, 8)
    assert rules(compiled_at(calotype, model, x))["b"] == "NPU_FEW_CODES"
    assert snr_db(exact(model, x, 6), run(calotype, model)) > 25


def test_a_map_that_came_from_the_shape_binds_the_size(calotype: Command, tmp_path):
    model = saved(tmp_path / "model.onnx", [
        node("Shape", "x", "dims"), node("ConstantOfShape", "dims", "ones", value=helper.make_tensor("v", FLOAT, [1], [1.0])),
        node("CumSum", "ones three", "columns"), node("Conv", "x w1", "a", pads=[1] * 4), node("Add", "a columns", "b"),
        node("Conv", "b w2", "y", pads=[1] * 4)],
        ("N", 4, "H", "W"), ("N", 4, "H", "W"), w1=3 * weights(4, 4, 3, 3), w2=weights(4, 4, 3, 3), three=np.array(3))
    report = compiled_at(calotype, model, image(4, 4, 12, 12))
    assert rules(report) == {}
    np.save(tmp_path / "x.npy", image(1, 4, 12, 15))
    ran = calotype("run", tmp_path / "s", "--input", tmp_path / "x.npy", "--output", tmp_path / "y.npy")
    assert ran.code == 1
    assert "layer `b` holds a constant that came from the shape: `columns`, computed from the shape of `x`" in ran.stderr


def test_a_map_that_no_size_is_in_leaves_sizes_free(calotype: Command, tmp_path):
    """A row of tokens in front, whatever follows."""
    model = saved(tmp_path / "model.onnx", [
        node("Conv", "x w1", "a", pads=[1, 1]), node("Relu", "a", "b"), node("Concat", "first b", "c", axis=2),
        node("Conv", "c w2", "y", pads=[1, 1])],
        (1, 4, "W"), (1, 4, "V"), w1=weights(4, 4, 3), w2=weights(4, 4, 3), first=weights(1, 4, 3))
    x = image(4, 4, 12)
    assert rules(compiled_at(calotype, model, x)) == {}
    other = image(1, 4, 29)
    np.save(tmp_path / "x.npy", other)
    assert snr_db(exact(model, other, 1), run(calotype, model)) > 27

"""One snapshot at other heights and widths than it was compiled for."""

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


def model(path: Path, nodes: list[onnx.NodeProto], rank: int = 4) -> Path:
    """x [N, 3, H, W], nodes from x over w1, b1, w2 to y of this rank."""
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, "H", "W"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * rank)],
        [numpy_helper.from_array(array, name) for name, array in WEIGHTS.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def first(**attributes) -> list[onnx.NodeProto]:
    return [helper.make_node("Conv", ["x", "w1", "b1"], ["a"], name="first", **(attributes or {"pads": [1, 1, 1, 1]})),
            helper.make_node("Relu", ["a"], ["b"], name="relu")]


def image(height: int, width: int, count: int = 1) -> np.ndarray:
    return np.random.default_rng(height * 1000 + width).normal(size=(count, 3, height, width)).astype(np.float32)


def compiled(calotype: Command, folder: Path, onnx_file: Path) -> Path:
    np.savez(folder / "samples.npz", x=image(24, 24, 4))
    made = calotype("compile", onnx_file, "--samples", folder / "samples.npz", "-o", folder / "m.snapshot")
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


def test_a_constant_that_came_from_the_shape_binds_the_size(calotype: Command, tmp_path: Path):
    file = model(tmp_path / "m.onnx", [*first(auto_pad="SAME_UPPER", strides=[2, 2]),
                                       helper.make_node("Conv", ["b", "w2"], ["y"], name="last")])
    snapshot = compiled(calotype, tmp_path, file)
    run(calotype, snapshot, image(24, 24))
    said = refusal(calotype, snapshot, image(31, 31), "holds a constant that came from the shape")
    assert "24, 24" in said and "31, 31" in said


def test_a_size_beyond_a_layers_limit_is_refused_with_it(calotype: Command, tmp_path: Path):
    snapshot = compiled(calotype, tmp_path, model(tmp_path / "m.onnx", POOLED, 2))
    run(calotype, snapshot, image(32, 64))
    assert "4096 pixels" in refusal(calotype, snapshot, image(64, 64), "2048")

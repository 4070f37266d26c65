"""wrp_network_iriz.onnx: a valid ONNX model that computes in ONNX Runtime, optimization off, what the emulator computes, bit
for bit."""

import os
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("CALOTYPE_DATA") or ROOT.parent / "shared/data")
PIXELS = [  # network, input's shape, its range; with YOLOX's SiLU and with Adds of many scales
    ("cifar10/resnet20_cifar10.onnx", (3, 32, 32), 2.5),
    ("imagenet/mcunet-320kb-1mb_fp32.onnx", (3, 176, 176), 1),
    ("coco/yolox_nano.onnx", (3, 416, 416), 127),
]


def smooth_noise(shape, count, most, seed):
    """Images without a data set: random blocks of 4 x 4 pixels, within [-most, most]."""
    random = np.random.default_rng(seed)
    blocks = random.uniform(-most, most, (count, shape[0], shape[1] // 4, shape[2] // 4))
    return blocks.repeat(4, axis=2).repeat(4, axis=3).astype(np.float32)


def outputs_of_both(calotype, snapshot, inputs, folder, batch_is_free=False):
    np.save(folder / "in.npy", inputs)
    outcome = calotype("run", snapshot, "--input", folder / "in.npy", "--output", folder / "out.npz")
    assert outcome.code == 0, outcome.stderr
    view = onnx.load(snapshot / "wrp_network_iriz.onnx")
    onnx.checker.check_model(view, full_check=True)
    onnxruntime.InferenceSession(view.SerializeToString(), providers=["CPUExecutionProvider"])  # loads as users load it
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(view.SerializeToString(), options, providers=["CPUExecutionProvider"])
    [name] = [value.name for value in session.get_inputs()]
    step = len(inputs) if batch_is_free else 1
    shown = [session.run(None, {name: inputs[i:i + step]}) for i in range(0, len(inputs), step)]
    with np.load(folder / "out.npz") as emulated:
        for i, value in enumerate(session.get_outputs()):
            yield value.name, np.concatenate([one[i] for one in shown]), emulated[value.name]


def test_the_bundled_network(calotype, compiled, tmp_path):
    with np.load(ROOT / "examples/digits/test.npz") as arrays:
        inputs = arrays[arrays.files[0]][:100]
    for name, shown, emulated in outputs_of_both(calotype, compiled, inputs, tmp_path, batch_is_free=True):
        assert np.count_nonzero(shown != emulated) == 0, name


@pytest.mark.parametrize("model, shape, most", PIXELS, ids=lambda value: Path(str(value)).stem)
def test_a_real_network(calotype, tmp_path, model, shape, most):
    if not DATA.is_dir():
        pytest.skip(f"no data: {DATA} is absent")
    np.save(tmp_path / "samples.npy", smooth_noise(shape, 2, most, seed=1))
    snapshot = tmp_path / "snapshot"
    outcome = calotype("compile", DATA / model, "--samples", tmp_path / "samples.npy", "-o", snapshot, "--images", 2)
    assert outcome.code == 0, outcome.stderr
    for name, shown, emulated in outputs_of_both(calotype, snapshot, smooth_noise(shape, 5, most, seed=2), tmp_path):
        assert np.count_nonzero(shown != emulated) == 0, name
        assert len(np.unique(emulated)) > 20, "outputs that tell something"


def parts(folder):
    """Convolutions with a Transpose between them that the NPU does not take and a Softmax: NPU and CPU parts in turn."""
    random = np.random.default_rng(3)
    weights = [numpy_helper.from_array(random.normal(0, 0.3, dims).astype(np.float32), name)
               for name, dims in (("w1", (64, 3, 3, 3)), ("w2", (64, 64, 3, 3)), ("w3", (64, 64, 3, 3)))]
    nodes = [helper.make_node("Conv", ["x", "w1"], ["a"], name="conv1", pads=[1] * 4),
             helper.make_node("Conv", ["a", "w2"], ["b"], name="conv2", pads=[1] * 4),
             helper.make_node("Softmax", ["b"], ["c"], name="softmax", axis=1),
             helper.make_node("Concat", ["c", "c"], ["d"], name="twice", axis=2),
             helper.make_node("Transpose", ["d"], ["e"], name="turn", perm=[0, 1, 3, 2]),
             helper.make_node("Conv", ["e", "w3"], ["y"], name="conv3", pads=[1] * 4)]
    graph = helper.make_graph(nodes, "parts", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 64, 64])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 64, 64, 128])], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "parts.onnx")
    return folder / "parts.onnx"


def test_a_network_of_npu_and_cpu_parts(calotype, tmp_path):
    np.save(tmp_path / "samples.npy", smooth_noise((3, 64, 64), 4, 1, seed=4))
    outcome = calotype("compile", parts(tmp_path), "--samples", tmp_path / "samples.npy", "-o", tmp_path / "snapshot")
    assert outcome.code == 0, outcome.stderr
    names = [node.name for node in onnx.load(tmp_path / "snapshot/wrp_network_iriz.onnx").graph.node]
    assert any(name.startswith("CPU_") and name.endswith("/turn") for name in names), names
    assert any(name.startswith("CPU_") and name.endswith("/softmax") for name in names), names
    [(name, shown, emulated)] = outputs_of_both(calotype, tmp_path / "snapshot", smooth_noise((3, 64, 64), 3, 1, seed=5),
                                                tmp_path, batch_is_free=True)
    assert np.count_nonzero(shown != emulated) == 0, name


def rows_read_twice() -> onnx.ModelProto:
    """A map of one row that the CPU reads as tokens, and behind it the NPU as tokens too: it lies otherwise in both."""
    random = np.random.default_rng(3)
    weights = {"w1": random.normal(0, 0.3, (64, 3, 16, 3)).astype(np.float32),
               "w2": random.normal(0, 0.3, (64, 64)).astype(np.float32),
               "w3": random.normal(0, 0.3, (64, 64, 1, 3)).astype(np.float32),
               "rows": np.array([2]), "map": np.array([0, 64, 1, 256])}
    nodes = [helper.make_node("Conv", ["x", "w1"], ["a"], name="conv1", pads=[0, 1, 0, 1]),
             helper.make_node("Squeeze", ["a", "rows"], ["row"], name="row"),
             helper.make_node("Transpose", ["row"], ["tokens"], name="tokens", perm=[0, 2, 1]),
             helper.make_node("Softmax", ["tokens"], ["shares"], name="softmax", axis=-1),
             helper.make_node("MatMul", ["shares", "w2"], ["mixed"], name="mix"),
             helper.make_node("Transpose", ["mixed"], ["back"], name="back", perm=[0, 2, 1]),
             helper.make_node("Reshape", ["back", "map"], ["as_map"], name="as_map"),
             helper.make_node("Add", ["as_map", "a"], ["sum"], name="sum"),
             helper.make_node("Conv", ["sum", "w3"], ["y"], name="conv2", pads=[0, 1, 0, 1])]
    graph = helper.make_graph(nodes, "rows", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 16, 256])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 64, 1, 256])],
                              [numpy_helper.from_array(array, name) for name, array in weights.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_what_one_npu_part_hands_to_another_loads_with_all_optimizations(calotype, tmp_path):
    """ONNX Runtime's optimizer moves a DequantizeLinear of one scale past Reshapes and Transposes, and fails on it."""
    onnx.save(rows_read_twice(), tmp_path / "m.onnx")
    np.save(tmp_path / "samples.npy", smooth_noise((3, 16, 256), 4, 1, seed=6))
    outcome = calotype("compile", tmp_path / "m.onnx", "--samples", tmp_path / "samples.npy", "-o", tmp_path / "snapshot",
                       "--without", "channel-scales")
    assert outcome.code == 0, outcome.stderr
    x = smooth_noise((3, 16, 256), 3, 1, seed=7)
    [(name, shown, emulated)] = outputs_of_both(calotype, tmp_path / "snapshot", x, tmp_path, batch_is_free=True)
    assert np.count_nonzero(shown != emulated) == 0, name
    view = tmp_path / "snapshot/wrp_network_iriz.onnx"
    moves = [node.name for node in onnx.load(view).graph.node if node.name.startswith("NPU_2/a/in/")]
    assert moves, "the case is no longer the one meant"
    optimized = onnxruntime.InferenceSession(view, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    assert np.count_nonzero(optimized != emulated) == 0, name

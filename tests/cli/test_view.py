"""wrp_network_iriz.onnx: a valid ONNX model that computes in ONNX Runtime, optimization off, what the emulator computes, bit
for bit."""

import os
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

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
        pytest.skip("skipped: no data")
    np.save(tmp_path / "samples.npy", smooth_noise(shape, 2, most, seed=1))
    snapshot = tmp_path / "snapshot"
    outcome = calotype("compile", DATA / model, "--samples", tmp_path / "samples.npy", "-o", snapshot, "--images", 2)
    assert outcome.code == 0, outcome.stderr
    for name, shown, emulated in outputs_of_both(calotype, snapshot, smooth_noise(shape, 5, most, seed=2), tmp_path):
        assert np.count_nonzero(shown != emulated) == 0, name
        assert len(np.unique(emulated)) > 20, "outputs that tell something"

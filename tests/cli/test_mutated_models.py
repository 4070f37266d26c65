"""Real models with something wrong in them: each is refused, or compiled to what ONNX Runtime makes of the same file. Never
a signal, never half a snapshot, never long."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import DIGITS, ROOT, SANITIZER
from mutate import MUTATIONS, mutate

DATA = Path(os.environ.get("CALOTYPE_DATA", ROOT.parent / "shared/data"))
ROUNDS = int(os.environ.get("CALOTYPE_MUTATIONS", 3)) * len(MUTATIONS)
MEMORY = 512 << 20  # what a run is allowed: a mutated model may be a good one, and a larger one
LIMIT_SECONDS, LIMIT_BYTES = (300, 16 * MEMORY) if SANITIZER else (20, 2 * MEMORY)

NETWORKS = {
    "digits": DIGITS / "digits.onnx",
    "mnist": DATA / "mnist/mnist-8.onnx",
    "fsrcnn": DATA / "super_resolution/fsrcnn_x2.onnx",
    "resnet20": DATA / "cifar10/resnet20_cifar10.onnx",
    "mcunet": DATA / "imagenet/mcunet-320kb-1mb_fp32.onnx",
    "yolox_nano": DATA / "coco/yolox_nano.onnx",
}
SMALL = ("digits", "mnist", "fsrcnn")  # compiled for the NPU too

# Run in a process of its own: it may be what does not survive.
RUN = """
import sys, numpy, onnxruntime
onnxruntime.set_default_logger_severity(4)
options = onnxruntime.SessionOptions()
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
session = onnxruntime.InferenceSession(sys.argv[1], options)
values = session.run(None, dict(numpy.load(sys.argv[2])))
numpy.savez(sys.argv[3], **{output.name: value for output, value in zip(session.get_outputs(), values)})
"""
# Files that say nothing ambiguous and that we take: shapes of values in between are computed, not believed, and an
# attribute's type shows in which of its fields is there.
ONLY_ORT_REFUSES = ("Can't merge shape info", "Field 'type' of 'attr' is required but missing")


def sample(path, network):
    """One of the first input's shape, 16 where a dim is free."""
    (given,) = onnx.load(network).graph.input[:1]
    dims = [dim.dim_value or (16 if axis else 1) for axis, dim in enumerate(given.type.tensor_type.shape.dim)]
    np.savez(path, **{given.name: np.random.default_rng(1).random(dims, np.float32)})


def check_values(calotype, model, given, snapshot, shown):
    """The snapshot's FP32 outputs are ONNX Runtime's of the file itself."""
    theirs, ours = model.with_name("theirs.npz"), model.with_name("ours.npz")
    run = subprocess.run([sys.executable, "-c", RUN, model, given, theirs], capture_output=True, text=True, timeout=120)
    if run.returncode != 0:
        assert any(reason in run.stderr for reason in ONLY_ORT_REFUSES), f"{shown}{run.stderr}"
        return
    outcome = calotype("run", snapshot, "--input", given, "--output", ours)
    assert outcome.code == 0, f"{shown}{outcome.stderr}"
    wanted = np.load(theirs)
    for name, array in np.load(ours).items():
        scale = np.abs(wanted[name]).max(initial=1e-3)  # rewrites move the last bits of float32
        np.testing.assert_allclose(array / scale, wanted[name] / scale, atol=1e-4, err_msg=shown)


@pytest.mark.parametrize("name", NETWORKS)
def test_mutated_model(calotype, tmp_path, name):
    if not NETWORKS[name].exists():
        pytest.skip(f"no data: {NETWORKS[name]} is absent")
    good, given = NETWORKS[name].read_bytes(), tmp_path / "samples.npz"
    sample(given, NETWORKS[name])
    model, output = tmp_path / "model.onnx", tmp_path / "out"
    codes = []
    for seed in range(ROUNDS):
        model.write_bytes(mutate(good, seed))
        on_npu = name in SMALL and seed % 3 == 0
        outcome = calotype("compile", model, "--samples", given, "-o", output, "--max-memory", MEMORY,
                           *([] if on_npu else ["--npu", "none"]))
        shown = f"{name}, seed {seed}: {outcome.stderr}"
        assert outcome.code in (0, 1), shown
        assert output.exists() == (outcome.code == 0), shown
        assert outcome.seconds < LIMIT_SECONDS and outcome.peak_bytes < LIMIT_BYTES, f"{outcome.seconds} s: {shown}"
        if outcome.code == 0:
            if not on_npu:
                check_values(calotype, model, given, output, shown)
            shutil.rmtree(output)
        codes.append(outcome.code)
    assert 0 < sum(codes) < len(codes), "some are refused, some are not"

"""Outputs whose shape depends on the sample, options that are not built yet, and errors measured with a file's NPU."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from conftest import DIGITS, ROOT, compile_digits


def counting(path):
    """x [1, 4] -> NonZero -> y [2, how many]: run whole on the CPU."""
    graph = helper.make_graph(
        [helper.make_node("NonZero", ["x"], ["y"], name="count")], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.INT64, [2, None])],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_outputs_that_cannot_lie_behind_one_another_are_refused(calotype, tmp_path):
    np.save(tmp_path / "same.npy", np.float32([[1, 0, 2, 0], [0, 3, 0, 4]]))
    np.save(tmp_path / "unlike.npy", np.float32([[1, 0, 0, 0], [1, 2, 3, 0]]))
    snapshot, output = tmp_path / "snapshot", tmp_path / "out.npy"
    model = counting(tmp_path / "model.onnx")
    assert calotype("compile", model, "--samples", tmp_path / "same.npy", "-o", snapshot).code == 0
    assert calotype("run", snapshot, "--input", tmp_path / "same.npy", "--output", output).code == 0
    assert np.load(output).tolist() == [[0, 0], [0, 2], [0, 0], [1, 3]]
    output.unlink()
    outcome = calotype.refuses("run", snapshot, "--input", tmp_path / "unlike.npy", "--output", output,
                               names="OUTPUT_SHAPE: output `y`: its shape [2, 3] does not go behind [2, 1]")
    assert "name a folder" in outcome.stderr and not output.exists()
    assert calotype("run", snapshot, "--input", tmp_path / "unlike.npy", "--output", tmp_path / "found").code == 0
    assert len({np.load(file).shape for file in (tmp_path / "found").iterdir()}) == 2


@pytest.mark.parametrize(
    "options, fact",
    [
        (["--mode", "dynamic"], "`--mode`: it is `dynamic`, only the mode `fast` is built so far"),
        (["--precision", "BF16"], "`--precision`: it is `BF16`, only INT8 is built so far"),
        (["--deep"], "`--deep`: deep quantization is not built so far"),
    ],
)
def test_what_is_not_built_is_refused_and_help_says_so(calotype, tmp_path, options, fact):
    outcome = calotype(*compile_digits(DIGITS / "calibration.npz", tmp_path / "snapshot"), *options)
    assert outcome.code == 2 and f"OPTION_NOT_BUILT: {fact}" in outcome.stderr, outcome.stderr
    assert list(tmp_path.iterdir()) == []
    assert calotype("compile", "--help").stdout.count("built yet") == 3


def test_errors_are_measured_anew_for_the_npu_of_a_file(calotype, tmp_path):
    config = json.loads((ROOT / "data/npu/VE2802_NPU_IP_O00_A304_M3.json").read_text())
    config["name"] = "MINE"
    (tmp_path / "mine.json").write_text(json.dumps(config))
    snapshot, samples = tmp_path / "snapshot", DIGITS / "calibration.npz"
    assert calotype(*compile_digits(samples, snapshot), "--npu", tmp_path / "mine.json").code == 0
    measure = ["verify", snapshot, "--model", DIGITS / "digits.onnx", "--samples", samples]
    outcome = calotype(*measure, "--npu", tmp_path / "mine.json", "--json")
    assert outcome.code == 0 and json.loads(outcome.stdout)["report"]["layers"], outcome.stderr
    outcome = calotype(*measure, "--npu", tmp_path / "mine.json", "--images", "0")
    assert outcome.code == 2 and outcome.stderr.startswith("OPTION_VALUE: `--images`: it is 0"), outcome.stderr

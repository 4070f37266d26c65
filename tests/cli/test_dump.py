"""`compile --dump DIR`: every stage as numbered text; and `--npu none`, which compiles for no NPU."""

import numpy as np
import pytest

from conftest import DIGITS

STAGES = ["import", "concretize", "partition", "quantize_NPU_0", "plan_NPU_0", "view"]


def compile_digits(calotype, folder, *options):
    return calotype("compile", DIGITS / "digits.onnx", "--samples", DIGITS / "calibration.npz", "-o",
                    folder / "snapshot", *options)


def dumped(folder):
    return {path.stem.partition("_")[2]: path.read_text() for path in sorted(folder.glob("*.txt"))}


def test_every_stage_is_written_in_order(calotype, tmp_path):
    assert compile_digits(calotype, tmp_path, "--dump", tmp_path / "new/dump").code == 0
    stages = dumped(tmp_path / "new/dump")
    numbers = [path.name[:3] for path in sorted((tmp_path / "new/dump").iterdir())]
    assert numbers == [f"{i:03}" for i in range(len(stages))]
    assert [name for name in stages if name in STAGES] == STAGES
    rewrites = list(stages)[2:list(stages).index("partition")]
    assert rewrites, "the bundled network has something to rewrite"
    assert "ReduceMean" in stages["concretize"] and "GlobalAveragePool" in stages[rewrites[-1]]
    for stage in ("partition", "quantize_NPU_0", "plan_NPU_0"):
        assert "DepthwiseConv" in stages[stage], stages[stage]
    assert "24 scales" in stages["quantize_NPU_0"] and "cycles" in stages["plan_NPU_0"]
    assert "calotype.Requantize" in stages["view"]


@pytest.mark.parametrize("options", [["--dump", "dump"], ["--threads", "1"], ["--threads", "2"]], ids=" ".join)
def test_what_changes_no_byte_of_the_snapshot(calotype, compiled, tmp_path, options):
    if "--dump" in options:
        options = ["--dump", tmp_path / "dump"]  # the command has a working directory of its own
    assert compile_digits(calotype, tmp_path, *options).code == 0
    for path in compiled.iterdir():
        assert path.read_bytes() == (tmp_path / "snapshot" / path.name).read_bytes(), path.name


def test_a_former_dump_is_replaced_and_nothing_else(calotype, tmp_path):
    dump = tmp_path / "dump"
    assert compile_digits(calotype, tmp_path, "--dump", dump).code == 0
    first = sorted(path.name for path in dump.iterdir())
    (dump / f"{len(first):03}_of_a_longer_run.txt").write_text("old")
    assert compile_digits(calotype, tmp_path, "--dump", dump).code == 0
    assert sorted(path.name for path in dump.iterdir()) == first

    (dump / "notes.txt").write_text("mine")
    outcome = calotype.refuses("compile", DIGITS / "digits.onnx", "--samples", DIGITS / "calibration.npz", "-o",
                               tmp_path / "snapshot", "--dump", dump, names="notes.txt")
    assert outcome.stderr.startswith("OUTPUT_TAKEN: ") and (dump / "notes.txt").read_text() == "mine"
    assert sorted(path.name for path in dump.iterdir()) == sorted([*first, "notes.txt"])


def test_a_file_in_the_folders_place_is_refused(calotype, tmp_path):
    (tmp_path / "dump").write_text("mine")
    outcome = compile_digits(calotype, tmp_path, "--dump", tmp_path / "dump")
    assert outcome.code == 1 and outcome.stderr.startswith("FILE_UNWRITABLE: "), outcome.stderr
    assert "--dump" in outcome.stderr and not (tmp_path / "snapshot").exists()
    assert (tmp_path / "dump").read_text() == "mine"


def test_no_npu_runs_the_optimized_graph_in_fp32(calotype, tmp_path):
    import onnxruntime
    assert compile_digits(calotype, tmp_path, "--npu", "none", "--dump", tmp_path / "dump").code == 0
    stages = dumped(tmp_path / "dump")
    assert "CPU_0" in stages["partition"] and "NPU_0" not in stages["partition"]
    assert not any(name.startswith(("quantize", "plan")) for name in stages)

    with np.load(DIGITS / "test.npz") as arrays:
        images = arrays[arrays.files[0]][:50]
    np.save(tmp_path / "in.npy", images)
    outcome = calotype("run", tmp_path / "snapshot", "--input", tmp_path / "in.npy", "--output", tmp_path / "out.npz")
    assert outcome.code == 0, outcome.stderr
    outputs = [np.load(tmp_path / "out.npz")["logits"]]
    for model in (DIGITS / "digits.onnx", tmp_path / "snapshot/wrp_network_iriz.onnx"):
        session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
        outputs.append(session.run(["logits"], {session.get_inputs()[0].name: images})[0])
    ours, original, view = outputs
    np.testing.assert_allclose(ours, original, rtol=1e-4, atol=1e-4)  # FP32: rewrites and ONNX Runtime's own move last bits
    np.testing.assert_allclose(view, original, rtol=1e-4, atol=1e-4)

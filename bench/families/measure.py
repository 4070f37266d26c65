"""One network by one exporter: the split, the noise of INT8 here and in ONNX Runtime, and what the host part changes."""

import shutil
from pathlib import Path

import numpy as np
import onnxruntime

from bench import calotype_cli
from bench.families.export import Exporter, export
from bench.families.family import Family
from bench.families.figures import failure, largest_difference, snr_of_parts, split
from bench.families.images import images
from bench.families.weights import outputs_of, ready
from bench.peers import int8_peer

CALIBRATION_SAMPLES, CALIBRATION_SEED = 8, 2
EVALUATION_SAMPLES, EVALUATION_SEED = 24, 3


class OnnxRuntime:
    """A model on one thread, one sample at a time."""

    def __init__(self, model: Path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 3
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self.input = self._session.get_inputs()[0].name
        self.outputs = [output.name for output in self._session.get_outputs()]

    def run(self, samples: np.ndarray) -> list[np.ndarray]:
        runs = [self._session.run(None, {self.input: sample[None]}) for sample in samples]
        return [np.concatenate(values) for values in zip(*runs)]


def run_snapshot(snapshot: Path, model: OnnxRuntime, samples: np.ndarray) -> list[np.ndarray]:
    """The outputs in the model's order."""
    given, made = snapshot.with_suffix(".in.npz"), snapshot.with_suffix(".out.npz")
    np.savez(given, **{model.input: samples})
    calotype_cli.call("run", snapshot, "--input", given, "--output", made)
    with np.load(made) as arrays:
        outputs = [arrays[name] for name in model.outputs]
    given.unlink()
    made.unlink()
    return outputs


def compile_snapshot(model: Path, samples: Path, snapshot: Path, npu: str | None) -> dict:
    """The report of `calotype compile`."""
    if snapshot.exists():
        shutil.rmtree(snapshot)
    return calotype_cli.call_json("compile", model, "--samples", samples, "-o", snapshot, "--images",
                                  CALIBRATION_SAMPLES, *(["--npu", npu] if npu else []))["report"]


def measure(family: Family, exporter: Exporter, work: Path, npu: str | None, free_batch: bool) -> dict:
    """A row of the table; a step that fails is named in `failed` and the others go on."""
    folder = work / family.name / exporter.name
    row = {"family": family.name, "exporter": exporter.name, "failed": {}}
    model_file = folder / "model.onnx"
    network = ready(family)
    calibration = images(family.shape, CALIBRATION_SAMPLES, CALIBRATION_SEED)
    evaluation = images(family.shape, EVALUATION_SAMPLES, EVALUATION_SEED)
    try:
        export(network, family.shape, exporter, model_file, free_batch)
        model = OnnxRuntime(model_file)
        fp32 = model.run(evaluation)
    except Exception as error:  # whatever PyTorch and ONNX Runtime raise: there is then nothing to compile
        return row | {"failed": {"export": failure(error)}}
    row["export_difference"] = largest_difference(fp32, outputs_of(network, evaluation))
    np.savez(folder / "samples.npz", **{model.input: calibration})

    def attempt(step: str, work_of_step) -> None:
        try:
            row.update(work_of_step())
        except Exception as error:  # a finding, whatever it is
            row["failed"][step] = failure(error)

    def on_npu() -> dict:
        report = compile_snapshot(model_file, folder / "samples.npz", folder / "snapshot", npu)
        outputs = run_snapshot(folder / "snapshot", model, evaluation)
        return split(report) | {"snr_db": snr_of_parts(family.parts(outputs), family.parts(fp32))}

    def on_host() -> dict:
        compile_snapshot(model_file, folder / "samples.npz", folder / "host", "none")
        return {"none_difference": largest_difference(run_snapshot(folder / "host", model, evaluation), fp32)}

    def by_onnx_runtime() -> dict:
        int8_peer.make(model_file, [{model.input: sample[None]} for sample in calibration], folder / "int8.onnx")
        outputs = OnnxRuntime(folder / "int8.onnx").run(evaluation)
        return {"ort_snr_db": snr_of_parts(family.parts(outputs), family.parts(fp32))}

    attempt("npu", on_npu)
    attempt("none", on_host)
    attempt("onnxruntime", by_onnx_runtime)
    return row

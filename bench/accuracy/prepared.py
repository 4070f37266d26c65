"""Prepared arrays and FP32 outputs of a task, kept in the work folder so that a second run is quick."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from bench.accuracy import images, sets
from bench.accuracy.tasks import Task
from bench.data_folder import data_folder

CALIBRATION_SEED = 2026


@dataclass
class Prepared:
    """Where a task's arrays lie. Arrays are memory-mapped: the ImageNet ones have hundreds of MB."""

    model: Path
    input_name: str
    output_name: str
    samples_file: Path  # calibration samples in a fixed shuffled order: the first N are a varied choice
    inputs: np.ndarray
    labels: np.ndarray
    fp32: np.ndarray


def session(model: Path, threads: int = 1) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def _fp32(runner: onnxruntime.InferenceSession, inputs: np.ndarray) -> np.ndarray:
    """Sample by sample: half of the models have a fixed batch of 1."""
    name = runner.get_inputs()[0].name
    return np.concatenate([runner.run(None, {name: inputs[i:i + 1]})[0] for i in range(len(inputs))])


def _key(task: Task, model: Path) -> str:
    """Changes with the model, the preprocessing and ONNX Runtime: whatever the cached arrays depend on."""
    digest = hashlib.sha256(model.read_bytes())
    for module in (images, sets):
        digest.update(Path(module.__file__).read_bytes())
    digest.update(f"{task.name} {onnxruntime.__version__} {CALIBRATION_SEED}".encode())
    return digest.hexdigest()


def _fill(folder: Path, task: Task, model: Path) -> None:
    split = task.load(data_folder())
    order = np.random.default_rng(CALIBRATION_SEED).permutation(len(split.calibration))
    name = session(model).get_inputs()[0].name
    np.savez(folder / "samples.npz", **{name: split.calibration[order]})
    np.save(folder / "inputs.npy", split.inputs)
    np.save(folder / "labels.npy", split.labels)
    np.save(folder / "fp32.npy", _fp32(session(model, 2), split.inputs))


def prepare(task: Task, work: Path) -> Prepared:
    """Arrays of the task, made anew where the work folder's are of another model or preprocessing."""
    folder = work / "prepared" / task.name
    folder.mkdir(parents=True, exist_ok=True)
    model, stamp = data_folder() / task.model, folder / "key.json"
    key = json.dumps({"key": _key(task, model)})
    if not stamp.exists() or stamp.read_text() != key:
        stamp.unlink(missing_ok=True)
        _fill(folder, task, model)
        stamp.write_text(key)
    runner = session(model)
    return Prepared(model, runner.get_inputs()[0].name, runner.get_outputs()[0].name, folder / "samples.npz",
                    np.load(folder / "inputs.npy", mmap_mode="r"), np.load(folder / "labels.npy"),
                    np.load(folder / "fp32.npy"))

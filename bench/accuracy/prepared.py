"""Prepared arrays and FP32 outputs of a task, kept in the work folder so that a second run is quick."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import onnxruntime

from bench.accuracy import images, sets, tiles
from bench.accuracy.tasks import Task
from bench.data_folder import data_folder

CALIBRATION_SEED = 2026
MOST_DRAWN = 200  # samples that a draw after the first keeps


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
    metric: ModuleType


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
    for module in (images, sets, tiles):
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


def _draw(folder: Path, input_name: str, draw: int) -> Path:
    """The calibration samples in the order of this draw; draw 0 is the order that `prepare` wrote."""
    file = folder / ("samples.npz" if draw == 0 else f"samples_{draw}.npz")
    if draw != 0 and not file.exists():
        with np.load(folder / "samples.npz") as arrays:
            samples = arrays[input_name]
        order = np.random.default_rng(CALIBRATION_SEED + draw).permutation(len(samples))
        np.savez(file, **{input_name: samples[order[:MOST_DRAWN]]})
    return file


def prepare(task: Task, work: Path, draw: int = 0, score: int | None = None) -> Prepared:
    """Arrays of the task, made anew where the work folder's are of another model or preprocessing. `score`: so many of the
    evaluation samples, evenly spread; None: all."""
    folder = work / "prepared" / task.name
    folder.mkdir(parents=True, exist_ok=True)
    model, stamp = data_folder() / task.model, folder / "key.json"
    key = json.dumps({"key": _key(task, model)})
    if not stamp.exists() or stamp.read_text() != key:
        for old in folder.iterdir():
            old.unlink()
        _fill(folder, task, model)
        stamp.write_text(key)
    runner = session(model)
    input_name = runner.get_inputs()[0].name
    inputs, labels = np.load(folder / "inputs.npy", mmap_mode="r"), np.load(folder / "labels.npy")
    chosen = np.unique(np.linspace(0, len(labels) - 1, score or len(labels)).astype(int))
    inputs = inputs if len(chosen) == len(labels) else inputs[chosen]
    return Prepared(model, input_name, runner.get_outputs()[0].name, _draw(folder, input_name, draw), inputs, labels[chosen],
                    np.load(folder / "fp32.npy")[chosen], task.metric)

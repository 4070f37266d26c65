"""Prepared arrays and FP32 outputs of a task, kept in the work folder so that a second run is quick."""

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import onnxruntime

from bench.accuracy import images, samples, sets
from bench.accuracy.samples import Samples
from bench.accuracy.tasks import Task
from bench.data_folder import data_folder

CALIBRATION_SEED = 2026
MOST_DRAWN = 200  # samples that a draw after the first keeps


@dataclass
class Prepared:
    """Where a task's arrays lie. Those of one size are memory-mapped: the ImageNet ones have hundreds of MB."""

    model: Path
    input_name: str
    output_name: str
    samples_file: Path  # calibration samples in a fixed shuffled order (the first N are a varied choice): an .npz or a folder
    inputs: Samples
    labels: Samples
    fp32: Samples
    metric: ModuleType
    key: str  # changes with the model, the preprocessing and ONNX Runtime


def session(model: Path, threads: int = 1, optimized: bool = True) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    if not optimized:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def _fp32(runner: onnxruntime.InferenceSession, inputs: Samples) -> Samples:
    """Sample by sample: half of the models have a fixed batch of 1."""
    name = runner.get_inputs()[0].name
    return samples.gathered([runner.run(None, {name: sample[None]})[0][0] for sample in inputs])


def _key(task: Task, model: Path) -> str:
    """Changes with the model, the preprocessing and ONNX Runtime: whatever the cached arrays depend on."""
    digest = hashlib.sha256(model.read_bytes())
    for module in (images, samples, sets):
        digest.update(Path(module.__file__).read_bytes())
    digest.update(f"{task.name} {onnxruntime.__version__} {CALIBRATION_SEED}".encode())
    return digest.hexdigest()


def _fill(folder: Path, task: Task, model: Path) -> None:
    split = task.load(data_folder())
    order = np.random.default_rng(CALIBRATION_SEED).permutation(len(split.calibration))
    name = session(model).get_inputs()[0].name
    samples.write_for_calotype(folder / "samples", name, samples.chosen(split.calibration, order))
    samples.save(folder / "inputs", split.inputs)
    samples.save(folder / "labels", split.labels)
    samples.save(folder / "fp32", _fp32(session(model, 2), split.inputs))


def _draw(folder: Path, input_name: str, draw: int) -> Path:
    """The calibration samples in the order of this draw; draw 0 is the order that `prepare` wrote."""
    first = folder / "samples" if (folder / "samples").is_dir() else folder / "samples.npz"
    if draw == 0:
        return first
    file = first.with_name(first.name.replace("samples", f"samples_{draw}"))
    if not file.exists():
        known = samples.read_from_calotype(first, input_name)
        order = np.random.default_rng(CALIBRATION_SEED + draw).permutation(len(known))
        samples.write_for_calotype(file.with_suffix(""), input_name, samples.chosen(known, order[:MOST_DRAWN]))
    return file


def prepare(task: Task, work: Path, draw: int = 0, score: int | None = None) -> Prepared:
    """Arrays of the task, made anew where the work folder's are of another model or preprocessing. `score`: so many of the
    evaluation samples, evenly spread; None: all."""
    folder = work / "prepared" / task.name
    folder.mkdir(parents=True, exist_ok=True)
    model, stamp = data_folder() / task.model, folder / "key.json"
    key = json.dumps({"key": _key(task, model)})
    if not stamp.exists() or stamp.read_text() != key:
        shutil.rmtree(folder)
        folder.mkdir()
        _fill(folder, task, model)
        stamp.write_text(key)
    runner = session(model)
    input_name = runner.get_inputs()[0].name
    inputs, labels, fp32 = (samples.load(folder / which) for which in ("inputs", "labels", "fp32"))
    chosen = np.unique(np.linspace(0, len(labels) - 1, score or len(labels)).astype(int))
    inputs = inputs if len(chosen) == len(labels) else samples.chosen(inputs, chosen)
    return Prepared(model, input_name, runner.get_outputs()[0].name, _draw(folder, input_name, draw), inputs,
                    samples.chosen(labels, chosen), samples.chosen(fp32, chosen), task.metric, key)


def calibration(task: Prepared, count: int) -> list[dict[str, np.ndarray]]:
    """The first calibration samples, each as a run takes it."""
    return [{task.input_name: sample[None]} for sample in samples.read_from_calotype(task.samples_file, task.input_name)[:count]]

"""Compiles a task's network and runs it over the evaluation samples, through the command line."""

import re
import shutil
from pathlib import Path

import numpy as np

from bench import calotype_cli
from bench.accuracy import samples
from bench.accuracy.prepared import Prepared
from bench.accuracy.samples import Samples
from bench.kept import kept

PART_BYTES = 128 << 20  # of inputs a call of `calotype run`


def ingredients() -> list[str]:
    """Names of what `--without` can switch off, as the command itself lists them."""
    listed = re.search(r"--without.*?\(one of ([a-z, -]+)\)", calotype_cli.call("compile", "--help"), re.DOTALL)
    return listed.group(1).replace("\n", " ").split(", ")


def compile_snapshot(task: Prepared, snapshot: Path, images: int, options: list[str]) -> dict:
    """`calotype compile`; returns its wall seconds and peak memory."""
    if snapshot.exists():
        shutil.rmtree(snapshot)
    snapshot.parent.mkdir(parents=True, exist_ok=True)
    return calotype_cli.call_measured("compile", task.model, "--samples", task.samples_file, "-o", snapshot, "--images",
                                      images, *options)


def plain_snapshot(task: Prepared, name: str, work: Path, images: int) -> Path:
    """A snapshot by the command's defaults, kept for the next run with the same command, model and samples."""
    snapshot = work / "plain" / f"{name}_{images}"
    return kept(snapshot, [Path(calotype_cli.command()), task.key, str(images)],
                lambda: compile_snapshot(task, snapshot, images, []))


def run(task: Prepared, snapshot: Path, options: list[str]) -> Samples:
    """Outputs of the snapshot for all evaluation samples."""
    if isinstance(task.inputs, np.ndarray):
        return _run_arrays(task, snapshot, options)
    inputs, outputs = (snapshot.with_name(f"{snapshot.name}_{which}") for which in ("in", "out"))
    samples.write_for_calotype(inputs, task.input_name, task.inputs)
    calotype_cli.call("run", snapshot, "--input", inputs, "--output", outputs, *options)
    found = [np.load(file) for file in sorted(outputs.glob("*.npy"))]
    for folder in (inputs, outputs):
        shutil.rmtree(folder)
    return found


def _run_arrays(task: Prepared, snapshot: Path, options: list[str]) -> np.ndarray:
    """In parts, so that no file gets larger than PART_BYTES."""
    step = max(1, PART_BYTES // task.inputs[0].nbytes)
    outputs = []
    part_in, part_out = (snapshot.with_name(f"{snapshot.name}_{which}.npz") for which in ("in", "out"))
    for first in range(0, len(task.inputs), step):
        np.savez(part_in, **{task.input_name: task.inputs[first:first + step]})
        calotype_cli.call("run", snapshot, "--input", part_in, "--output", part_out, *options)
        with np.load(part_out) as arrays:
            outputs.append(arrays[task.output_name].reshape(len(task.inputs[first:first + step]), -1))
    part_in.unlink()
    part_out.unlink()
    return np.concatenate(outputs)

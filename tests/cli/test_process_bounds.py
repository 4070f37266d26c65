"""What ONNX Runtime itself does not bound: memory beside its tensors, a node that does not end. The command bounds its own
process."""

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

import hostile_models
import models
from conftest import unsanitized
from hostile_models import graph, node, sizes
from test_bad_models import listing

BOXES = 300_000  # minutes of comparisons, in a node that nothing interrupts


def suppression():
    """Of boxes none of which another suppresses."""
    model = graph([node("NonMaxSuppression", ["b", "s", "most", "overlap"], ["i"]),
                   helper.make_node("Cast", ["i"], ["y"], to=TensorProto.FLOAT)],
                  ("most", np.array([BOXES], np.int64)), ("overlap", np.array([1], np.float32)))
    model.graph.ClearField("input")
    model.graph.input.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
                             for name, dims in (("b", (1, "N", 4)), ("s", (1, 1, "N"))))
    return model


def boxes(path, count):
    rng = np.random.default_rng(1)
    return models.samples(path, b=rng.random((1, count, 4), np.float32), s=rng.random((1, 1, count), np.float32))


def pieces():
    """A sequence of 2^25 tensors of one element each: their heads take gigabytes."""
    return graph([helper.make_node("ReduceMax", ["x"], ["m"], keepdims=0), helper.make_node("Expand", ["m", "s"], ["e"]),
                  node("SplitToSequence", ["e"], ["q"], axis=0), helper.make_node("SequenceLength", ["q"], ["n"]),
                  helper.make_node("Cast", ["n"], ["f"], to=TensorProto.FLOAT), helper.make_node("Add", ["x", "f"], ["y"])],
                 sizes(1 << 25))


def processor_seconds(process) -> float:
    """So far; how busy the machine is does not count."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def write(path, model):
    onnx.save(model, path)
    return path


def test_a_node_that_does_not_end_ends_the_process(calotype, tmp_path):
    model, given = write(tmp_path / "model.onnx", suppression()), boxes(tmp_path / "samples.npz", BOXES)
    before = listing(tmp_path)
    outcome = calotype("compile", model, "--samples", given, "-o", tmp_path / "out", "--max-seconds", 1)
    assert outcome.code == 1 and "LIMIT_TIME: " in outcome.stderr and "--max-seconds" in outcome.stderr, outcome.stderr
    assert str(model) in outcome.stderr
    assert outcome.seconds < 10 and listing(tmp_path) == before


def test_a_run_that_is_ended_leaves_no_outputs(calotype, tmp_path):
    model = write(tmp_path / "model.onnx", suppression())
    few = boxes(tmp_path / "few.npz", 8)
    many = boxes(tmp_path / "many.npz", BOXES)
    outcome = calotype("compile", model, "--samples", few, "-o", tmp_path / "snapshot", "--npu", "none")
    assert outcome.code == 0, outcome.stderr
    before = listing(tmp_path)
    outcome = calotype("run", tmp_path / "snapshot", "--input", many, "--output", tmp_path / "folder", "--max-seconds", 1)
    assert outcome.code == 1 and "LIMIT_TIME: " in outcome.stderr, outcome.stderr
    assert outcome.seconds < 10 and listing(tmp_path) == before


@unsanitized("it reports crashes itself")
def test_a_crash_of_onnx_runtime_is_a_message(calotype, tmp_path):
    model, given = write(tmp_path / "model.onnx", suppression()), boxes(tmp_path / "samples.npz", BOXES)
    before = listing(tmp_path)
    process = subprocess.Popen([calotype.path, "compile", model, "--samples", given, "-o", tmp_path / "out"],
                               stderr=subprocess.PIPE, text=True)
    while process.poll() is None and processor_seconds(process) < 1:  # what comes before the node takes a third
        time.sleep(0.05)
    process.send_signal(signal.SIGABRT)
    _, stderr = process.communicate(timeout=10)
    assert process.returncode == 1 and f"ORT_CRASH: `{model}`: ONNX Runtime: it crashed at this model" in stderr, stderr
    assert listing(tmp_path) == before


@unsanitized("it maps terabytes, so the process's memory has no bound")
def test_memory_beside_the_tensors_is_bounded(calotype, tmp_path):
    model, given = write(tmp_path / "model.onnx", pieces()), models.samples(tmp_path / "samples.npz")
    before = listing(tmp_path)
    outcome = calotype("compile", model, "--samples", given, "-o", tmp_path / "out", "--max-memory", "300M")
    assert outcome.code == 1 and "LIMIT_MEMORY: " in outcome.stderr and "--max-memory" in outcome.stderr, outcome.stderr
    assert outcome.peak_bytes < 1 << 30 and listing(tmp_path) == before

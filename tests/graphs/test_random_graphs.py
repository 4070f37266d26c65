"""Random models against ONNX Runtime, at one size or two: compiled for no NPU the values are the same, for the default NPU
they lie within what the scales imply. `CALOTYPE_GRAPH_SEEDS=200:5000` tries others; a failure prints its seed and model."""

import os
import sys
from pathlib import Path

import calotype
import numpy as np
import onnx
import pytest

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).parent)]
import arithmetic_steps  # noqa: E402
import layout_steps  # noqa: E402
import window_steps  # noqa: E402
from bench.onnx_backend import steps  # noqa: E402
from bench.onnx_backend.coded_tensors import networks_of  # noqa: E402
from bench.onnx_backend.judge import too_far  # noqa: E402
from random_graph import random_graph, session  # noqa: E402

SEEDS = range(*map(int, os.environ.get("CALOTYPE_GRAPH_SEEDS", "0:200").split(":")))
STEPS = window_steps.STEPS + layout_steps.STEPS + arithmetic_steps.STEPS
# Of an output's largest element, or of 0.1: sums in another order, and what norms and quotients make of that.
FLOAT_TOLERANCE = 1e-4
# 48 runs with noise seldom show one element's worst, and a bias is corrected a second time behind a clamp.
MARGIN = 1.25
NPU = "VE2802_NPU_IP_O00_A304_M3"


def other_size(writer) -> dict:
    """Every axis but batch and channels a little shorter or longer, and the numbers other ones."""
    dims = [size if axis < 2 else max(1, size + int(writer.random.integers(-3, 6)))
            for axis, size in enumerate(writer.inputs["x"])]
    return {"x": writer.random.normal(size=dims).astype(np.float32)}


def windows_fit(model, dims: dict) -> bool:
    """Whether every pool's window lies in its map: ONNX Runtime divides what lies beyond in several ways."""
    for node in model.graph.node:
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type not in ("AveragePool", "MaxPool") or attributes.get("auto_pad", b"").startswith(b"SAME"):
            continue
        kernel = attributes["kernel_shape"]
        pads = attributes.get("pads", [0] * 2 * len(kernel))
        given = zip(kernel, dims[node.input[0]][2:], pads, pads[len(kernel):])
        if any(size > length + before + behind for size, length, before, behind in given):
            return False
    return True


def values_at(model, inputs: dict) -> list | None:
    """Nothing where the model itself cannot have that size, or has a map inside that is empty or less than a window:
    ONNX Runtime's mean of nothing is a number for ReduceMean and a fault for GlobalAveragePool."""
    exposed = onnx.ModelProto()
    exposed.CopyFrom(model)
    outputs = [value.name for value in model.graph.output]
    inside = [name for node in model.graph.node for name in node.output if name not in outputs]
    exposed.graph.output.extend(onnx.ValueInfoProto(name=name) for name in inside)
    try:
        values = session(exposed).run(outputs + inside, inputs)
    except Exception:  # whatever the package raises is its refusal
        return None
    told = values[:len(outputs)]
    if not windows_fit(model, {name: y.shape for name, y in [*inputs.items(), *zip(outputs + inside, values)]}):
        return None
    sound = all(y.ndim > 0 and y.shape[0] == 1 and np.isfinite(y).all() for y in told)
    return told if sound and all(y.size > 0 for y in values) else None


def compiled(path, samples: list, folder, npu: str):
    """By all samples, or the first alone where the network is tied to its size."""
    try:
        return calotype.compile(path, samples, folder, npu=npu, images=len(samples), threads=1), samples
    except calotype.Error as error:
        if len(samples) == 1 or error.code not in ("SAMPLE_SIZES", "SAMPLE_SHAPE"):
            raise
        return compiled(path, samples[:1], folder, npu)


def allowed(model, sample: dict, expected: list, made, snapshot) -> list:
    """By output: how far each element may lie from `expected`."""
    floats = [FLOAT_TOLERANCE * max(0.1, np.abs(y).max()) for y in expected]
    if not made.report["layers"]:
        return floats
    networks = networks_of(snapshot)
    codes = steps.tolerances(model, list(sample.values()), expected, made.report, calotype.inspect(snapshot), networks)
    return [np.maximum(MARGIN * one, other) for one, other in zip(codes, floats)]


@pytest.mark.filterwarnings("ignore:input `x`. planned anew")
@pytest.mark.parametrize("seed", SEEDS)
def test_random_graph(seed, tmp_path):
    writer = random_graph(seed, STEPS)
    # ONNX Runtime ends at a transposed convolution of a map that another size leaves empty, and infers sizes of ceil_mode
    # (window_steps.pool) that are not those it computes.
    free = writer.chance(0.5) and not any(node.op_type == "ConvTranspose" or a.name == "ceil_mode"
                                          for node in writer.nodes for a in node.attribute)
    model = writer.model(free)
    shown = f"CALOTYPE_GRAPH_SEEDS={seed}:{seed + 1}\n{onnx.printer.to_text(model)}"
    onnx.save(model, tmp_path / "m.onnx")
    samples = [{"x": writer.values["x"]}]
    wanted = [values_at(model, samples[0])]
    if wanted[0] is None:
        pytest.skip("ONNX Runtime takes each node but not the whole")
    if free and (values := values_at(model, other := other_size(writer))):
        samples.append(other)
        wanted.append(values)
    names = [output.name for output in model.graph.output]
    for npu in ("none", NPU):
        made, taken = compiled(tmp_path / "m.onnx", samples, tmp_path / npu, npu)
        runner = calotype.Runner(tmp_path / npu, threads=1)
        for sample, expected in zip(taken, wanted):
            try:
                outputs = runner.run(sample)
            except calotype.Error as error:
                if made.report["layers"] or sample is samples[0] or error.code != "INPUT_SHAPE":
                    raise
                continue  # without layers nothing is calibrated: only the run says that it cannot have this size
            text = too_far(expected, [outputs[name] for name in names],
                           allowed(model, sample, expected, made, tmp_path / npu))
            assert not text, f"{npu}, {text}\n{shown}"

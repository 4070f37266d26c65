"""One case: what ONNX Runtime makes of it, what calotype makes of it, and the verdict. Runs in a worker process."""

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path

import calotype
import ml_dtypes
import numpy as np
import onnx

from bench.onnx_backend import reference, steps
from bench.onnx_backend.cases import Case, DataSet, fed_inputs
from bench.onnx_backend.coded_tensors import networks_of
from bench.onnx_backend.judge import first_difference, too_far


LIMITS = {"folded": 1 << 30}  # the light cases compute weights of up to 575 MB


@dataclasses.dataclass
class Outcome:
    group: str
    name: str
    verdict: str  # passed, refused, wrong, crashed, slow
    cause: str = ""
    reference: str = ""  # passed, refused: ..., wrong: ...
    layers: int = 0  # on the NPU


def _reference(model: onnx.ModelProto, data: DataSet, case: Case) -> tuple[str, list | None]:
    try:
        found = reference.run(model, data)
    except Exception as error:  # whatever the package raises is its refusal
        return "refused: " + " ".join(str(error).split())[:300], None
    text = first_difference(data.outputs, found, case.rtol, case.atol)
    return ("wrong: " + text if text else "passed"), found


def _typed(array: np.ndarray | None, kind: str | None):
    """The module hands on codes where NumPy has no such type: bfloat16 as uint16, float8, int4 and the like as uint8."""
    foreign = array is not None and kind is not None and hasattr(ml_dtypes, kind)
    return array.view(getattr(ml_dtypes, kind)) if foreign else array


def _computes_in_other_reals(model: onnx.ModelProto) -> bool:
    """Whether calotype may compute the model in float32 although the file says another type of reals."""
    others = (onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16, onnx.TensorProto.DOUBLE)
    types = [value.type.tensor_type.elem_type for value in model.graph.input]
    return any(kind in others for kind in types + [tensor.data_type for tensor in model.graph.initializer])


def _upgraded(model: onnx.ModelProto, feeds: dict) -> onnx.ModelProto:
    """The model as calotype takes it in, which ONNX Runtime still runs: the one CPU part of a snapshot for no NPU."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "model.onnx").write_bytes(model.SerializeToString())
        calotype.compile(Path(folder) / "model.onnx", [feeds], Path(folder) / "s", npu="none", images=1, threads=1)
        return onnx.load(Path(folder) / "s" / "wrp_network_CPU_0.onnx")


def run_case(case: Case, npu: str, phase: Callable[[str], None]) -> Outcome:
    """`phase` is told what comes next, so that the parent can say where a crash was."""
    model = case.model()
    outcome = Outcome(case.group, case.name, "refused")
    try:
        data = case.data(model)[0]
    except UnicodeDecodeError as error:  # packages before 1.5 kept strings as the bytes of pointers
        outcome.cause, outcome.reference = f"the case's data cannot be read: {error}", "not run: its data"
        return outcome
    phase("ONNX Runtime's own run")
    outcome.reference, theirs = _reference(model, data, case)
    feeds = {value.name: np.asarray(given) if isinstance(given, np.generic) else given  # or a list, or None
             for value, given in zip(fed_inputs(model), data.inputs)}
    try:
        with tempfile.TemporaryDirectory() as folder:
            path, snapshot = Path(folder) / "model.onnx", Path(folder) / "snapshot"
            path.write_bytes(model.SerializeToString())
            phase("compile")
            made = calotype.compile(path, [feeds], snapshot, npu=npu, images=1, threads=1, limits=LIMITS)
            phase("load")
            runner = calotype.Runner(snapshot, threads=1)
            phase("run")
            outputs = runner.run(feeds)
            outcome.layers = len(made.report["layers"])
            inspected = calotype.inspect(snapshot)
            networks = networks_of(snapshot)
    except calotype.Error as error:
        outcome.cause = str(error)
        return outcome
    types = {name: kind for name, kind, _ in runner.outputs}
    found = [_typed(outputs.get(value.name), types.get(value.name)) for value in model.graph.output]
    wanted = theirs if outcome.reference.startswith("wrong") else data.outputs
    text = first_difference(wanted, found, case.rtol, case.atol)
    if text and outcome.layers > 0:
        phase("ONNX Runtime's runs with noise")
        other = outcome.reference.startswith("refused") or _computes_in_other_reals(model) or any(
            i.version < 7 for i in model.opset_import if not i.domain)
        runs = _upgraded(model, feeds) if other else model
        allowed = steps.tolerances(runs, data.inputs, wanted, made.report, inspected, networks)
        text = too_far(wanted, found, allowed)
    outcome.verdict, outcome.cause = ("wrong", text) if text else ("passed", "")
    return outcome

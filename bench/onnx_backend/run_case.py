"""One case: what ONNX Runtime makes of it, what calotype makes of it, and the verdict. Runs in a worker process."""

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx

from bench.onnx_backend import reference
from bench.onnx_backend.cases import Case, DataSet, fed_inputs
from bench.onnx_backend.judge import first_difference


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


def _expressible(data: DataSet, model: onnx.ModelProto) -> str:
    """Why the dict of arrays that compile and run take cannot hold the inputs; "" where it can."""
    for value, given in zip(fed_inputs(model), data.inputs):
        if not isinstance(given, (np.ndarray, np.generic)):
            kind = "an empty optional" if given is None else "a sequence"
            return f"PYTHON_API: input `{value.name}` is {kind}, arrays are taken"
    return ""


def run_case(case: Case, npu: str, phase: Callable[[str], None]) -> Outcome:
    """`phase` is told what comes next, so that the parent can say where a crash was."""
    import calotype

    model = case.model()
    data = case.data(model)[0]
    outcome = Outcome(case.group, case.name, "refused")
    phase("ONNX Runtime's own run")
    outcome.reference, theirs = _reference(model, data, case)
    outcome.cause = _expressible(data, model)
    if outcome.cause:
        return outcome
    feeds = {value.name: np.asarray(array) for value, array in zip(fed_inputs(model), data.inputs)}
    try:
        with tempfile.TemporaryDirectory() as folder:
            path, snapshot = Path(folder) / "model.onnx", Path(folder) / "snapshot"
            path.write_bytes(model.SerializeToString())
            phase("compile")
            calotype.compile(path, [feeds], snapshot, npu=npu, images=1, threads=1)
            phase("load")
            runner = calotype.Runner(snapshot, threads=1)
            phase("run")
            outputs = runner.run(feeds)
    except calotype.Error as error:
        outcome.cause = str(error)
        return outcome
    found = [outputs.get(value.name) for value in model.graph.output]
    if outcome.reference.startswith("wrong"):  # the package expects what ONNX Runtime does not give
        text = first_difference(theirs, found, case.rtol, case.atol)
        text = text and first_difference(data.outputs, found, case.rtol, case.atol)
    else:
        text = first_difference(data.outputs, found, case.rtol, case.atol)
    outcome.verdict, outcome.cause = ("wrong", text) if text else ("passed", "")
    return outcome

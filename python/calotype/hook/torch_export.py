"""A module as an ONNX file: by the exporter that follows the program, else by the one that records a run of it.

Batch and sizes stay free where the exporter finds that they may, and where the result proves that they do.
"""

import contextlib
import importlib.util
import io
import logging
import random
import re
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from calotype.hook import structure
from calotype.hook.state import Untouched
from calotype.hook.torch_compare import Attempt, Compared
from calotype.hook.torch_outside import Outside
from calotype.hook.torch_sizes import Sizes, of_batch, of_program
from calotype.hook.torch_source import OTHER_FLOATS, copied

OPSET = 18
COMPARED_CALLS = 8


def is_tensor(value) -> bool:
    return isinstance(value, torch.Tensor)  # also the exporters' own kinds


class Flat(torch.nn.Module):
    """The module with plain tensors in and out, which is all that ONNX knows."""

    def __init__(self, module: torch.nn.Module, skeleton: structure.Skeleton):
        super().__init__()
        self.module = module
        self.skeleton = skeleton
        self.training = False  # the module is in that mode already; a frozen script has none

    def forward(self, *tensors):
        return tuple(self.result(tensors)[0])

    def result(self, tensors) -> tuple[list, structure.Skeleton]:
        args, kwargs = structure.rebuild(self.skeleton, list(tensors))
        results, skeleton, _ = structure.flatten(self.module(*args, **kwargs), is_tensor)
        return results, skeleton


ATTEMPTS = (
    Attempt(dynamo=True, batch=True, sizes=True),
    Attempt(dynamo=True, batch=True, sizes=False),
    Attempt(dynamo=False, batch=True, sizes=True),
    Attempt(dynamo=False, batch=True, sizes=False),
    Attempt(dynamo=True, batch=False, sizes=False),
    Attempt(dynamo=False, batch=False, sizes=False),
)


def export(source, recording) -> Path:
    missing = [package for package in ("onnx", "onnxscript") if importlib.util.find_spec(package) is None]
    if missing:
        raise Untouched(f"PyTorch's exporter needs {' and '.join(missing)}: pip install {' '.join(missing)}")
    module = copied(source.reference)  # exporting and comparing call it, and it may count its calls
    if any(tensor.dtype in OTHER_FLOATS for tensor in tensors_of(module)):
        module = module.float()
    flat = Flat(module, source.skeleton)
    scripted = any(isinstance(part, torch.jit.ScriptModule) for part in module.modules())
    calls = [list(call.values()) for call, _ in zip(recording.calls(), range(COMPARED_CALLS))]
    path = recording.folder / "model.onnx"
    failures = []
    with (
        torch.inference_mode(False), torch.no_grad(), torch.autocast("cpu", enabled=False),
        undisturbed(source.reference) as outside,
    ):  # fmt: skip
        compared = Compared(flat, source.outputs["skeleton"], calls, outside)
        constant = next(structure.constants(source.outputs["skeleton"]), None)
        if constant is not None and compared.reads_values:
            raise Untouched(f"its result holds {constant!r}, which another input may change")
        for attempt in ATTEMPTS:
            graph = PrintedGraph()
            if (attempt.dynamo and scripted) or not compared.allows(attempt):
                continue
            try:
                tensors = [torch.from_numpy(array) for array in calls[0]]
                axes = [free_axes(tensor, attempt, compared.free) for tensor in tensors]
                source.sizes = write(attempt, flat, source, tensors, axes, path, graph)
                if not attempt.batch:
                    source.sizes = of_batch(tensors)
                compared.check(attempt, path, source.inputs)
                if not attempt.sizes:
                    recording.keep_first_size("; ".join(dict.fromkeys(failures)) or "the module takes no other")
                return path
            except Untouched as reason:
                failures.append(str(reason))
            except Exception as reason:  # the exporters raise whatever they meet
                failures.append(why(reason, graph))
    raise Untouched(f"ONNX cannot express it: {'; '.join(dict.fromkeys(failures))}")


def write(attempt: Attempt, flat: Flat, source, tensors: list, free: list[dict], path: Path, graph: "PrintedGraph") -> Sizes | None:
    """`free` are each tensor's axes. Gives the sizes for which the file holds; None where it looked at none."""
    names = {"input_names": source.inputs, "output_names": source.outputs["names"]}
    with quiet():
        if attempt.dynamo:
            shapes = {"dynamic_shapes": {"tensors": tuple(map(dynamic_shapes, free))}} if attempt.batch else {}
            with captured() as programs:
                torch.onnx.export(
                    flat, tuple(tensors), path, dynamo=True, opset_version=OPSET, external_data=too_large(flat),
                    verbose=False, **names, **shapes,
                )  # fmt: skip
            return of_program(programs[-1])
        else:
            axes = dict(zip(source.inputs, free))
            if attempt.batch:
                axes |= {name: {0: "batch"} for name in source.outputs["names"]}
            # The recorder does not look into a script that it meets as a part of another module: of that a script, too.
            script = isinstance(flat.module, torch.jit.ScriptModule)
            if any(axes.values()) and any(map(branches, flat.module.modules())):
                raise Untouched("it is a script with branches, of which the exporter keeps those of its example's sizes")
            whole = torch.jit.trace(flat, tuple(tensors), check_trace=False) if script else flat
            with graph, warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always", torch.jit.TracerWarning)
                torch.onnx.export(
                    whole, tuple(tensors), path, dynamo=False, opset_version=OPSET, dynamic_axes=axes, **names
                )
            if any(axes.values()) and any("Python boolean" in str(each.message) for each in told if not is_torchs(each.filename)):
                raise Untouched("a recorded run shows one branch of a program, and this one looks at the size of its inputs")
            return None


def branches(part: torch.nn.Module) -> bool:
    """Whether a script still has branches or loops when what is constant in it is folded; assertions are none."""
    if not isinstance(part, torch.jit.ScriptModule) or not hasattr(part, "inlined_graph"):
        return False
    graph = (torch.jit.freeze(part) if hasattr(part, "training") else part).inlined_graph
    ifs = graph.findAllNodes("prim::If", recurse=True)
    raising = [any(block.findAllNodes("prim::RaiseException", recurse=True) for block in each.blocks()) for each in ifs]
    return not all(raising) or bool(graph.findAllNodes("prim::Loop", recurse=True))


@contextlib.contextmanager
def captured():
    """The programs that the ONNX exporter lets torch.export make for it."""
    programs = []
    export_program = torch.export.export

    def noted(*args, **kwargs):
        programs.append(export_program(*args, **kwargs))
        return programs[-1]

    torch.export.export = noted
    try:
        yield programs
    finally:
        torch.export.export = export_program


def is_torchs(file: str) -> bool:
    return Path(file).is_relative_to(Path(torch.__file__).parent)


def dynamic_shapes(axes: dict[int, str]) -> dict:
    return {axis: torch.export.Dim("batch") if axis == 0 else torch.export.Dim.AUTO for axis in axes}


def free_axes(tensor: torch.Tensor, attempt: Attempt, sizes: Callable[[int], range]) -> dict[int, str]:
    axes = {0: "batch"} if attempt.batch and tensor.ndim else {}
    if attempt.sizes:
        axes |= {axis: f"size{axis}" for axis in sizes(tensor.ndim)}
    return axes


def too_large(module: torch.nn.Module) -> bool:
    """For one file: protobuf ends at 2 GB."""
    return sum(tensor.nbytes for tensor in tensors_of(module)) > 2_000_000_000


def tensors_of(module: torch.nn.Module) -> list[torch.Tensor]:
    """The state of a quantized layer holds a type and packed weights, too."""
    return [value for value in module.state_dict().values() if is_tensor(value)]


def why(reason: Exception, graph: "PrintedGraph") -> str:
    """One line with the operator and its place in the user's model, out of an exporter's pages."""
    pages = [str(reason)]
    cause = reason
    while (cause := cause.__cause__ or cause.__context__) is not None and len(pages) < 10:
        pages.append(str(cause))
    operator = re.search(r"\b[a-z]\w+::\w+|\baten\.\w+", "\n".join(pages))
    head = pages[-1].strip().splitlines()[0] if pages[-1].strip() else type(reason).__name__
    parts = [f"operator {operator[0]}", graph.place(operator[0])] if operator else []
    told = " ".join(part for part in parts if part)
    return f"{type(reason).__name__}: {head[:200]}" + (f" ({told})" if told else "")


class PrintedGraph:
    """The graph that the recording exporter failed on, which it would print: it knows the module and the line of each
    operator."""

    text = ""

    def __enter__(self):
        self.log = torch._C._jit_onnx_log
        torch._C._jit_onnx_log = self.keep
        return self

    def __exit__(self, *_):
        torch._C._jit_onnx_log = self.log

    def keep(self, *parts):
        self.text += "".join(map(str, parts))

    def place(self, operator: str) -> str:
        """"layers.3 at model.py:20", empty where the graph does not tell."""
        found = re.findall(rf"= {re.escape(operator)}\(.*scope: (\S+)(?: # (\S+:\d+))?", self.text)
        if not found:
            return ""
        scope, line = found[-1]
        names = [part.rpartition("::")[2] for part in scope.split("/")[1:]]
        module = ".".join(name for name in names if name != "module")
        return " ".join(part for part in (module and f"in `{module}`", line and f"at {line}") if part)


@contextlib.contextmanager
def undisturbed(module: torch.nn.Module):
    """The script's random numbers, and what the module's program keeps outside of it, go on as if nothing had been
    exported."""
    outside = Outside(module)
    python, arrays = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            yield outside
    finally:
        outside.restore()
        random.setstate(python)
        np.random.set_state(arrays)


class OfOtherThreads:
    """Passes on what the script's other threads write meanwhile."""

    def __init__(self, stream):
        self.stream = stream or io.StringIO()
        self.thread = threading.get_ident()

    def write(self, text):
        return len(text) if threading.get_ident() == self.thread else self.stream.write(text)

    def __getattr__(self, name):
        return getattr(self.stream, name)


@contextlib.contextmanager
def quiet():
    """The exporters tell stories on stdout and in the log; the script's output is not theirs."""
    names = ("torch.onnx", "torch.export", "torch.fx.experimental.symbolic_shapes", "onnxscript", "onnx_ir")
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    out, err = OfOtherThreads(sys.stdout), OfOtherThreads(sys.stderr)
    with warnings.catch_warnings(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels):
                logger.setLevel(level)

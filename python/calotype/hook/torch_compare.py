"""Whether an exported file computes what PyTorch does: on the recorded inputs, in a batch, at another size.

The exporters now and then write down what held for their example alone: the branch it took, the size it had.
"""

import contextlib
import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from calotype.hook.compare import MIXES, Mixed, batch_of_two, close, different_rows
from calotype.hook.state import Untouched
from calotype.hook.torch_outside import Outside
from calotype.hook.torch_state import state_of
from calotype.hook.torch_values import reads_values


def behind_channels(rank: int) -> range:
    return range(2, rank)


def steps(rank: int) -> range:
    """Of a sequence [N, T, C], and of its words or mask [N, T]."""
    return range(1, 2) if rank in (2, 3) else range(0)


# Axes that other calls may have longer, by an input's rank, and what the try adds: 32 pixels are right for networks that
# halve five times, a few steps for those that know only so many places.
MAY_GROW = ((behind_channels, 32), (steps, 3))


def other_values(array: np.ndarray) -> np.ndarray:
    turned = np.ascontiguousarray(array[..., ::-1]) if array.ndim else array
    return turned * turned.dtype.type(0.75) if turned.dtype.kind == "f" else turned


def longer(array: np.ndarray, axes: range, more: int) -> np.ndarray:
    return np.pad(array, [(0, more if axis in axes else 0) for axis in range(array.ndim)], "wrap")


@dataclass(frozen=True)
class Attempt:
    """What an exporter is asked for: which one, and what it leaves free."""

    dynamo: bool
    batch: bool
    sizes: bool


class Compared:
    """Inputs and what PyTorch makes of them. `calls` are lists of arrays."""

    def __init__(self, module: torch.nn.Module, form: dict, calls: list[list[np.ndarray]], outside: Outside):
        """`form` is the skeleton of the module's results."""
        self.module = module
        self.form = form
        self.written = False  # into an input
        self.recorded = [(call, self.computed(call)) for call in calls]
        if self.written:
            raise Untouched("it writes into its input, which the NPU would leave as it is")
        name = outside.changed()  # in calls that have been made before: nothing that is kept for the next call
        if name:
            raise Untouched(f"its program changes `{name}` outside of it, which the NPU would leave as it is")
        self.leave_state(calls[-1])
        rows = different_rows(calls)
        self.rows = len(rows)
        try:
            self.batch = batch_of_two(self.computed, rows)
        except Mixed:
            raise Untouched(MIXES)
        self.free, self.grown = self.larger(calls[0])

    def computed(self, call: list[np.ndarray]) -> list[np.ndarray]:
        inputs = [torch.tensor(array) for array in call]
        versions = [tensor._version for tensor in inputs]
        outputs, form = self.module.result(inputs)
        self.written |= [tensor._version for tensor in inputs] != versions
        if form != self.form:
            raise Untouched("the form of its result changes from call to call")
        return [tensor.numpy() for tensor in outputs]

    def leave_state(self, call: list[np.ndarray]) -> None:
        """After calls of that size, so that what it keeps for each size is there: other values must leave it as it is."""
        before = state_of(self.module.module)
        try:
            self.computed([other_values(array) for array in call])
        except Exception:  # values that the module does not take
            self.computed(call)
        after = state_of(self.module.module)
        changed = next((name for name in {**before, **after} if before.get(name) != after.get(name)), None)
        if changed is not None:
            raise Untouched(f"its program changes its own `{changed}` in each call, which the NPU would leave as it is")

    def larger(self, call: list[np.ndarray]):
        """(the axes, inputs that are larger there and their results); None where the module takes no others."""
        for axes, more in MAY_GROW:
            if not any(axes(array.ndim) for array in call):
                continue
            grown = [longer(array, axes(array.ndim), more) for array in call]
            with contextlib.suppress(Exception):  # a size that the module does not take
                return axes, (grown, self.computed(grown))
        return behind_channels, None

    def of_first_size(self, call: list[np.ndarray]) -> bool:
        first, _ = self.recorded[0]
        return [array.shape[1:] for array in call] == [array.shape[1:] for array in first]

    def allows(self, attempt: Attempt) -> bool:
        return (self.batch is not None or not attempt.batch) and (self.grown is not None or not attempt.sizes)

    @functools.cached_property
    def reads_values(self) -> bool:
        return any(reads_values(self.module, [torch.tensor(array) for array in call]) for call, _ in self.recorded)

    def check(self, attempt: Attempt, path: Path, inputs: list[str]) -> None:
        import onnxruntime

        if not attempt.dynamo and self.rows < 2:
            raise Untouched("a recorded run shows one branch of a program: it takes 2 different samples to see whether "
                            "there are others (VAISW_QUANTIZATION_NBIMAGES)")  # fmt: skip
        if not attempt.dynamo and self.reads_values:
            raise Untouched("a recorded run shows one branch of a program, and this one reads values that its inputs "
                            "decide (`if x.max() > 5`, `.item()`)")  # fmt: skip
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # a difference is told by us
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        unread = set(inputs) - {port.name for port in session.get_inputs()}
        if unread:
            raise Untouched(f"its result does not depend on its input `{min(unread)}`")
        recorded = [case for case in self.recorded if attempt.sizes or self.of_first_size(case[0])]
        cases = recorded + ([self.batch] if attempt.batch else []) + ([self.grown] if attempt.sizes else [])
        for call, wanted in cases:
            found = session.run(None, dict(zip(inputs, call)))
            if len(found) != len(wanted) or not all(map(close, found, wanted)):
                raise Untouched("its ONNX form does not compute what PyTorch does")

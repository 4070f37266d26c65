"""What a network brings: how to build it, what it reads, and which parts of its outputs are judged apart."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

Parts = dict[str, np.ndarray]


def whole(outputs: list[np.ndarray]) -> Parts:
    """Every output for itself, in the model's order."""
    return {f"out{i}": values for i, values in enumerate(outputs)}


@dataclass(frozen=True)
class Family:
    """A network that can be built, exported and judged.

    shape: of one sample, [channels, height, width]; a sequence network reads an image of one channel row by row.
    parts: the outputs cut into what has its own meaning (boxes, classes), each judged for itself.
    least_opset: of ONNX, into which PyTorch can export it.
    """
    name: str
    build: Callable[[], torch.nn.Module]
    shape: tuple[int, int, int]
    parts: Callable[[list[np.ndarray]], Parts] = whole
    least_opset: int = 13

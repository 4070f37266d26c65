"""A network as an ONNX Runtime session knows it: a file, or the bytes of one."""

import os
from itertools import islice
from pathlib import Path

import numpy as np

from calotype.hook.compare import MIXES, Mixed, batch_of_two, different_rows

COMPARED_CALLS = 8


class SessionSource:
    def __init__(self, model):
        self.given = model
        self.path: Path | None = Path(model) if isinstance(model, (str, os.PathLike)) else None
        self.apart = True  # whether the samples of a batch have nothing to do with one another
        self.name = f"{self.path.name if self.path else 'a model given as bytes'} (ONNX Runtime)"

    def key(self) -> str:
        from calotype import _core

        return "onnx " + (_core.model_sha256(self.path) if self.path else _core.model_sha256_of(bytes(self.given)))

    def samples(self, inputs: dict) -> int:
        """The batch, where every input has one."""
        sizes = {array.shape[0] if array.ndim else 1 for array in inputs.values()}
        return sizes.pop() if len(sizes) == 1 else 1

    def refuses(self, inputs: dict) -> str:
        return "" if self.apart or self.samples(inputs) == 1 else MIXES

    def check(self) -> None:
        pass

    def model(self, recording) -> Path:
        path = self.path
        if path is None:
            path = recording.folder / "model.onnx"
            path.write_bytes(self.given)
        self.apart = computes_samples_apart(path, list(islice(recording.calls(), COMPARED_CALLS)))
        return path

    def facts(self) -> dict:
        return {"apart": self.apart}

    def restore(self, facts: dict) -> bool:
        self.apart = facts["apart"]
        return True

    def joined(self, source) -> None:
        pass  # one file is as good as another of the same content

    def seen(self, result: list) -> list:
        return [each.shape() if callable(getattr(each, "shape", None)) else np.shape(each) for each in result]


def computes_samples_apart(model: Path, calls: list[dict[str, np.ndarray]]) -> bool:
    """Also where the model takes no batch but its own."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # a batch that it does not take is no news
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    types = {port.name: port.type for port in session.get_outputs()}
    if any(not kind.startswith("tensor") or kind == "tensor(string)" for kind in types.values()):
        return True  # refused for that when it is compiled
    rows = different_rows([list(call.values()) for call in calls])
    try:
        batch_of_two(lambda arrays: session.run(None, dict(zip(calls[0], arrays))), rows)
    except Mixed:
        return False
    return True

"""A network as an ONNX Runtime session knows it: a file, or the bytes of one."""

import os
from pathlib import Path

import numpy as np


class SessionSource:
    def __init__(self, model):
        self.given = model
        self.path: Path | None = Path(model) if isinstance(model, (str, os.PathLike)) else None
        self.name = f"{self.path.name if self.path else 'a model given as bytes'} (ONNX Runtime)"

    def key(self) -> str:
        from calotype import _core

        return "onnx " + (_core.model_sha256(self.path) if self.path else _core.model_sha256_of(bytes(self.given)))

    def samples(self, inputs: dict) -> int:
        """The batch, where every input has one."""
        sizes = {array.shape[0] if array.ndim else 1 for array in inputs.values()}
        return sizes.pop() if len(sizes) == 1 else 1

    def check(self) -> None:
        pass

    def model(self, recording) -> Path:
        if self.path is not None:
            return self.path
        path = recording.folder / "model.onnx"
        path.write_bytes(self.given)
        return path

    def facts(self) -> dict:
        return {}

    def restore(self, facts: dict) -> bool:
        return True

    def seen(self, result: list) -> list:
        return [each.shape() if callable(getattr(each, "shape", None)) else np.shape(each) for each in result]

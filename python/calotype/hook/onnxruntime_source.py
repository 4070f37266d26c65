"""A network as an ONNX Runtime session knows it: a file, or the bytes of one."""

import os
import zlib
from itertools import islice
from pathlib import Path

import numpy as np

from calotype.hook.compare import MIXES, Mixed, batch_of_two, different_rows
from calotype.hook.state import Untouched

COMPARED_CALLS = 8
SMALL_BYTES = 1 << 20


class SessionSource:
    def __init__(self, model, stamp=None):
        """`stamp` is the file's when the session read it."""
        self.given = model
        self.stamp = stamp
        self.path: Path | None = Path(model) if isinstance(model, (str, os.PathLike)) else None
        self.apart = True  # whether the samples of a batch have nothing to do with one another
        self.name = f"{self.path.name if self.path else 'a model given as bytes'} (ONNX Runtime)"

    def key(self) -> str:
        from calotype import _core

        self.check()
        return "onnx " + (_core.model_sha256(self.path) if self.path else _core.model_sha256_of(bytes(self.given)))

    def samples(self, inputs: dict) -> int:
        """The batch, where every input has one."""
        sizes = {array.shape[0] if array.ndim else 1 for array in inputs.values()}
        return sizes.pop() if len(sizes) == 1 else 1

    def refuses(self, inputs: dict) -> str:
        return "" if self.apart or self.samples(inputs) == 1 else MIXES

    def check(self) -> None:
        if self.path is not None and self.stamp != stamp_of(self.path):
            raise Untouched("its file is another one than when the session was made")

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
        return [shape_of(each) for each in result]


def shape_of(result) -> tuple:
    """Of an array or an OrtValue; results may be sequences and maps, too, which the NPU does not give."""
    if isinstance(result, np.ndarray):
        return result.shape
    return tuple(result.shape()) if hasattr(result, "is_tensor") and result.is_tensor() else ()


def stamp_of(path: Path):
    """Changes with the file's content: a small one may be written anew within one tick of the disk's clock."""
    status = path.stat()
    small = path.read_bytes() if status.st_size < SMALL_BYTES else b""
    return status.st_mtime_ns, status.st_size, status.st_ino, zlib.crc32(small)


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

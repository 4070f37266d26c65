from collections.abc import Callable, Mapping, Sequence
from os import PathLike

from numpy import ndarray
from numpy.typing import ArrayLike

class Error(Exception):
    """What was given cannot be used; the text says what, where, what is allowed and what to do."""

    code: str
    """Stable, for programs: `SAMPLE_SHAPE`."""

class Snapshot:
    """A compiled network on disk."""

    @property
    def path(self) -> str: ...
    @property
    def report(self) -> str:
        """report.json as text: what runs where and why, and per layer source names, scales, signal-to-noise ratio, cycles."""

    def __fspath__(self) -> str: ...

def compile(
    model: str | PathLike[str],
    samples: Sequence[Mapping[str, ArrayLike]] | str | PathLike[str],
    output: str | PathLike[str],
    *,
    mode: str = "fast",
    images: int = 4,
    deep: bool = False,
    precision: str = "INT8",
    npu: str = "VE2802_NPU_IP_O00_A304_M3",
    shapes: Sequence[tuple[str, Sequence[int]]] = (),
    threads: int = 0,
    without: Sequence[str] = (),
    progress: Callable[[str, float], object] | None = None,
) -> Snapshot:
    """Compiles an ONNX model into a snapshot, which replaces `output` in one step.

    Args:
        model: an ONNX file.
        samples: calibration samples, each a dict of arrays by input name with the model's input shape, batch 1 (or the
            model's own); or the path of an .npz, .npy or folder, as on the command line.
        output: the snapshot's directory.
        mode: "fast"; no other is built yet.
        images: how many of the samples are used.
        deep: fine-tuning, not built yet.
        precision: "INT8"; no other is built yet.
        npu: a configuration's name or file; "none" runs the optimized graph in FP32 on ONNX Runtime.
        shapes: more (input, shape) pairs to make programs for; not built yet.
        threads: 0 for all processors; never changes a byte of the result.
        without: ingredients of quantization to leave out, such as "bias-correction".
        progress: called with the stage's name and how far it is, 0 to 1; what it raises ends the compilation.

    Raises:
        Error: the model, a sample, an option or the disk is at fault; `output` is as it was.
    """

def explain(model: str | PathLike[str], *, npu: str = ..., shapes: Sequence[tuple[str, Sequence[int]]] = ()) -> str:
    """Which operator runs where and why, as JSON text."""

def inspect(snapshot: str | PathLike[str] | Snapshot) -> str:
    """What a snapshot holds, as JSON text. Raises Error if a checksum is wrong."""

def verify(snapshot: str | PathLike[str] | Snapshot, *, threads: int = 0) -> list[tuple[str, bool, str]]:
    """(name, passed, detail) of each check: checksums, golden vectors, each kernel set against the reference."""

class Runner:
    """A snapshot, loaded and ready. One `run` at a time; Python's lock is free while it runs."""

    def __init__(
        self,
        snapshot: str | PathLike[str] | Snapshot,
        *,
        threads: int = 0,
        kernels: str = "auto",
        npu: str = "",
    ) -> None: ...
    @property
    def inputs(self) -> list[tuple[str, str, list[int]]]:
        """(name, type, shape) of each input, -1 where free."""

    @property
    def outputs(self) -> list[tuple[str, str, list[int]]]: ...
    def run(self, inputs: Mapping[str, ArrayLike]) -> dict[str, ndarray]:
        """Runs arrays [batch, ...] by input name; C-contiguous arrays of the input's type are taken without a copy.

        Calls from several threads wait for one another; several runners run at the same time."""

def npu_identity(name: str) -> tuple[str, str]:
    """Name and fingerprint of a configuration, given by name or file."""

def model_sha256(model: str | PathLike[str]) -> str:
    """Of an ONNX model's content, external data included."""

def model_sha256_of(model: bytes) -> str:
    """As model_sha256, of a file's bytes."""

def check_target(path: str | PathLike[str]) -> None:
    """Raises Error OUTPUT_TAKEN where something stands that is neither a snapshot nor an empty folder."""

def copy_snapshot(snapshot: str | PathLike[str], target: str | PathLike[str]) -> None:
    """A second one at `target`, in one step. Raises Error OUTPUT_TAKEN as `check_target`."""

"""ONNX Runtime's static quantization of a network."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import version_converter
from onnxruntime.quantization import CalibrationDataReader, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

LEAST_OPSET = 13  # QuantizeLinear's axis
Feeds = list[dict[str, np.ndarray]]  # one sample each


class _Samples(CalibrationDataReader):
    def __init__(self, feeds: Feeds):
        self._feeds = iter(feeds)

    def get_next(self):
        return next(self._feeds, None)


@contextlib.contextmanager
def prepared(model_file: Path, path: Path) -> Iterator[Path]:
    """The model as `quantize` takes it, for the time being beside `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    raised, ready = path.with_suffix(".raised.onnx"), path.with_suffix(".prepared.onnx")
    model = onnx.load(model_file)
    if model.opset_import[0].version < LEAST_OPSET:
        model = version_converter.convert_version(model, LEAST_OPSET)
    try:
        onnx.save(model, raised)
        quant_pre_process(str(raised), str(ready), skip_symbolic_shape=True)
        yield ready
    finally:
        raised.unlink(missing_ok=True)
        ready.unlink(missing_ok=True)


def quantize(ready: Path, path: Path, calibration: Feeds, **options) -> None:
    """Writes `path`. Raises what ONNX Runtime's tools raise where they cannot."""
    quantize_static(str(ready), str(path), _Samples(calibration), **options)

"""ONNX Runtime's own INT8 form of a network: QDQ, weights per channel, U8S8 (its faster form)."""

from pathlib import Path

import numpy as np
import onnx
from onnx import version_converter
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

LEAST_OPSET = 13  # QuantizeLinear's axis
Feeds = list[dict[str, np.ndarray]]  # one sample each


class _Samples(CalibrationDataReader):
    def __init__(self, feeds: Feeds):
        self._feeds = iter(feeds)

    def get_next(self):
        return next(self._feeds, None)


def make(model_file: Path, calibration: Feeds, path: Path) -> None:
    """Writes the quantized model to `path`. Raises what ONNX Runtime's tools raise where they cannot."""
    path.parent.mkdir(parents=True, exist_ok=True)
    raised, prepared = path.with_suffix(".raised.onnx"), path.with_suffix(".prepared.onnx")
    model = onnx.load(model_file)
    if model.opset_import[0].version < LEAST_OPSET:
        model = version_converter.convert_version(model, LEAST_OPSET)
    onnx.save(model, raised)
    quant_pre_process(str(raised), str(prepared), skip_symbolic_shape=True)
    try:
        _quantize(prepared, path, calibration, per_channel=True)
    except ValueError:  # ONNX Runtime 1.32 cannot adjust a per-channel MatMul's scales to its bias (mnist-8)
        _quantize(prepared, path, calibration, per_channel=False)
    raised.unlink()
    prepared.unlink()


def form(path: Path) -> str:
    """"per channel" or "per tensor": how the weights of a made model are quantized."""
    graph = onnx.load(path).graph
    scales = {node.input[1] for node in graph.node if node.op_type == "DequantizeLinear"}
    sizes = [int(np.prod(array.dims)) for array in graph.initializer if array.name in scales]
    return "per channel" if max(sizes, default=1) > 1 else "per tensor"


def _quantize(prepared: Path, path: Path, calibration: Feeds, per_channel: bool) -> None:
    quantize_static(str(prepared), str(path), _Samples(calibration), quant_format=QuantFormat.QDQ,
                    per_channel=per_channel, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)

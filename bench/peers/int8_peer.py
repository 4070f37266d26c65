"""ONNX Runtime's own INT8 form of a network: QDQ, weights per channel, U8S8 (its faster form)."""

from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import QuantFormat, QuantType

from bench import ort_quantizer
from bench.ort_quantizer import Feeds

U8S8 = {"quant_format": QuantFormat.QDQ, "activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8}


def make(model_file: Path, calibration: Feeds, path: Path) -> None:
    """Writes the quantized model to `path`. Raises what ONNX Runtime's tools raise where they cannot."""
    with ort_quantizer.prepared(model_file, path) as ready:
        try:
            ort_quantizer.quantize(ready, path, calibration, per_channel=True, **U8S8)
        except ValueError:  # ONNX Runtime 1.32 cannot adjust a per-channel MatMul's scales to its bias (mnist-8)
            ort_quantizer.quantize(ready, path, calibration, per_channel=False, **U8S8)


def form(path: Path) -> str:
    """"per channel" or "per tensor": how the weights of a made model are quantized."""
    graph = onnx.load(path).graph
    scales = {node.input[1] for node in graph.node if node.op_type == "DequantizeLinear"}
    sizes = [int(np.prod(array.dims)) for array in graph.initializer if array.name in scales]
    return "per channel" if max(sizes, default=1) > 1 else "per tensor"

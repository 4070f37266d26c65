"""Quantized forms of a network, as ONNX Runtime's tools write them."""

from pathlib import Path

from onnxruntime.quantization import QuantFormat, QuantType

from bench import ort_quantizer
from bench.accuracy.prepared import Prepared, calibration

CALIBRATION_SAMPLES = 20

S8, U8, U16 = QuantType.QInt8, QuantType.QUInt8, QuantType.QUInt16


def _form(activations: QuantType, weights: QuantType = S8, per_channel: bool = True, operators: bool = False, **extra) -> dict:
    return {"activation_type": activations, "weight_type": weights, "per_channel": per_channel, "extra_options": extra,
            "quant_format": QuantFormat.QOperator if operators else QuantFormat.QDQ}


FORMS = {
    "qdq_u8s8": _form(U8),
    "qdq_u8s8_per_tensor": _form(U8, per_channel=False),
    "qdq_s8s8": _form(S8),
    "qdq_s8s8_symmetric": _form(S8, ActivationSymmetric=True),
    "qdq_u8u8": _form(U8, weights=U8),  # weights with a zero point
    "qdq_u16s8": _form(U16),
    "qoperator_u8s8": _form(U8, operators=True),
    "qoperator_s8s8_per_tensor": _form(S8, per_channel=False, operators=True),
}


def make(task: Prepared, form: str, path: Path) -> None:
    """Writes the quantized model to `path`. Raises what ONNX Runtime's tools raise where they cannot."""
    with ort_quantizer.prepared(task.model, path) as ready:
        ort_quantizer.quantize(ready, path, calibration(task, CALIBRATION_SAMPLES), **FORMS[form])

"""Quantized forms of a network, as ONNX Runtime's tools write them."""

from pathlib import Path

import numpy as np
import onnx
from onnx import version_converter
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from bench.accuracy.prepared import Prepared

CALIBRATION_SAMPLES = 20
LEAST_OPSET = 13  # QuantizeLinear's axis

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


class _Samples(CalibrationDataReader):
    def __init__(self, task: Prepared):
        with np.load(task.samples_file) as arrays:
            samples = arrays[task.input_name][:CALIBRATION_SAMPLES]
        self._feeds = iter([{task.input_name: sample[None]} for sample in samples])

    def get_next(self):
        return next(self._feeds, None)


def make(task: Prepared, form: str, path: Path) -> None:
    """Writes the quantized model to `path`. Raises what ONNX Runtime's tools raise where they cannot."""
    path.parent.mkdir(parents=True, exist_ok=True)
    raised, prepared = path.with_suffix(".raised.onnx"), path.with_suffix(".prepared.onnx")
    model = onnx.load(task.model)
    if model.opset_import[0].version < LEAST_OPSET:
        model = version_converter.convert_version(model, LEAST_OPSET)
    onnx.save(model, raised)
    try:
        quant_pre_process(str(raised), str(prepared), skip_symbolic_shape=True)
        quantize_static(str(prepared), str(path), _Samples(task), **FORMS[form])
    finally:
        raised.unlink()
        prepared.unlink(missing_ok=True)

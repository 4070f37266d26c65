"""A case on ONNX Runtime itself, by its Python package."""

import numpy as np
import onnx
import onnxruntime
from onnx import helper

from bench.onnx_backend.cases import DataSet, fed_inputs

PLAIN = "?bhilqBHILQefdUSO"  # what NumPy knows by itself


def _run_of_foreign_types(session: onnxruntime.InferenceSession, feeds: dict) -> list:
    """Types that NumPy lacks (bfloat16, float8, int4) go in and out as OrtValues."""
    make, typed = onnxruntime.OrtValue.ortvalue_from_numpy, onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type
    values = {name: make(array) if array.dtype.char in PLAIN
              else typed(array, helper.np_dtype_to_tensor_dtype(array.dtype)) for name, array in feeds.items()}
    return [value.numpy() for value in session.run_with_ort_values(None, values)]


def run(model: onnx.ModelProto, data: DataSet) -> list:
    """The outputs in the graph's order. Raises whatever ONNX Runtime raises."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    feeds = {value.name: np.asarray(array) if isinstance(array, np.generic) else array
             for value, array in zip(fed_inputs(model), data.inputs)}
    if any(isinstance(array, np.ndarray) and array.dtype.char not in PLAIN for array in feeds.values()):
        return _run_of_foreign_types(session, {name: np.asarray(array) for name, array in feeds.items()})
    return session.run(None, feeds)

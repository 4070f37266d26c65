"""A case on ONNX Runtime itself, by its Python package."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, TypeProto, helper

from bench.onnx_backend.cases import DataSet, fed_inputs

PLAIN = "?bhilqBHILQefdUSO"  # what NumPy knows by itself


SHARED_BYTES = (TensorProto.INT4, TensorProto.UINT4, TensorProto.INT2, TensorProto.UINT2, TensorProto.FLOAT4E2M1)


def _refuse_shared_bytes(feeds: dict) -> None:
    """ONNX Runtime has several such elements in a byte, and its Python takes a byte for each: it would read other values."""
    for name, array in feeds.items():
        if array.dtype.char not in PLAIN and helper.np_dtype_to_tensor_dtype(array.dtype) in SHARED_BYTES:
            raise ValueError(f"ONNX Runtime's Python cannot be given input `{name}`: it is {array.dtype}")


def _typed(array, kind: TypeProto):
    """It gives some types that NumPy lacks as the unsigned integers of their codes."""
    if not isinstance(array, np.ndarray) or not kind.HasField("tensor_type") or array.dtype.kind not in "iu":
        return array
    wanted = helper.tensor_dtype_to_np_dtype(kind.tensor_type.elem_type)
    return array if wanted.char in PLAIN or wanted.itemsize != array.dtype.itemsize else array.view(wanted)


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
        feeds = {name: np.asarray(array) for name, array in feeds.items()}
        _refuse_shared_bytes(feeds)
        found = _run_of_foreign_types(session, feeds)
    else:
        found = session.run(None, feeds)
    return [_typed(array, value.type) for array, value in zip(found, model.graph.output)]

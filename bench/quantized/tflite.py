"""The INT8 and FP32 .tflite models, converted by tf2onnx (bench/quantized/requirements.txt, in an environment of its own)."""

import subprocess
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from bench.data_folder import data_folder

OPSET = "18"
# by task: the converted models' names and files; all take their maps channels last
MODELS = {
    "resnet8": {"tflite_int8": "mlperf_tiny/ic_resnet8/pretrainedResnet_quant.tflite",
                "tflite_float": "mlperf_tiny/ic_resnet8/pretrainedResnet.tflite"},
    "kws_dscnn": {"tflite_int8": "mlperf_tiny/kws_dscnn/kws_ref_model.tflite"},
    "vww": {"tflite_int8": "mlperf_tiny/vww_mobilenet/vww_96_int8.tflite",
            "tflite_float": "mlperf_tiny/vww_mobilenet/vww_96_float.tflite"},
    "mcunet": {"tflite_int8": "imagenet/mcunet-320kb-1mb_imagenet.tflite"},
}


def source(task: str, form: str) -> Path:
    return data_folder() / MODELS[task][form]


def make(python: Path, task: str, form: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([python, "-m", "tf2onnx.convert", "--tflite", source(task, form), "--opset", OPSET,
                    "--output", path], check=True, capture_output=True)


def quantization_at(graph: onnx.GraphProto, value: str) -> tuple[float, int]:
    """Scale and zero point of a graph input or output of codes."""
    constants = {array.name: numpy_helper.to_array(array) for array in graph.initializer}
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] == value or \
                node.op_type == "QuantizeLinear" and node.output[0] == value:
            return float(constants[node.input[1]]), int(constants[node.input[2]])
    for node in graph.node:  # moved before it is dequantized, or behind where it was quantized
        if node.op_type in ("Transpose", "Reshape") and value in (node.input[0], node.output[0]):
            return quantization_at(graph, node.output[0] if value == node.input[0] else node.input[0])
    raise ValueError(f"no scale is stated of {value}")


def inputs_for(model: Path, inputs: np.ndarray) -> np.ndarray:
    """The task's samples as the converted model takes them: channels last, INT8 codes where it takes those."""
    graph = onnx.load(model).graph
    last = np.ascontiguousarray(np.moveaxis(inputs, 1, -1))
    if graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT:
        return last
    scale, zero_point = quantization_at(graph, graph.input[0].name)
    return np.clip(np.rint(last / np.float32(scale)) + zero_point, -128, 127).astype(np.int8)


def samples_for(model: Path, samples: Path) -> Path:
    """The task's calibration samples likewise, in a file beside the model."""
    file = model.with_suffix(".samples.npz")
    with np.load(samples) as arrays:
        np.savez(file, **{onnx.load(model).graph.input[0].name: inputs_for(model, next(iter(arrays.values()))[:20])})
    return file


def reals(model: Path, outputs: np.ndarray) -> np.ndarray:
    """Outputs in reals, whatever the model gives."""
    if outputs.dtype == np.float32:
        return outputs
    scale, zero_point = quantization_at(onnx.load(model).graph, onnx.load(model).graph.output[0].name)
    return (outputs.astype(np.float32) - zero_point) * np.float32(scale)

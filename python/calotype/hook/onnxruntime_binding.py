"""ONNX Runtime's IOBinding: remembers what the script bound, so that the NPU can read it and answer into it."""

import ctypes

import numpy as np

from calotype.hook.messages import user_error


def value_of(onnxruntime, array: np.ndarray):
    """An OrtValue with memory of its own: one around the array would not keep it for the views that it gives."""
    value = onnxruntime.OrtValue.ortvalue_from_shape_and_type(array.shape, array.dtype.type)
    value.update_inplace(array)
    return value


def binding_class(onnxruntime):
    """A subclass for this onnxruntime, which calotype itself does not import."""

    class IOBinding(onnxruntime.IOBinding):
        def __init__(self, session):
            super().__init__(session)
            self._inputs: dict[str, object] = {}  # arrays and OrtValues; None where only a device could read it
            self._outputs: dict[str, object] = {}  # the same, and "new" where the script bound no memory
            self._answer: list | None = None  # the NPU's outputs of the latest run, as OrtValues

        # What the script binds

        def bind_cpu_input(self, name, arr_on_cpu):
            super().bind_cpu_input(name, arr_on_cpu)
            self._inputs[name] = arr_on_cpu

        def bind_ortvalue_input(self, name, ortvalue):
            super().bind_ortvalue_input(name, ortvalue)
            self._inputs[name] = ortvalue

        def bind_input(self, name, device_type, device_id, element_type, shape, buffer_ptr):
            super().bind_input(name, device_type, device_id, element_type, shape, buffer_ptr)
            self._inputs[name] = memory(device_type, element_type, shape, buffer_ptr)

        def bind_output(self, name, device_type="cpu", device_id=0, element_type=None, shape=None, buffer_ptr=None):
            super().bind_output(name, device_type, device_id, element_type, shape, buffer_ptr)
            new = buffer_ptr is None and device_type == "cpu"
            self._outputs[name] = "new" if new else memory(device_type, element_type, shape, buffer_ptr)

        def bind_ortvalue_output(self, name, ortvalue):
            super().bind_ortvalue_output(name, ortvalue)
            self._outputs[name] = ortvalue if ortvalue.device_name() == "cpu" else None

        def clear_binding_inputs(self):
            super().clear_binding_inputs()
            self._inputs.clear()

        def clear_binding_outputs(self):
            super().clear_binding_outputs()
            self._outputs.clear()
            self._answer = None

        # What the NPU answers

        def readable(self) -> bool:
            return bool(self._outputs) and all(each is not None for each in self._outputs.values())

        def answer(self, outputs: dict[str, np.ndarray]) -> None:
            self._answer = [self._filled(bound, outputs[name]) for name, bound in self._outputs.items()]

        def _filled(self, bound, array: np.ndarray):
            if isinstance(bound, str):
                return value_of(onnxruntime, array)
            shape = list(bound.shape if isinstance(bound, np.ndarray) else bound.shape())
            if shape != list(array.shape):  # the call is ONNX Runtime's then, which answers or complains as ever
                raise user_error("OUTPUT_SHAPE", "a bound output", f"it is {shape}, the result is {list(array.shape)}")
            if isinstance(bound, np.ndarray):
                np.copyto(bound, array, casting="no")
                return value_of(onnxruntime, array)
            bound.update_inplace(array)
            return bound

        def get_outputs(self):
            return super().get_outputs() if self._answer is None else self._answer

        def copy_outputs_to_cpu(self):
            if self._answer is None:
                return super().copy_outputs_to_cpu()
            return [each.numpy().copy() for each in self._answer]  # the next run writes into what is bound

        def get_outputs_as_ortvaluevector(self):
            if self._answer is None:
                return super().get_outputs_as_ortvaluevector()
            vector = onnxruntime.capi.onnxruntime_pybind11_state.OrtValueVector()
            for value in self._answer:
                vector.push_back(value._ortvalue)
            return vector

    return IOBinding


def memory(device_type, element_type, shape, address) -> np.ndarray | None:
    """The script's own memory as an array."""
    if device_type != "cpu" or not address:
        return None
    try:
        wanted = np.dtype(element_type)
    except TypeError:
        return None  # ONNX's number of a type that NumPy lacks
    size = int(np.prod(shape, dtype=np.int64)) * wanted.itemsize
    held = (ctypes.c_char * size).from_address(address)
    return np.frombuffer(held, wanted).reshape(shape)

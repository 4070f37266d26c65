"""ONNX Runtime: a subclass takes InferenceSession's place, and lets `run` be answered by the NPU."""

import contextlib
import functools
import os
import threading
import weakref
from pathlib import Path

import numpy as np

from calotype.hook import session as run
from calotype.hook.guard import in_worker, inside
from calotype.hook.messages import is_users
from calotype.hook.onnxruntime_binding import binding_class, value_of
from calotype.hook.onnxruntime_source import SessionSource, stamp_of
from calotype.hook.state import Untouched

SPECIAL = "run options that bring weights of their own, or end the run"
UNLIKE = "its inputs are no arrays of the model's types and ranks"
WEIGHTS_GIVEN = (
    ("SessionOptions", "add_initializer"),
    ("SessionOptions", "add_external_initializers"),
    ("RunOptions", "add_active_adapter"),
)
NUMPY_TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int8)": np.int8,
    "tensor(uint8)": np.uint8,
    "tensor(int16)": np.int16,
    "tensor(uint16)": np.uint16,
    "tensor(int32)": np.int32,
    "tensor(uint32)": np.uint32,
    "tensor(int64)": np.int64,
    "tensor(uint64)": np.uint64,
    "tensor(bool)": np.bool_,
}


class Target:
    """What stands between one session and its network."""

    def __init__(self, model, stamp):
        self.model = model  # path or bytes
        self.stamp = stamp  # of the file, when the session was made
        self.reason = ""  # why it is untouched, where that was plain then
        self.network = None
        self.untouched = inside.busy  # a session that calotype or another framework made for itself
        self.inputs: list[tuple[str, type, int | None]] = []  # name, NumPy type, rank where the file tells
        self.outputs: list[str] = []
        self.lock = threading.Lock()

    def meet(self, session):
        """The session's network at its first run; None where it has none."""
        with self.lock:
            if self.network is not None or self.untouched:
                return self.network
            current = run.current()
            if current is None:
                self.untouched = True
                return None
            source = SessionSource(self.model, self.stamp)
            try:
                if self.reason:
                    raise Untouched(self.reason)
                self.learn(session)
                self.network = current.meet(source)
            except Exception as reason:
                if is_users(reason):
                    raise
                self.untouched = True
                current.note(f"{source.name} runs untouched: {reason}")
            return self.network

    def learn(self, session) -> None:
        for port in session.get_inputs():
            if port.type not in NUMPY_TYPES:
                raise Untouched(f"the NPU takes no {port.type}, the type of its input `{port.name}`")
            rank = len(port.shape) if port.shape else None  # an unknown shape looks as a number's does
            self.inputs.append((port.name, NUMPY_TYPES[port.type], rank))
        if not self.inputs:
            raise Untouched("it has no inputs")
        for port in session.get_outputs():
            if not port.type.startswith("tensor("):
                raise Untouched(f"its output `{port.name}` is {port.type}, no array")
        self.outputs = [port.name for port in session.get_outputs()]

    def arrays(self, feed) -> dict | None:
        """The inputs in the model's order; None where ONNX Runtime would do more than read them, or complain."""
        if not isinstance(feed, dict) or len(feed) != len(self.inputs):
            return None
        arrays = {}
        for name, wanted, rank in self.inputs:
            array = feed.get(name)
            if isinstance(array, np.ndarray):
                array = np.asarray(array)  # a part of a file, too
            else:
                if not hasattr(array, "is_tensor") or not array.is_tensor():
                    return None
                array = array.numpy()
            if array.dtype != wanted or (rank is not None and array.ndim != rank) or not array.dtype.isnative:
                return None
            arrays[name] = array
        return arrays


def network_of(session):
    target = session._calotype
    if target is None or target.untouched or inside.busy or in_worker():
        return None
    try:
        return target.network or target.meet(session)
    except Exception as reason:
        if is_users(reason):
            raise reason.with_traceback(None) from None  # where in the script it is, not where in calotype
        raise


def noticed(method, noted: weakref.WeakSet):
    @functools.wraps(method)
    def wrapper(self, *args, **kwargs):
        noted.add(self)
        return method(self, *args, **kwargs)

    return wrapper


def attach(onnxruntime) -> None:
    collection = onnxruntime.capi.onnxruntime_inference_collection
    Original = collection.InferenceSession
    weights_given = weakref.WeakSet()  # options that replace weights of the file

    def special(run_options) -> bool:
        return run_options is not None and (run_options in weights_given or run_options.terminate)

    class InferenceSession(Original):
        _calotype = None

        def __init__(self, path_or_bytes, sess_options=None, *args, **kwargs):
            model, stamp = path_or_bytes, None
            if isinstance(model, (str, os.PathLike)):
                with contextlib.suppress(OSError):  # ONNX Runtime says what is amiss
                    model = os.path.abspath(model)  # the script may go to another folder before its first run
                    stamp = stamp_of(Path(model))
            super().__init__(path_or_bytes, sess_options, *args, **kwargs)
            self._calotype = Target(model, stamp)
            if sess_options in weights_given:
                self._calotype.reason = "its session options bring weights of their own"

        def run(self, output_names, input_feed, run_options=None):
            network = network_of(self)
            if network is None:
                return super().run(output_names, input_feed, run_options)

            def fp32():
                return Original.run(self, output_names, input_feed, run_options)

            target = self._calotype
            names = output_names or target.outputs
            if special(run_options):
                return network.untouched(1, fp32, SPECIAL)
            arrays = target.arrays(input_feed)
            if arrays is None:
                return network.untouched(1, fp32, UNLIKE)
            if isinstance(names, str) or any(name not in target.outputs for name in names):
                return fp32()
            with inside:
                return network.call(arrays, fp32, lambda outputs: [outputs[name] for name in names])

        def io_binding(self):
            return IOBinding(self)

        def run_with_iobinding(self, iobinding, run_options=None):
            def fp32():
                iobinding._answer = None
                Original.run_with_iobinding(self, iobinding, run_options)
                return iobinding.copy_outputs_to_cpu()

            network = None if special(run_options) else network_of(self)
            ours = isinstance(iobinding, IOBinding) and iobinding.readable()
            arrays = self._calotype.arrays(iobinding._inputs) if network is not None and ours else None
            if arrays is None:
                if isinstance(iobinding, IOBinding):
                    iobinding._answer = None
                return super().run_with_iobinding(iobinding, run_options)
            with inside:
                network.call(arrays, fp32, iobinding.answer)

        def run_with_ort_values(self, output_names, input_dict_ort_values, run_options=None):
            network = None if special(run_options) else network_of(self)

            def fp32():
                return Original.run_with_ort_values(self, output_names, input_dict_ort_values, run_options)

            target = self._calotype
            names = output_names or (target.outputs if network else [])
            arrays = target.arrays(input_dict_ort_values) if network else None
            if arrays is None or any(name not in target.outputs for name in names):
                return fp32()

            def give(outputs):
                return [value_of(onnxruntime, outputs[name]) for name in names]

            with inside:
                return network.call(arrays, fp32, give)

        def run_async(self, *args, **kwargs):
            self._leave("run_async")
            return super().run_async(*args, **kwargs)

        def run_with_ortvaluevector(self, *args, **kwargs):
            self._leave("run_with_ortvaluevector")
            return super().run_with_ortvaluevector(*args, **kwargs)

        def _leave(self, method: str) -> None:
            """A way to run that the NPU does not take: said once, in the report, too."""
            network = network_of(self)
            if network is not None:
                network.session.note(f"{network.name}: what {method} computes is FP32")

    for owner, name in WEIGHTS_GIVEN:
        kind = getattr(onnxruntime, owner, None)
        if hasattr(kind, name):
            setattr(kind, name, noticed(getattr(kind, name), weights_given))
    IOBinding = binding_class(onnxruntime)
    for attribute in ("__module__", "__qualname__", "__doc__"):
        setattr(InferenceSession, attribute, getattr(Original, attribute))
    onnxruntime.InferenceSession = InferenceSession
    collection.InferenceSession = InferenceSession

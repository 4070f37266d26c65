"""Whether a module is still the one that was compiled: asked before every call, so it has to be quick.

Watched is what counts for the key: attributes of modules and of the objects in them, hooks, the classes and variables of the
script's own code, and each tensor's version. A write through `.data` keeps the version: a tensor whose `.data` somebody reads
or sets is summed up then, and again before the next call. Of writes past PyTorch (into an array of NumPy, or a `.data` kept
from long ago) a few elements are looked at in each call, others in the next; small arrays are compared whole.
"""

import functools
import itertools
import weakref
import zlib
from collections import deque

import numpy as np
import torch

from calotype.hook.program import is_foreign
from calotype.hook.torch_key import INTERNAL, TABLES, Fingerprint, may_ignore_attributes
from calotype.hook.torch_made import only_makers

LOOKS = 16  # different places in each tensor
LOOKED_AT = 8  # tensors in each call
SMALL_BYTES = 4096  # of an array of NumPy that is compared whole
HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
HOOKS_OF_ALL = [getattr(torch.nn.modules.module, f"_global{name}") for name in HOOKS]
_watches: "weakref.WeakSet[Watch]" = weakref.WeakSet()


def notice_data() -> None:
    """Tells the watches of each tensor whose `.data` is read or set."""
    plain = torch._C.TensorBase.data

    def get(tensor):
        tell(tensor)
        return plain.__get__(tensor)

    def put(tensor, value):
        tell(tensor)
        plain.__set__(tensor, value)

    def tell(tensor) -> None:
        for watch in list(_watches):
            watch.touched(tensor)

    torch.Tensor.data = property(get, put, doc=plain.__doc__)


class Scripts:
    """How often an attribute of any script was set from Python: it is kept where Python cannot compare it."""

    writes = 0

    @classmethod
    def notice(cls) -> None:
        put = torch.jit.RecursiveScriptModule.__setattr__

        @functools.wraps(put)
        def __setattr__(self, name, value):
            cls.writes += 1
            put(self, name, value)

        torch.jit.RecursiveScriptModule.__setattr__ = __setattr__


class Reached(Fingerprint):
    """What a module's key is made of, without its digest."""

    def __init__(self, module: torch.nn.Module):
        super().__init__()
        self.modules: list[torch.nn.Module] = []
        self.containers: list = []
        self.attributes_of: list[dict] = []  # of modules of which those count that the program names
        self.variables: list[tuple[dict, str]] = []
        self.arrays: list[np.ndarray] = []
        self.take(module)

    def text(self, *_) -> None:
        pass

    def value(self, value) -> None:
        if isinstance(value, set):
            self.containers.append(value)
        super().value(value)

    def tensor(self, tensor: torch.Tensor) -> None:
        if id(tensor) not in self.digests:
            self.digests[id(tensor)] = b""
            self.tensors.append(tensor)

    def graph(self, graph) -> None:
        pass

    def content(self, value) -> None:
        if isinstance(value, torch.nn.Module):
            self.modules.append(value)
        elif isinstance(value, np.ndarray):
            self.arrays.append(value)
        elif isinstance(value, (dict, list, deque)) or (isinstance(value, type) and not is_foreign(value.__module__)):
            self.containers.append(value)
        super().content(value)

    def attributes(self, value) -> None:
        (self.attributes_of if may_ignore_attributes(value) else self.containers).append(vars(value))
        super().attributes(value)

    def reduced(self, value) -> None:
        if isinstance(getattr(value, "__dict__", None), dict):
            self.containers.append(vars(value))
        super().reduced(value)

    def cell(self, cell) -> None:
        self.containers.append(cell)
        super().cell(cell)

    def variable(self, namespace: dict, name: str) -> None:
        self.variables.append((namespace, name))
        super().variable(namespace, name)


class Watch:
    def __init__(self, module: torch.nn.Module, training: bool):
        """In training mode the running statistics move, and are no change of the network."""
        from calotype._core import Contents, Readings  # not where PyTorch is imported: no network is met yet

        with torch.inference_mode(False), torch.no_grad():
            reached = Reached(module)
        parts = reached.modules
        statistics = {id(buffer) for part in parts for buffer in part.buffers(recurse=False)} if training else ()
        tensors = [tensor for tensor in reached.tensors if id(tensor) not in statistics]
        self.training = training
        hooks = [getattr(part, name) for part in parts for name in HOOKS] + HOOKS_OF_ALL
        self.hooks = [each for each in hooks if not (each and only_makers(each))]  # quickly seen to be empty
        whole = reached.containers + hooks + (reached.attributes_of if reached.any_name else [])
        named = [] if reached.any_name else reached.attributes_of
        self.contents = Contents(whole, reached.variables, named, reached.names | INTERNAL | TABLES)
        self.classes = list({type(part) for part in parts if not isinstance(part, torch.jit.ScriptModule)})
        self.forwards = [each.forward for each in self.classes]
        self.script_writes = Scripts.writes if any(isinstance(part, torch.jit.ScriptModule) for part in parts) else None
        self.tensors = {id(tensor): tensor for tensor in tensors}
        versioned = [tensor for tensor in tensors if not tensor.is_inference()]
        self.versions = Readings(versioned, torch._C.TensorBase._version)
        arrays = [array for array in reached.arrays if array.dtype != object]
        self.small = [(array, array.tobytes()) for array in arrays if array.nbytes <= SMALL_BYTES]
        large = [array for array in arrays if array.nbytes > SMALL_BYTES]
        views = [*map(memory_of, tensors), *map(memory_of_array, large)]
        self.looks = Looks([view for view in views if view is not None])
        self.sums: dict[int, tuple] = {}  # of the tensors whose `.data` was touched, from before that
        self.data_touched = False
        _watches.add(self)

    def changed(self) -> bool:
        return (
            self.contents.changed()
            or [each.forward for each in self.classes] != self.forwards
            or self.versions.changed()
            or (self.script_writes is not None and self.script_writes != Scripts.writes)
            or (self.data_touched and self.changed_through_data())
            or any([array.tobytes() != before for array, before in self.small])
            or self.looks.changed_somewhere()
        )

    def touched(self, tensor: torch.Tensor) -> None:
        if id(tensor) in self.tensors:
            if id(tensor) not in self.sums:
                self.sums[id(tensor)] = sum_of(tensor)
            self.data_touched = True

    def changed_through_data(self) -> bool:
        self.data_touched = False
        return any(sum_of(self.tensors[number]) != before for number, before in self.sums.items())


class Looks:
    """Elements of each tensor and what stood there."""

    def __init__(self, views: list[memoryview]):
        places = [(view, turn * len(view) // LOOKS) for turn in range(LOOKS) for view in views]
        looks = [(view, position, view[position]) for view, position in places]
        self.few = itertools.cycle([looks[i : i + LOOKED_AT] for i in range(0, len(looks), LOOKED_AT)] or [[]])

    def changed_somewhere(self) -> bool:
        return any([view[position] != value for view, position, value in next(self.few)])


def sum_of(tensor: torch.Tensor) -> tuple:
    """Of where its elements are and what they are, where the CPU can read them."""
    view = memory_of(tensor)
    return tensor.data_ptr(), tuple(tensor.shape), view and zlib.crc32(view)


def memory_of(tensor: torch.Tensor) -> memoryview | None:
    """The tensor's own memory, four bytes at a time where that divides it; None where the CPU cannot read it."""
    if tensor.device.type != "cpu" or tensor.layout != torch.strided or not tensor.is_contiguous() or not tensor.numel():
        return None
    return memory_of_array(tensor.detach().reshape(-1).view(torch.uint8).numpy())


def memory_of_array(array: np.ndarray) -> memoryview | None:
    if not array.flags.c_contiguous or not array.size:
        return None
    view = memoryview(array.reshape(-1).view(np.uint8))
    return view.cast("I") if view.nbytes % 4 == 0 else view

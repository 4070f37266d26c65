"""Whether a module is still the one that was compiled: asked before every call, so it has to be quick.

Seen at once: another parameter, buffer or submodule, a hook, an attribute, a mode, another `forward` of a class, and a write
into a tensor, by its version. PyTorch's own modules hardly change, and are many: an attribute that the script sets or deletes
is noted with what it was, and compared before the next call. A write through `.data` keeps the version: a tensor whose `.data`
somebody reads or sets is summed up then, and again before the next call. Of writes past PyTorch (into an array of NumPy that
shares the memory, or a `.data` kept from long ago) a few elements are looked at in each call, others in the next.
"""

import functools
import itertools
import weakref
import zlib

import torch

from calotype.hook.guard import inside

LOOKS = 16  # different places in each tensor
LOOKED_AT = 8  # tensors in each call
NONE = object()  # no such attribute
HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
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


def notice_attributes() -> None:
    """Tells the watches of each module of which the script, not the module's own program, sets or deletes an attribute."""
    put, delete = torch.nn.Module.__setattr__, torch.nn.Module.__delattr__

    @functools.wraps(put)
    def __setattr__(self, name, value):
        if _watches and not inside.busy:
            tell(self, name)
        put(self, name, value)

    @functools.wraps(delete)
    def __delattr__(self, name):
        if _watches and not inside.busy:
            tell(self, name)
        delete(self, name)

    def tell(module, name) -> None:
        for watch in list(_watches):
            watch.attribute_touched(module, name)

    torch.nn.Module.__setattr__, torch.nn.Module.__delattr__ = __setattr__, __delattr__


class Watch:
    def __init__(self, module: torch.nn.Module, training: bool):
        """In training mode the running statistics move, and are no change of the network. A scripted part has a fixed
        structure: its tensors are all that can change."""
        from calotype._core import Readings  # not where PyTorch is imported: no network is met yet

        parts = [part for part in module.modules() if not isinstance(part, torch.jit.ScriptModule)]
        own = [part for part in parts if not type(part).__module__.startswith("torch.")]
        kinds = ("_parameters", "_modules") if training else ("_parameters", "_modules", "_buffers")
        registers = [vars(part)[kind] for part in parts for kind in kinds]
        self.live = [register for register in registers if register] + [vars(part) for part in own]
        self.frozen = [dict(each) for each in self.live]
        self.hooks = [getattr(part, name) for part in parts for name in HOOKS]
        self.parts = parts
        self.numbers = {id(part) for part in parts}
        self.attributes: dict[tuple, tuple] = {}  # of what the script touched: whose, and what it was
        self.classes = list({type(part) for part in parts})
        self.forwards = [each.forward for each in self.classes]
        self.modes = [part.training for part in parts]
        tensors = list(module.parameters()) + ([] if training else list(module.buffers()))
        self.tensors = {id(tensor): tensor for tensor in tensors}
        versioned = [tensor for tensor in tensors if not tensor.is_inference()]
        self.versions = Readings(versioned, torch._C.TensorBase._version)
        self.looks = Looks([view for view in map(memory_of, tensors) if view is not None])
        self.sums: dict[int, tuple] = {}  # of the tensors whose `.data` was touched, from before that
        self.data_touched = False
        _watches.add(self)

    def changed(self) -> bool:
        try:
            return (
                self.live != self.frozen
                or [each.forward for each in self.classes] != self.forwards
                or (self.attributes and self.attributes_changed())
                or [part.training for part in self.parts] != self.modes
                or self.versions.changed()
                or (self.data_touched and self.changed_through_data())
                or self.looks.changed_somewhere()
            )
        except (RuntimeError, ValueError, TypeError):
            return True  # comparing another tensor or array gives no truth value

    def attribute_touched(self, module: torch.nn.Module, name: str) -> None:
        if id(module) in self.numbers:
            self.attributes.setdefault((id(module), name), (module, vars(module).get(name, NONE)))

    def attributes_changed(self) -> bool:
        touched, self.attributes = self.attributes, {}
        return any(
            vars(module).get(name, NONE) is not before and vars(module).get(name, NONE) != before
            for (_, name), (module, before) in touched.items()
        )

    def touched(self, tensor: torch.Tensor) -> None:
        if id(tensor) in self.tensors:
            if id(tensor) not in self.sums:
                self.sums[id(tensor)] = sum_of(tensor)
            self.data_touched = True

    def changed_through_data(self) -> bool:
        self.data_touched = False
        return any(sum_of(self.tensors[number]) != before for number, before in self.sums.items())

    def hooked(self) -> bool:
        """Whether somebody listens to the module or a part of it."""
        return any(self.hooks)


class Looks:
    """Elements of each tensor and what stood there."""

    def __init__(self, views: list[memoryview]):
        places = [(view, turn * (len(view) // LOOKS)) for turn in range(LOOKS) for view in views]
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
    view = memoryview(tensor.detach().reshape(-1).view(torch.uint8).numpy())
    return view.cast("I") if view.nbytes % 4 == 0 else view

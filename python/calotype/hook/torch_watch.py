"""Whether a module is still the one that was compiled: asked before every call, so it has to be quick.

Seen at once: another parameter, buffer or submodule, a hook, another attribute of a class outside PyTorch, a mode, and a write
into a tensor, by its version. A write through `.data` keeps the version: since somebody touched the `.data` of any tensor,
every tensor's address and one of its elements are looked at. Of writes past PyTorch (into an array of NumPy that shares the
memory) a few elements are looked at in each call, others in the next.
"""

import itertools

import torch

LOOKS = 16  # different places in each tensor
LOOKED_AT = 8  # tensors in each call
HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


class DataUses:
    """How often any tensor's `.data` was read or set."""

    count = 0

    @classmethod
    def notice(cls) -> None:
        plain = torch._C.TensorBase.data

        def get(tensor):
            cls.count += 1
            return plain.__get__(tensor)

        def put(tensor, value):
            cls.count += 1
            plain.__set__(tensor, value)

        torch.Tensor.data = property(get, put, doc=plain.__doc__)


class Watch:
    def __init__(self, module: torch.nn.Module, training: bool):
        """In training mode the running statistics move, and are no change of the network. A scripted part has a fixed
        structure: its tensors are all that can change."""
        parts = [part for part in module.modules() if not isinstance(part, torch.jit.ScriptModule)]
        own = [part for part in parts if not type(part).__module__.startswith("torch.")]
        kinds = ("_parameters", "_modules") if training else ("_parameters", "_modules", "_buffers")
        registers = [vars(part)[kind] for part in parts for kind in kinds]
        self.live = [register for register in registers if register] + [vars(part) for part in own]
        self.frozen = [dict(each) for each in self.live]
        self.hooks = [getattr(part, name) for part in parts for name in HOOKS]
        self.parts = parts
        self.modes = [part.training for part in parts]
        self.tensors = list(module.parameters()) + ([] if training else list(module.buffers()))
        self.versioned = [tensor for tensor in self.tensors if not tensor.is_inference()]
        self.versions = [tensor._version for tensor in self.versioned]
        self.addresses = [tensor.data_ptr() for tensor in self.tensors]
        self.looks = Looks([view for view in map(memory_of, self.tensors) if view is not None])
        self.uses = DataUses.count

    def changed(self) -> bool:
        try:
            return (
                self.live != self.frozen
                or [part.training for part in self.parts] != self.modes
                or [tensor._version for tensor in self.versioned] != self.versions
                or (self.uses != DataUses.count and self.changed_through_data())
                or self.looks.changed_somewhere()
            )
        except (RuntimeError, ValueError, TypeError):
            return True  # comparing another tensor or array gives no truth value

    def changed_through_data(self) -> bool:
        self.uses = DataUses.count
        return [tensor.data_ptr() for tensor in self.tensors] != self.addresses or self.looks.changed_anywhere()

    def hooked(self) -> bool:
        """Whether somebody listens to the module or a part of it."""
        return any(self.hooks)


class Looks:
    """Elements of each tensor and what stood there."""

    def __init__(self, views: list[memoryview]):
        by_turn = [[(view, turn * (len(view) // LOOKS), view[turn * (len(view) // LOOKS)]) for view in views]
                   for turn in range(LOOKS)]  # fmt: skip
        self.whole = itertools.cycle(by_turn)
        every = [look for looks in by_turn for look in looks]
        self.few = itertools.cycle([every[i : i + LOOKED_AT] for i in range(0, len(every), LOOKED_AT)] or [[]])

    def changed_somewhere(self) -> bool:
        return any([view[position] != value for view, position, value in next(self.few)])

    def changed_anywhere(self) -> bool:
        return any([view[position] != value for view, position, value in next(self.whole)])


def memory_of(tensor: torch.Tensor) -> memoryview | None:
    """The tensor's own memory, four bytes at a time where that divides it; None where the CPU cannot read it."""
    if tensor.device.type != "cpu" or tensor.layout != torch.strided or not tensor.is_contiguous() or not tensor.numel():
        return None
    view = memoryview(tensor.detach().reshape(-1).view(torch.uint8).numpy())
    return view.cast("I") if view.nbytes % 4 == 0 else view

"""Whether a module is still the one that was compiled: asked before every call, so it has to be quick.

Seen at once: another parameter, buffer or submodule, a hook, another attribute of a class outside PyTorch, a write into a
tensor (its version), other storage, a change of one of the elements looked at. A write through `.data` keeps the version: one
element a tensor is looked at in every call, another each time.
"""

import itertools

import torch

LOOKS = 16  # different places in each tensor
HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


class Watch:
    def __init__(self, module: torch.nn.Module, training: bool):
        """In training mode the running statistics move, and are no change of the network. A scripted part has a fixed
        structure: its tensors are all that can change."""
        parts = [part for part in module.modules() if not isinstance(part, torch.jit.ScriptModule)]
        self.hooks = [getattr(part, name) for part in parts for name in HOOKS]
        self.live = [vars(part)[name] for part in parts for name in ("_parameters", "_modules")]
        self.live += [vars(part) for part in parts if not type(part).__module__.startswith("torch.")]
        if not training:
            self.live += [part._buffers for part in parts]
        watched = list(module.parameters()) + ([] if training else list(module.buffers()))
        self.frozen = [dict(each) for each in self.live]
        self.parts = parts
        self.training = [part.training for part in parts]
        self.tensors = [tensor for tensor in watched if not tensor.is_inference()]
        self.versions = [tensor._version for tensor in self.tensors]
        self.everything = watched
        self.addresses = [tensor.data_ptr() for tensor in watched]
        self.views = [view for view in map(memory_of, watched) if view is not None]
        self.looks = itertools.cycle([self.look(turn) for turn in range(LOOKS)])

    def look(self, turn: int) -> tuple[list[int], list[int]]:
        """Where in each tensor to look, and what stands there."""
        positions = [turn * (len(view) // LOOKS) % len(view) for view in self.views]
        return positions, [view[position] for view, position in zip(self.views, positions)]

    def changed(self) -> bool:
        try:
            return (
                self.live != self.frozen
                or [part.training for part in self.parts] != self.training
                or [tensor._version for tensor in self.tensors] != self.versions
                or [tensor.data_ptr() for tensor in self.everything] != self.addresses
                or self.sampled_change()
            )
        except (RuntimeError, ValueError, TypeError):
            return True  # comparing another tensor or array gives no truth value

    def sampled_change(self) -> bool:
        positions, expected = next(self.looks)
        return [view[position] for view, position in zip(self.views, positions)] != expected

    def hooked(self) -> bool:
        """Whether somebody listens to the module or a part of it."""
        return any(self.hooks)


def memory_of(tensor: torch.Tensor) -> memoryview | None:
    """The tensor's own memory, four bytes at a time where that divides it; None where the CPU cannot read it."""
    if tensor.device.type != "cpu" or tensor.layout != torch.strided or not tensor.is_contiguous() or not tensor.numel():
        return None
    view = memoryview(tensor.detach().reshape(-1).view(torch.uint8).numpy())
    return view.cast("I") if view.nbytes % 4 == 0 else view

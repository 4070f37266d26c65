"""Whether a module's program reads values that its inputs decide: `if x.max() > 5`, `x.sum().item()`, `x.tolist()`.

A recorded run shows what the program did with the values of its examples; with others it may do something else.
"""

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary

OUT_OF_PYTORCH = ("numpy", "tolist", "__array__", "__dlpack__", "data_ptr", "storage", "untyped_storage")


class Followed(TorchDispatchMode):
    """Follows what is computed of the inputs, and notices when it becomes a number of Python's."""

    def __init__(self, inputs: list[torch.Tensor]):
        super().__init__()
        self.tensors = WeakIdKeyDictionary(dict.fromkeys(inputs, True))
        self.read = False

    def among(self, values) -> bool:
        return any(isinstance(value, torch.Tensor) and value in self.tensors for value in tree_leaves(values))

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = operator(*args, **kwargs)
        if self.among([args, kwargs]):
            written = [args[:1], kwargs.get("out")] if operator._schema.is_mutable else []
            for value in tree_leaves([result, written]):
                if isinstance(value, torch.Tensor):
                    self.tensors[value] = True
                elif isinstance(value, (bool, int, float)):
                    self.read = True
        return result


class TakenOut(TorchFunctionMode):
    """Notices when a followed tensor's elements are read without an operator."""

    def __init__(self, followed: Followed):
        super().__init__()
        self.followed = followed

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if getattr(function, "__name__", "") in OUT_OF_PYTORCH and self.followed.among(args[:1]):
            self.followed.read = True
        return function(*args, **(kwargs or {}))


def reads_values(module, inputs: list[torch.Tensor]) -> bool:
    with Followed(inputs) as followed, TakenOut(followed):
        module(*inputs)
    return followed.read

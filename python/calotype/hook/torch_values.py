"""Whether a module's program reads values that its inputs decide: `if x.max() > 5`, `x.sum().item()`.

A recorded run shows what the program did with the values of its examples; with others it may do something else.
"""

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary


class ValuesRead(TorchDispatchMode):
    """Follows what is computed of the inputs, and notices when it becomes a number of Python's."""

    def __init__(self, inputs: list[torch.Tensor]):
        super().__init__()
        self.followed = WeakIdKeyDictionary(dict.fromkeys(inputs, True))
        self.found = False

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = operator(*args, **kwargs)
        if any(isinstance(value, torch.Tensor) and value in self.followed for value in tree_leaves([args, kwargs])):
            written = [args[:1], kwargs.get("out")] if operator._schema.is_mutable else []
            for value in tree_leaves([result, written]):
                if isinstance(value, torch.Tensor):
                    self.followed[value] = True
                elif isinstance(value, (bool, int, float)):
                    self.found = True
        return result


def reads_values(module, inputs: list[torch.Tensor]) -> bool:
    with ValuesRead(inputs) as mode:
        module(*inputs)
    return mode.found

"""A network as PyTorch knows it: a module, and the form of the arguments that it is called with."""

import copy
import inspect
import json
from pathlib import Path

import torch

from calotype.hook import structure
from calotype.hook.state import Untouched
from calotype.hook.torch_key import key_of

PLAIN = (torch.Tensor, torch.nn.Parameter)


def is_array(value) -> bool:
    return type(value) in PLAIN


class ModuleSource:
    def __init__(self, module: torch.nn.Module, skeleton: structure.Skeleton, names: list[str], tensors: list):
        self.module = module
        self.name = f"{getattr(module, 'original_name', type(module).__name__)} (PyTorch)"
        self.skeleton = skeleton
        self.inputs = readable(module, names)
        self.input_types = [tensor.dtype for tensor in tensors]
        self.reference = self.eval_copy() if any(getattr(part, "training", False) for part in module.modules()) else module
        self.anchor = next((p for p in module.parameters() if p.requires_grad), None)
        self.outputs: dict | None = None  # skeleton, names and types of the result, known from the first one

    def eval_copy(self) -> torch.nn.Module:
        """What the NPU computes while the script leaves the module, or a part of it, in training mode."""
        return copied(self.module).eval()

    def key(self) -> str:
        autocast = [torch.is_autocast_enabled("cpu"), str(torch.get_autocast_dtype("cpu"))]
        types = [str(each) for each in self.input_types]
        return "torch " + key_of(self.reference, json.dumps([self.skeleton, self.inputs, types, autocast]))

    def samples(self, inputs: dict) -> int:
        sizes = {array.shape[0] if array.ndim else 1 for array in inputs.values()}
        return sizes.pop() if len(sizes) == 1 else 1

    def refuses(self, samples: int) -> str:
        return ""  # a module that mixes samples was not compiled

    def check(self) -> None:
        if self.outputs is None:
            raise Untouched("none of its results was seen")

    def model(self, recording) -> Path:
        from calotype.hook.torch_export import export

        return export(self, recording)

    def arrays(self, tensors: list) -> dict:
        return {name: numpy_of(tensor) for name, tensor in zip(self.inputs, tensors)}

    # Results

    def seen(self, result) -> list:
        try:
            tensors, skeleton, names = structure.flatten(result, is_array)
            structure.rebuild(skeleton, tensors)
        except Exception as reason:  # also what a class raises when it is made anew
            raise Untouched(f"its result cannot be rebuilt: {reason}")
        number = next(structure.numbers(skeleton), None)
        if number is not None:
            raise Untouched(f"its result holds the number {number}, which another input may change")
        if not tensors:
            raise Untouched("its result holds no tensor")
        outputs = {
            "skeleton": skeleton,
            "names": ["output" + (f".{name}" if name else "") for name in names],
            "types": [str(tensor.dtype).removeprefix("torch.") for tensor in tensors],
        }
        if self.outputs is not None and self.outputs != outputs:
            raise Untouched("the form of its result changes from call to call")
        self.outputs = outputs
        return [tuple(tensor.shape) for tensor in tensors]

    def facts(self) -> dict:
        return {"outputs": self.outputs}

    def restore(self, facts: dict) -> bool:
        """A result seen in this run has to have the form recorded in an earlier one."""
        outputs = facts["outputs"]
        if self.outputs not in (None, outputs):
            return False
        try:
            structure.check(outputs["skeleton"])
            self.result_types = [getattr(torch, name) for name in outputs["types"]]
        except (structure.Unknown, AttributeError):
            return False
        self.outputs = outputs
        return True

    def give(self, outputs: dict, device: torch.device, original, anchor: torch.Tensor | None):
        """The script's result of the module whose call is `original`, and a parameter of which is `anchor`."""
        tensors = [
            torch.from_numpy(outputs[name]).to(device=device, dtype=dtype)
            for name, dtype in zip(self.outputs["names"], self.result_types)
        ]
        if anchor is not None and torch.is_grad_enabled():
            from calotype.hook.torch_grad import with_gradient

            tensors = with_gradient(tensors, original, anchor)
        skeleton = self.outputs["skeleton"]
        return tensors[0] if skeleton == {"array": 0} else structure.rebuild(skeleton, tensors)


def copied(module: torch.nn.Module) -> torch.nn.Module:
    """With state of its own. Results that a part keeps and that have a gradient are copied without it: autograd's graph
    is the script's."""
    kept = [value for part in module.modules() for value in vars(part).values() if isinstance(value, torch.Tensor)]
    memo = {id(tensor): tensor.detach().clone() for tensor in kept if not tensor.is_leaf}
    try:
        return copy.deepcopy(module, memo)
    except Exception as reason:  # whatever a class does when it is copied
        raise Untouched(f"it cannot be copied: {reason}")


def numpy_of(tensor: torch.Tensor):
    plain = tensor.detach()
    if plain.dtype in (torch.float16, torch.bfloat16):
        plain = plain.float()
    return plain.cpu().numpy()


def readable(module: torch.nn.Module, places: list[str]) -> list[str]:
    """`0.0.masks` and `1.scale` as the names of forward's parameters: `x.masks`, `scale`."""
    try:
        parameters = list(inspect.signature(module.forward).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    positional = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    names = []
    for place in places:
        part, first, *rest = place.split(".")
        if part == "0":
            index = int(first)
            first = positional[index] if index < len(positional) else f"input{index}"
        names.append(".".join((first, *rest)))
    return names if len(set(names)) == len(names) else [f"input{i}" for i in range(len(places))]

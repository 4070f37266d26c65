"""A network as PyTorch knows it: a module, and the form of the arguments that it is called with."""

import copy
import inspect
import io
import json
import weakref
from pathlib import Path

import torch

from calotype.hook import structure
from calotype.hook.state import Untouched
from calotype.hook.torch_key import key_of
from calotype.hook.torch_made import keep_made_weights, made_weights
from calotype.hook.torch_sizes import Sizes
from calotype.hook.torch_watch import Reached

OTHER_SIZES = "its program looks at sizes, and may do something else for these"
PLAIN = (torch.Tensor, torch.nn.Parameter)
OTHER_FLOATS = (torch.float16, torch.bfloat16, torch.float64)  # what the NPU's compiler takes as float32


def is_array(value) -> bool:
    return type(value) in PLAIN


class ModuleSource:
    def __init__(self, module: torch.nn.Module, skeleton: structure.Skeleton, names: list[str], tensors: list):
        self.held = [weakref.ref(module)]  # and others of the same network: the script decides how long they live
        self.name = f"{getattr(module, 'original_name', type(module).__name__)} (PyTorch)"
        self.skeleton = skeleton
        self.inputs = readable(module, names)
        self.input_types = [tensor.dtype for tensor in tensors]
        trains = any(getattr(part, "training", False) for part in module.modules())
        self.copy = copied(module).eval() if trains else None
        self.anchor = next((p for p in module.parameters() if p.requires_grad), None)
        self.outputs: dict | None = None  # skeleton, names and types of the result, known from the first one
        self.sizes: Sizes | None = None  # for which the exported program holds
        self.orders: list = []  # of each result's axes in memory, as order_of gives them
        self.latest: list = []  # tensors of the latest call that PyTorch answered
        self.gradients: list[bool] | None = None  # whether each result requires one while gradients are enabled

    @property
    def module(self) -> torch.nn.Module:
        return next(module for module in (held() for held in self.held) if module is not None)

    @property
    def reference(self) -> torch.nn.Module:
        """What the NPU computes: an eval-mode copy where the script leaves the module, or a part of it, in training mode."""
        return self.module if self.copy is None else self.copy

    def joined(self, source: "ModuleSource") -> None:
        self.held += source.held

    def key(self) -> str:
        autocast = [torch.is_autocast_enabled("cpu"), str(torch.get_autocast_dtype("cpu"))]
        types = [str(each) for each in self.input_types]
        return "torch " + key_of(self.reference, json.dumps([self.skeleton, self.inputs, types, autocast]))

    def samples(self, inputs: dict) -> int:
        sizes = {array.shape[0] if array.ndim else 1 for array in inputs.values()}
        return sizes.pop() if len(sizes) == 1 else 1

    def refuses(self, inputs: dict) -> str:
        shapes = tuple(array.shape for array in inputs.values())
        return "" if self.sizes is None or self.sizes.hold(shapes) else OTHER_SIZES

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
        if not tensors:
            raise Untouched("its result holds no tensor")
        outputs = {
            "skeleton": skeleton,
            "names": ["output" + (f".{name}" if name else "") for name in names],
            "types": [str(tensor.dtype).removeprefix("torch.") for tensor in tensors],
            "same": same_as(tensors, self.latest),
        }
        if self.outputs is not None and self.outputs != outputs:
            raise Untouched("the form of its result changes from call to call")
        self.outputs = outputs
        self.latest = []
        self.orders = [order_of(tensor) for tensor in tensors]
        if torch.is_grad_enabled():
            self.gradients = [tensor.requires_grad for tensor in tensors]
        return [tuple(tensor.shape) for tensor in tensors]

    def facts(self) -> dict:
        sizes = None if self.sizes is None else [self.sizes.dims, self.sizes.conditions]
        return {"outputs": self.outputs, "orders": self.orders, "sizes": sizes}

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
        self.own = [i for i, same in enumerate(outputs["same"]) if same is None]
        self.orders = facts["orders"]
        self.sizes = None if facts["sizes"] is None else Sizes(*facts["sizes"])
        return True

    def give(self, outputs: dict, inputs: list, original, called: "ModuleSource"):
        """The script's result of the module of `called`, whose call is `original`."""
        device, names, types, orders = inputs[0].device, self.outputs["names"], self.result_types, self.orders
        tensors = [
            ordered(torch.from_numpy(outputs[names[i]]).to(device=device, dtype=types[i]), orders[i]) for i in self.own
        ]
        if called.anchor is not None and torch.is_grad_enabled():
            from calotype.hook.torch_grad import with_gradient

            if called.gradients is None:  # the first call that asks is made once more
                called.gradients = [tensor.requires_grad for tensor in structure.flatten(original(), is_array)[0]]
            wanted = [called.gradients[i] for i in self.own]
            tensors = with_gradient(tensors, lambda: self.own_of(original()), called.anchor, wanted)
        if len(tensors) < len(names):
            tensors = self.all_of(tensors, inputs, [outputs[name].shape for name in names], called.gradients)
        skeleton = self.outputs["skeleton"]
        return tensors[0] if skeleton == {"array": 0} else structure.rebuild(skeleton, tensors)

    def own_of(self, result) -> list:
        """Its tensors, without those that are an input or an earlier one."""
        tensors, _, _ = structure.flatten(result, is_array)
        return [tensors[i] for i in self.own]

    def all_of(self, own: list, inputs: list, shapes: list[tuple], gradients: list[bool] | None) -> list:
        rest, tensors = iter(own), []
        for i, (same, shape) in enumerate(zip(self.outputs["same"], shapes)):
            if same is None:
                tensors.append(next(rest))
                continue
            kind, index, how = same
            one = (inputs if kind == "input" else tensors)[index]
            if how == "view":
                one = one.view(shape) if gradients is None or gradients[i] else one.detach().view(shape)
            tensors.append(one)
        return tensors


def same_as(tensors: list, inputs: list) -> list:
    """For each result, which input or earlier result it is, or shows in another shape."""
    objects = {id(tensor): ["input", i, "itself"] for i, tensor in enumerate(inputs)}
    memories = {memory_of(tensor): ["input", i, "view"] for i, tensor in enumerate(inputs)}
    same = []
    for i, tensor in enumerate(tensors):
        memory = memory_of(tensor)
        same.append(objects.get(id(tensor)) or (memory and memories.get(memory)))
        objects.setdefault(id(tensor), ["result", i, "itself"])
        memories.setdefault(memory, ["result", i, "view"])
    return same


def memory_of(tensor: torch.Tensor) -> tuple | None:
    """Equal for tensors that show the same elements in the same order; None where that is not plain."""
    plain = tensor.is_contiguous() and tensor.numel()
    return (tensor.data_ptr(), tensor.numel(), tensor.dtype, tensor.device) if plain else None


def copied(module: torch.nn.Module) -> torch.nn.Module:
    """With state of its own, and of tensors that the exporters take, also where the script is in inference mode. Results
    that a part keeps and that have a gradient are copied without it: autograd's graph is the script's. A copied script
    would share its code, which exporters change."""
    with torch.inference_mode(False), torch.no_grad():
        return copied_script(module) if isinstance(module, torch.jit.ScriptModule) else copied_module(module)


def copied_script(module: torch.jit.ScriptModule) -> torch.jit.ScriptModule:
    file = io.BytesIO()
    try:
        torch.jit.save(module, file)
        file.seek(0)
        return torch.jit.load(file)
    except RuntimeError as reason:
        raise Untouched(f"it cannot be copied, as scripts of torch.jit.optimize_for_inference cannot: {reason}")


def copied_module(module: torch.nn.Module) -> torch.nn.Module:
    tensors = Reached(module).tensors + made_weights(module)
    memo = {id(tensor): tensor.detach().clone() for tensor in tensors if not tensor.is_leaf}
    try:
        made = copy.deepcopy(module, memo)
        keep_made_weights(made)
        return made
    except Exception as reason:  # whatever a class does when it is copied
        raise Untouched(f"it cannot be copied: {reason}")


def order_of(tensor: torch.Tensor) -> list[int] | None:
    """The axes from the slowest to the fastest in memory: [0, 2, 3, 1] for channels_last; None where that is their own
    order, or memory is shared between elements. The script may look at it with `view`."""
    order = sorted(range(tensor.ndim), key=lambda axis: -tensor.stride(axis))
    return None if tensor.is_contiguous() or not tensor.permute(order).is_contiguous() else order


def ordered(tensor: torch.Tensor, order: list[int] | None) -> torch.Tensor:
    if order is None or len(order) != tensor.ndim:
        return tensor
    back = sorted(range(tensor.ndim), key=order.__getitem__)
    return tensor.permute(order).contiguous().permute(back)


def numpy_of(tensor: torch.Tensor):
    plain = tensor.detach()
    if plain.dtype in OTHER_FLOATS:
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

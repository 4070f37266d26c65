"""PyTorch: the outermost call of a network is answered by the NPU.

A network is a module that holds a convolution or a linear layer and is used for inference. What runs inside it belongs to
it. An optimizer or a backward pass, once there, leaves every network to PyTorch.
"""

import atexit
import functools
import sys
import weakref

import torch

from calotype.hook.guard import in_worker, inside
from calotype.hook.torch_target import Target
from calotype.hook.torch_watch import Scripts, notice_data

_targets: dict[int, Target | None] = {}  # by id of the module; None for one that is no network
_call = torch.nn.Module.__call__

LAYERS = (torch.nn.modules.conv._ConvNd, torch.nn.Linear)
PROGRAM_LAYERS = ("aten.conv", "aten.linear", "aten.addmm")
SCRIPTED_LAYERS = ("aten::conv", "aten::_convolution", "aten::linear", "aten::addmm", "aten::matmul")


class Training:
    """Why the script's networks train; empty so far."""

    reason = ""

    @classmethod
    def begins(cls, reason: str) -> None:
        if not cls.reason and not inside.busy and not in_worker():
            cls.reason = reason


def attach(_torch) -> None:
    torch.nn.Module.__call__ = call
    notice_data()
    Scripts.notice()
    atexit.register(_targets.clear)  # what is native in them has to go before the interpreter does
    torch.optim.Optimizer.__init__ = noticed(torch.optim.Optimizer.__init__, "the script made an optimizer")
    torch.autograd.backward = noticed(torch.autograd.backward, "the script called backward")
    torch.autograd.grad = noticed(torch.autograd.grad, "the script called autograd.grad")
    for home, name in ((torch.jit, "trace"), (torch.jit, "trace_module"), (torch.onnx, "export"), (torch.export, "export")):
        setattr(home, name, uncounted(getattr(home, name)))


def uncounted(function):
    """What the exporters call while they look at a module is no inference of the script."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        if inside.busy:
            return function(*args, **kwargs)
        with inside:
            return function(*args, **kwargs)

    return wrapper


def noticed(function, reason: str):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        Training.begins(reason)
        return function(*args, **kwargs)

    return wrapper


def call(self, *args, **kwargs):
    if inside.busy:  # a part of a network: as PyTorch's own __call__, without another frame
        if self._compiled_call_impl is not None:
            return self._compiled_call_impl(*args, **kwargs)
        return self._call_impl(*args, **kwargs)
    if torch.compiler.is_dynamo_compiling() or torch.jit.is_tracing():  # is_compiling() is also true of other threads
        return _call(self, *args, **kwargs)
    try:
        target = _targets[id(self)]
    except KeyError:
        target = meet(self)
    if target is None or in_worker():
        return _call(self, *args, **kwargs)
    with inside:
        return target.call(args, kwargs, Training.reason, lambda: _call(self, *args, **kwargs))


def meet(module: torch.nn.Module) -> Target | None:
    number = id(module)
    target = Target(inner_of(module)) if is_network(module) else None
    if target is None and is_program(module) and not inside.busy and not in_worker():
        with inside:
            target = Target(module)
            target.stop("it is a program of torch.export: call the module that it was made of")
    _targets[number] = target
    weakref.finalize(module, _targets.pop, number, None).atexit = False
    return target


def inner_of(module: torch.nn.Module) -> torch.nn.Module:
    """Without the wrappers, which are in training mode whatever they hold."""
    while True:
        if isinstance(module, torch.nn.DataParallel):
            module = module.module
        elif "_orig_mod" in module._modules:  # torch.compile
            module = module._orig_mod
        else:
            return module


def is_network(module: torch.nn.Module) -> bool:
    inner = inner_of(module)
    if isinstance(inner, torch.nn.modules.loss._Loss) or called_by_forward_of_another(module):
        return False
    if isinstance(inner, torch.jit.ScriptModule):
        graph = getattr(inner, "inlined_graph", None)
        return graph is not None and any(layer in str(graph) for layer in SCRIPTED_LAYERS)
    return any(isinstance(part, LAYERS) for part in inner.modules())


def is_program(module: torch.nn.Module) -> bool:
    """One that torch.export made: its layers are operators of a graph."""
    graph = module.graph if isinstance(module, torch.fx.GraphModule) else None
    return graph is not None and any(str(node.target).startswith(PROGRAM_LAYERS) for node in graph.nodes)


def called_by_forward_of_another(module: torch.nn.Module) -> bool:
    """`model.forward(x)` makes each of the model's parts an outermost call: none of them is the script's network."""
    frame = sys._getframe(3)
    while frame is not None:
        if frame.f_code.co_name == "forward":
            owner = frame.f_locals.get(next(iter(frame.f_code.co_varnames), ""))  # whatever it calls itself
            if isinstance(owner, torch.nn.Module) and owner is not module:
                return True
        frame = frame.f_back
    return False

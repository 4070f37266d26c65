"""The key of a module: changes with its structure and its weights, stays from run to run otherwise.

Of the classes outside PyTorch the code counts, with the functions and constants that it reads; of PyTorch's own the version.
"""

import functools
import hashlib
import types

import numpy as np
import torch

LIBRARY = ("torch", "builtins", "collections", "typing", "abc", "numpy")
DEEPEST = 8
INTERNAL = frozenset(vars(torch.nn.Module())) | {"_is_torch_compile"}  # as torch.compile marks a module


class Fingerprint:
    def __init__(self):
        self.digest = hashlib.sha256()
        self.seen: set[int] = set()
        self.kept: list = []  # their ids stay theirs

    def text(self, *parts) -> None:
        for part in parts:
            encoded = str(part).encode()
            self.digest.update(len(encoded).to_bytes(8, "little") + encoded)

    def first_time(self, value) -> bool:
        if id(value) in self.seen:
            return False
        self.seen.add(id(value))
        self.kept.append(value)
        return True

    def module(self, module: torch.nn.Module) -> None:
        for name, part in module.named_modules(remove_duplicate=False):
            self.text("module", name)
            self.type(type(part))
            if isinstance(part, torch.jit.ScriptModule):
                self.script(part)
            elif not is_library(type(part)) or not isinstance(part, torch.nn.Module):
                self.attributes(part)
            else:
                self.text(part.extra_repr())
                self.attributes(part)
            if "forward" in vars(part):
                self.value(vars(part)["forward"], 0)
            elif is_library(type(part)) and not is_library(type(part).forward):  # the script put its own there
                self.value(type(part).forward, 0)
        for kind, named in (("parameter", module.named_parameters), ("buffer", module.named_buffers)):
            for name, tensor in named(remove_duplicate=False):
                self.text(kind, name)
                self.tensor(tensor)

    def attributes(self, module) -> None:
        for name in sorted(vars(module)):
            if name not in INTERNAL:
                self.text("attribute", name)
                self.value(vars(module)[name], 0)

    def script(self, module) -> None:
        if not hasattr(module, "inlined_graph"):
            return
        graph = module.inlined_graph
        self.text("script", str(graph))
        for node in graph.findAllNodes("prim::Constant", recurse=True):
            if node.hasAttribute("value") and node.kindOf("value") == "t":
                self.tensor(node.t("value"))

    def tensor(self, tensor: torch.Tensor) -> None:
        plain = tensor.detach().cpu()
        self.text(plain.dtype, tuple(plain.shape))
        if plain.numel() and not plain.is_sparse:
            self.digest.update(plain.contiguous().view(torch.uint8 if plain.ndim else plain.dtype).numpy().data.cast("B"))

    def type(self, cls: type) -> None:
        self.text(cls.__module__, cls.__qualname__)
        if is_library(cls) or not self.first_time(cls):
            return
        for base in cls.__mro__:
            if is_library(base):
                continue
            for name, member in sorted(vars(base).items()):
                if name in ("__doc__", "__dict__", "__weakref__", "__module__", "__firstlineno__"):
                    continue
                self.text("member", name)
                self.value(member, 0)

    def function(self, function: types.FunctionType, depth: int) -> None:
        self.text("function", function.__module__, function.__qualname__)
        if not self.first_time(function) or is_library(function):
            return
        self.code(function.__code__)
        self.value(function.__defaults__, depth + 1)
        self.value(function.__kwdefaults__, depth + 1)
        for cell in function.__closure__ or ():
            try:
                self.value(cell.cell_contents, depth + 1)
            except ValueError:
                self.text("empty cell")
        for name in names_in(function.__code__):
            if name in function.__globals__:
                self.text("global", name)
                self.value(function.__globals__[name], depth + 1)

    def code(self, code: types.CodeType) -> None:
        self.text("code", code.co_code.hex(), code.co_names, code.co_varnames)
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                self.code(constant)
            else:
                self.text(type(constant).__name__, sorted(constant) if isinstance(constant, frozenset) else repr(constant))

    def value(self, value, depth: int) -> None:
        if value is None or isinstance(value, (bool, int, float, complex, str, bytes, torch.dtype, torch.device)):
            self.text(type(value).__name__, repr(value))
        elif depth > DEEPEST:
            self.text("deep", type(value).__qualname__)
        elif isinstance(value, torch.nn.Module):
            self.text("a module", type(value).__qualname__)
        elif isinstance(value, torch.Tensor):
            self.tensor(value)
        elif isinstance(value, np.ndarray) and value.dtype != object:
            self.text(value.dtype, value.shape)
            self.digest.update(np.ascontiguousarray(value).tobytes())
        elif isinstance(value, types.ModuleType):
            self.text("python module", value.__name__)
        elif isinstance(value, types.FunctionType):
            self.function(value, depth)
        elif isinstance(value, types.MethodType):
            self.function(value.__func__, depth)
        elif isinstance(value, (staticmethod, classmethod)):
            self.value(value.__func__, depth)
        elif isinstance(value, property):
            self.value(value.fget, depth)
        elif isinstance(value, functools.partial):
            self.value([value.func, value.args, value.keywords], depth + 1)
        elif isinstance(value, type):
            self.type(value)
        else:
            self.composed(value, depth)

    def composed(self, value, depth: int) -> None:
        self.text(type(value).__module__, type(value).__qualname__)
        if not self.first_time(value):
            return
        if isinstance(value, dict):
            for key, item in value.items():
                self.value(key, depth + 1)
                self.value(item, depth + 1)
        elif isinstance(value, (list, tuple)):
            for item in value:
                self.value(item, depth + 1)
        elif isinstance(value, (set, frozenset)):
            self.text(sorted(map(repr, value)))
        elif hasattr(value, "__dict__") and not is_library(type(value)):
            self.value(vars(value), depth + 1)


def is_library(value) -> bool:
    return (getattr(value, "__module__", None) or "").partition(".")[0] in LIBRARY


def names_in(code: types.CodeType) -> list[str]:
    names = list(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names += names_in(constant)
    return sorted(set(names))


def key_of(module: torch.nn.Module, *more) -> str:
    """`more` is text that counts, too: how the module is called."""
    fingerprint = Fingerprint()
    fingerprint.text("torch", torch.__version__, *more)
    with torch.inference_mode(False), torch.no_grad():
        fingerprint.module(module)
    return fingerprint.digest.hexdigest()

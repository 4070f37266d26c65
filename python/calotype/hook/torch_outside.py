"""What a module's program changes outside of the module: a list that it appends to, a global variable that it sets.

The NPU computes results and nothing else; and what exporting and comparing change there is not the script's.
"""

import functools
import types
from collections import deque

import numpy as np
import torch

from calotype.hook.program import is_foreign, read_by

MOST_VALUES = 10_000
MOST_ITEMS = 1000  # looked into, of each container
UNSET = object()


class Variable:
    """A name in a namespace: a dictionary, a class, or the cell of a captured variable."""

    def __init__(self, namespace, name: str):
        self.namespace = namespace
        self.name = name
        self.before = self.now()

    def now(self):
        if isinstance(self.namespace, types.CellType):
            try:
                return self.namespace.cell_contents
            except ValueError:  # empty so far
                return UNSET
        return (vars(self.namespace) if isinstance(self.namespace, type) else self.namespace).get(self.name, UNSET)

    def changed(self) -> bool:
        return self.now() is not self.before

    def restore(self) -> None:
        if isinstance(self.namespace, types.CellType):
            self.namespace.cell_contents = self.before
        elif isinstance(self.namespace, type):
            setattr(self.namespace, self.name, self.before)
        else:
            self.namespace[self.name] = self.before


class Container:
    """A dictionary, list, deque or set and what it holds."""

    def __init__(self, owner, name: str):
        self.owner = owner
        self.name = name
        self.before = dict(owner) if isinstance(owner, dict) else list(owner)

    def changed(self) -> bool:
        before, now = self.before, self.owner
        if len(before) != len(now):
            return True
        if isinstance(now, dict):
            return any(before.get(key, UNSET) is not value for key, value in now.items())
        return any(a is not b for a, b in zip(before, now))

    def restore(self) -> None:
        self.owner.clear()
        (self.owner.extend if isinstance(self.owner, (list, deque)) else self.owner.update)(self.before)


class Numbers:
    """A tensor or an array and its elements."""

    def __init__(self, owner, name: str):
        self.owner = owner
        self.name = name
        self.version = owner._version if isinstance(owner, torch.Tensor) else 0
        self.before = owner.detach().clone() if isinstance(owner, torch.Tensor) else owner.copy()

    def changed(self) -> bool:
        if isinstance(self.owner, torch.Tensor):
            return self.owner._version != self.version
        return self.owner.tobytes() != self.before.tobytes()

    def restore(self) -> None:
        if isinstance(self.owner, torch.Tensor):
            self.owner.detach().copy_(self.before)
        else:
            self.owner[...] = self.before


class Outside:
    """The global and captured values that the code of a module and of its parts reaches, and what is in them."""

    def __init__(self, module: torch.nn.Module):
        self.places: list[Variable | Container | Numbers] = []
        self.seen: dict[int, object] = {}
        for part in module.modules():
            if not isinstance(part, torch.jit.ScriptModule):
                self.follow("", type(part))
                for each in (type(part).forward, *vars(part).values()):
                    if isinstance(each, (types.FunctionType, types.MethodType, functools.partial)):
                        self.follow("", each)

    def changed(self) -> str:
        """The name of something that changed, or nothing."""
        return next((place.name for place in self.places if place.changed()), "")

    def restore(self) -> None:
        for place in self.places:
            if place.changed():
                place.restore()

    def follow(self, name: str, value) -> None:
        if id(value) in self.seen or len(self.seen) >= MOST_VALUES or isinstance(value, torch.nn.Module):
            return
        self.seen[id(value)] = value
        if isinstance(value, types.FunctionType):
            self.function(value)
        elif isinstance(value, types.MethodType):
            self.items(name, [value.__func__, value.__self__])
        elif isinstance(value, (staticmethod, classmethod)):
            self.follow(name, value.__func__)
        elif isinstance(value, property):
            self.follow(name, value.fget)
        elif isinstance(value, functools.partial):
            self.items(name, [value.func, value.args, value.keywords])
        elif isinstance(value, type):
            for base in value.__mro__:
                if not is_foreign(base.__module__):
                    self.variables(base, [each for each in vars(base) if not each.startswith("__")])
        elif isinstance(value, (dict, list, deque, set)):
            self.places.append(Container(value, name))
            self.items(name, value.values() if isinstance(value, dict) else value)
        elif isinstance(value, tuple):
            self.items(name, value)
        elif isinstance(value, np.ndarray) or (isinstance(value, torch.Tensor) and not value.is_inference()):
            self.places.append(Numbers(value, name))
        elif isinstance(getattr(value, "__dict__", None), dict) and not is_foreign(type(value).__module__):
            self.items(name, [vars(value), type(value)])

    def items(self, name: str, values) -> None:
        for value in list(values)[:MOST_ITEMS]:
            self.follow(name, value)

    def variables(self, namespace, names: list[str]) -> None:
        for name in names:
            variable = Variable(namespace, name)
            if variable.before is not UNSET:
                self.places.append(variable)
                self.follow(name, variable.before)

    def function(self, function: types.FunctionType) -> None:
        if is_foreign(function.__module__):
            return
        self.items(function.__name__, [function.__defaults__, function.__kwdefaults__])
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
            self.variables(cell, [name])
        for namespace, name in read_by(function):
            self.variables(namespace, [name])

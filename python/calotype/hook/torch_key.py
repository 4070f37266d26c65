"""The key of a module: changes with its structure and its weights, stays from run to run otherwise.

Of the script's own code the bytes count, with what it reads; of installed packages the version.
"""

import copyreg
import functools
import hashlib
import re
import sys
import types
from collections import deque

import numpy as np
import torch

from calotype.hook.program import codes_of, globals_of, is_foreign, names_in, read_by, version_of
from calotype.hook.state import Untouched
from calotype.hook.torch_made import makers_of

MOST_OBJECTS = 200_000
# Every module has these and none of them is structure; torch.compile adds its own.
COMPILED = {"_is_torch_compile", "_compiled_call_impl"}
TABLES = frozenset(("_parameters", "_buffers", "_modules"))
INTERNAL = frozenset(vars(torch.nn.Module())) - TABLES | COMPILED
# Members of a class that no result depends on. Python itself sets __slotnames__ when it copies the first object of a class.
OF_CLASSES = frozenset(("__init__", "__repr__", "__str__", "__doc__", "__dict__", "__weakref__", "__module__",
                        "__annotations__", "__firstlineno__", "__static_attributes__", "__slotnames__"))  # fmt: skip
# With these a program can reach attributes that it does not name: functions of Python's, and names also as attributes.
BY_ANY_NAME = frozenset(("getattr", "hasattr", "vars", "dir", "eval", "exec"))
BY_ANY_NAME_ANYWHERE = frozenset(("getattr", "__dict__", "__getattribute__", "attrgetter", "methodcaller"))
ANY = "any name"
# Of an installed package's class, methods that are called without their name.
UNNAMED = ("__call__", "__getattr__", "__getattribute__", "__torch_function__")
METHODS = (types.FunctionType, staticmethod, classmethod, property, functools.cached_property)
PLAIN = (type(None), bool, int, float, complex, str, bytes, torch.dtype, torch.device, torch.layout, torch.memory_format)
OPERATORS = (torch._ops.OpOverload, torch._ops.OpOverloadPacket)


class Fingerprint:
    """Values are taken into the digest at once, objects by their number, in the order in which they were first met; what is
    in them follows in that order, so that no depth is too deep and no circle has an end."""

    def __init__(self):
        self.digest = hashlib.sha256()
        self.numbers: dict[int, int] = {}
        self.objects: list = []  # by number; their ids stay theirs
        self.digests: dict[int, bytes] = {}  # of tensors
        self.tensors: list[torch.Tensor] = []
        self.names = {"forward"}  # that the program uses
        self.waiting: dict[str, list] = {}  # (kind, value) of methods and attributes that it does not name so far
        self.installed: dict[str, list] = {}  # likewise the code of installed packages' methods: for what that names
        self.any_name = False  # the program may reach attributes that it does not name

    def text(self, *parts) -> None:
        for part in parts:
            encoded = str(part).encode(errors="surrogatepass")
            self.digest.update(len(encoded).to_bytes(8, "little") + encoded)

    def take(self, value) -> None:
        self.value(value)
        for each in self.objects:  # grows
            self.content(each)
            if len(self.objects) > MOST_OBJECTS:
                raise Untouched(f"it holds or reads more than {MOST_OBJECTS} objects")

    def value(self, value) -> None:
        if isinstance(value, PLAIN):
            self.text(type(value).__name__, repr(value))
        elif isinstance(value, tuple):
            self.text("tuple", type(value).__qualname__, len(value))
            self.all(value)
        elif isinstance(value, (set, frozenset)):
            self.text("set", sorted(map(repr, value)))
        elif isinstance(value, torch.Tensor):
            self.tensor(value)
        else:
            number = self.numbers.setdefault(id(value), len(self.objects))
            if number == len(self.objects):
                self.objects.append(value)
            self.text("object", number)

    def all(self, values) -> None:
        for value in values:
            self.value(value)

    def pairs(self, kind: str, pairs) -> None:
        for name, value in pairs:
            self.text(kind)
            self.value(name)
            self.value(value)

    def tensor(self, tensor: torch.Tensor) -> None:
        if id(tensor) not in self.digests:
            self.tensors.append(tensor)
            self.digests[id(tensor)] = digest_of(tensor)
        self.text("tensor", self.digests[id(tensor)].hex())

    # Objects

    def content(self, value) -> None:
        kind = type(value)
        if isinstance(value, torch.jit.ScriptModule):
            self.script(value)
        elif isinstance(value, torch.nn.Module):
            self.value(kind)
            self.attributes(value)
        elif isinstance(value, types.FunctionType):
            self.function(value)
        elif isinstance(value, types.MethodType):
            self.all((value.__func__, value.__self__))
        elif isinstance(value, (staticmethod, classmethod)):
            self.value(value.__func__)
        elif isinstance(value, property):
            self.value(value.fget)
        elif isinstance(value, functools.partial):
            self.all((value.func, value.args, value.keywords))
        elif isinstance(value, type):
            self.type(value)
        elif isinstance(value, types.ModuleType):
            self.text("python module", value.__name__)
        elif isinstance(value, np.ndarray) and value.dtype != object:
            self.text("array", value.dtype.str, value.shape)
            self.digest.update(np.ascontiguousarray(value).tobytes())
        elif isinstance(value, torch.jit.ScriptFunction):
            self.graph(value.inlined_graph)
        elif isinstance(value, (*OPERATORS, torch.fx.Graph)):
            self.text(kind.__qualname__, value)
        else:
            self.composed(value)

    def composed(self, value) -> None:
        kind = type(value)
        self.value(kind)
        if isinstance(value, dict):
            self.pairs("item", value.items())
        elif isinstance(value, (list, deque)):
            self.all(value)
        elif is_foreign(kind.__module__):
            self.reduced(value)
            return
        if isinstance(getattr(value, "__dict__", None), dict):
            self.attributes(value)
        slots = [name for name, member in members_of(kind) if isinstance(member, types.MemberDescriptorType)]
        self.pairs("slot", ((name, getattr(value, name)) for name in slots if hasattr(value, name)))

    def attributes(self, value) -> None:
        makers = makers_of(value) if isinstance(value, torch.nn.Module) else []
        internal = INTERNAL.union(name for name, _ in makers) if isinstance(value, torch.nn.Module) else ()
        attributes = [(name, each) for name, each in sorted(vars(value).items()) if name not in internal]
        ignored = may_ignore_attributes(value)
        for name, each in attributes:
            if ignored and name not in TABLES:
                self.take_or_wait(name, f"attribute of {self.numbers[id(value)]}", each)
            else:
                self.pairs("attribute", [(name, each)])
        self.pairs("made weight", makers)

    def reduced(self, value) -> None:
        """As it would be pickled: a slice, a range, an operator, a NumPy number, a distribution."""
        try:
            registered = copyreg.dispatch_table.get(type(value))
            reduced = registered(value) if registered else value.__reduce_ex__(4)
        except Exception:  # a lock, a file: nothing that a result depends on
            return
        self.all([reduced] if isinstance(reduced, str) else [*reduced[:3], *map(list_of, reduced[3:5])])

    def type(self, cls: type) -> None:
        self.text("type", cls.__module__, cls.__qualname__)
        foreign = is_foreign(cls.__module__)
        if foreign:
            self.text(version_of(cls.__module__))
        self.all(cls.__bases__)
        for name, member in sorted(vars(cls).items()):
            if foreign and is_foreign(getattr(member, "__module__", None) or "builtins"):
                self.installed_method(cls, name, member)  # of a foreign class what the script put there
            elif may_wait(cls, name, member):
                self.take_or_wait(name, "member", member)
            else:
                self.pairs("member", [(name, member)])

    # Names

    def take_or_wait(self, name: str, kind: str, value) -> None:
        if name in self.names or (self.any_name and name not in OF_CLASSES):
            self.pairs(kind, [(name, value)])
        else:
            self.waiting.setdefault(name, []).append((kind, value))

    def installed_method(self, cls: type, name: str, member) -> None:
        """The package's version tells what it computes; which of the script's attributes it reads, its code."""
        function = function_of(member)
        if function is None or not is_of_package(cls.__module__):
            return
        if name in self.names or name in UNNAMED or (self.any_name and name not in OF_CLASSES):
            self.uses(names_used(function.__code__))
        else:
            self.installed.setdefault(name, []).append(function.__code__)

    def uses(self, names: set[str]) -> None:
        self.names |= names
        if ANY in names:
            self.any_name = True
            names = names | (self.waiting.keys() - OF_CLASSES)
        for name in sorted(names & self.waiting.keys()):
            for kind, value in self.waiting.pop(name):
                self.pairs(kind, [(name, value)])
        for name in sorted(names & self.installed.keys()):
            for code in self.installed.pop(name, ()):
                self.uses(names_used(code))

    # Functions

    def function(self, function: types.FunctionType) -> None:
        self.text("function", function.__module__, function.__qualname__)
        self.all((function.__defaults__, function.__kwdefaults__))
        for cell in function.__closure__ or ():
            self.cell(cell)
        if is_foreign(function.__module__):
            self.text(version_of(function.__module__))
            if is_of_package(function.__module__):
                self.uses(names_used(function.__code__))
            return
        for code in codes_of(function.__code__):
            self.text("code", code.co_code.hex(), code.co_names, code.co_varnames, code.co_exceptiontable.hex())
            for constant in code.co_consts:
                if not isinstance(constant, types.CodeType):
                    self.value(constant)
        names = names_used(function.__code__)
        for namespace, name in read_by(function):
            self.variable(namespace, name)
            self.uses_of_package(namespace[name], names)
        self.uses(names)

    def uses_of_package(self, module, names: set[str]) -> None:
        """`package.scale_of(self)` may read what the script made."""
        if isinstance(module, types.ModuleType) and is_of_package(module.__name__):
            for function in map(function_of, map(vars(module).get, names)):
                if function is not None:
                    self.uses(names_used(function.__code__))

    def cell(self, cell: types.CellType) -> None:
        try:
            self.value(cell.cell_contents)
        except ValueError:
            self.text("an empty cell")

    def variable(self, namespace: dict, name: str) -> None:
        self.pairs("global", [(name, namespace[name])])

    # Scripts

    def script(self, module: torch.jit.ScriptModule) -> None:
        self.text("script")
        for kind, named in (("parameter", module.named_parameters), ("buffer", module.named_buffers)):
            self.pairs(kind, named(remove_duplicate=False))
        graph = getattr(module, "inlined_graph", None)  # without it, it is only a part of one
        if graph is not None:
            self.graph(graph)
            self.pairs("attribute", script_attributes(module, graph))

    def graph(self, graph) -> None:
        # Without the numbers of classes that have one name, and without what a recorded run of it left.
        self.text("graph", re.sub(r"___torch_mangle_\d+|, scope: \S+", "", graph.str(False)))
        for node in graph.findAllNodes("prim::Constant", recurse=True):
            if node.hasAttribute("value") and node.kindOf("value") == "t":
                self.tensor(node.t("value"))


def script_attributes(module: torch.jit.ScriptModule, graph) -> list[tuple[str, object]]:
    """(path, value) of what the graph reads of the module: `block.scale`. Those of parts are among them."""
    found = {}
    for node in graph.findAllNodes("prim::GetAttr", recurse=True):
        path = [node.s("name")]
        owner = node.input().node()
        while owner.kind() == "prim::GetAttr":
            path.insert(0, owner.s("name"))
            owner = owner.input().node()
        value = functools.reduce(lambda part, name: part.getattr(name), path, module._c)
        if not isinstance(value, torch._C.ScriptModule):
            found[".".join(path)] = value
    return sorted(found.items())


def digest_of(tensor: torch.Tensor) -> bytes:
    plain = tensor.detach().cpu()
    digest = hashlib.sha256(f"{plain.dtype} {tuple(plain.shape)}".encode())
    if plain.is_quantized:
        plain = plain.dequantize()
    if plain.layout != torch.strided:
        plain = plain.to_dense()
    if plain.numel():
        digest.update(plain.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.digest()


def members_of(cls: type) -> list[tuple[str, object]]:
    return [pair for base in cls.__mro__ for pair in vars(base).items()]


def may_wait(cls: type, name: str, member) -> bool:
    """A method that only what uses its name can call: not Python itself, and not the code of a foreign base. What a
    constructor did is in the attributes."""
    if name in OF_CLASSES:
        return True
    foreign_base = any(is_foreign(base.__module__) and name in vars(base) for base in cls.__mro__)
    return isinstance(member, METHODS) and not name.startswith("__") and not foreign_base


def names_used(code: types.CodeType) -> set[str]:
    """Of attributes, also those in `case Config(scale=1)`; ANY among them where it may be all."""
    words = {word for each in codes_of(code) for constant in each.co_consts if type(constant) is tuple
             for word in constant if type(word) is str}  # fmt: skip
    names = names_in(code) | words
    return names | {ANY} if names & BY_ANY_NAME_ANYWHERE or BY_ANY_NAME.intersection(globals_of(code)) else names


def function_of(member) -> types.FunctionType | None:
    if isinstance(member, property):
        member = member.fget
    elif isinstance(member, functools.cached_property):
        member = member.func
    member = getattr(member, "__func__", member)  # of static and class methods
    return member if isinstance(member, types.FunctionType) else None


def is_of_package(module: str | None) -> bool:
    """Of an installed one other than PyTorch, which reads no attributes of the script's making."""
    top = (module or "builtins").partition(".")[0]
    return is_foreign(top) and top not in ("torch", "builtins") and top not in sys.stdlib_module_names


def may_ignore_attributes(value) -> bool:
    """Whether those that no code names make no difference: a trainer, logged figures. A configuration may be handed on
    whole, and PyTorch's own layers read theirs."""
    return isinstance(value, torch.nn.Module) and has_own_program(type(value))


def has_own_program(cls: type) -> bool:
    layers = [base for base in cls.__mro__ if base.__module__.partition(".")[0] == "torch" and base is not torch.nn.Module]
    return not layers and not is_foreign(getattr(cls.forward, "__module__", None) or "builtins")


def list_of(items) -> list | None:
    return None if items is None else list(items)


def key_of(module: torch.nn.Module, *more) -> str:
    """`more` is text that counts, too: how the module is called."""
    fingerprint = Fingerprint()
    fingerprint.text("torch", torch.__version__, *more)
    with torch.inference_mode(False), torch.no_grad():
        fingerprint.take(module)
    return fingerprint.digest.hexdigest()

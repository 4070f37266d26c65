"""What the code of a function reads: the names of its globals, also through the modules among them; and whose code it is."""

import dis
import functools
import sys
import types
from collections.abc import Iterator

PACKAGES = ("site-packages", "dist-packages")  # folders of what is installed
GLOBALS = ("LOAD_GLOBAL", "LOAD_NAME")


@functools.cache
def codes_of(code: types.CodeType) -> list[types.CodeType]:
    """It, and the functions within."""
    inner = [each for constant in code.co_consts if isinstance(constant, types.CodeType) for each in codes_of(constant)]
    return [code, *inner]


@functools.cache
def globals_of(code: types.CodeType) -> list[str]:
    read = (step for each in codes_of(code) for step in dis.get_instructions(each) if step.opname in GLOBALS)
    return sorted({step.argval for step in read})


def names_in(code: types.CodeType) -> set[str]:
    """Also of attributes."""
    return {name for each in codes_of(code) for name in each.co_names}


def read_by(function: types.FunctionType) -> Iterator[tuple[dict, str]]:
    """(namespace, name) of what exists there: `SCALE`, and `scale` of the script's own module in `helpers.scale(x)`."""
    wanted = [(vars_, name) for vars_ in [function.__globals__] for name in globals_of(function.__code__)]
    attributes = sorted(names_in(function.__code__))
    seen = set()
    for namespace, name in wanted:  # grows
        if name not in namespace:
            continue
        yield namespace, name
        module = namespace[name]
        if isinstance(module, types.ModuleType) and id(module) not in seen and not is_foreign(module.__name__):
            seen.add(id(module))
            wanted += [(vars(module), attribute) for attribute in attributes]


def is_foreign(module: str | None) -> bool:
    """Of Python, of an installed package, or ours: code that another version changes, not the script."""
    top = (module or "").partition(".")[0]
    return top in ("builtins", "calotype") or top in sys.stdlib_module_names or is_installed(top)


@functools.cache
def is_installed(top: str) -> bool:
    module = sys.modules.get(top)
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
    return any(folder in place.replace("\\", "/").split("/") for place in places if place for folder in PACKAGES)


@functools.cache
def version_of(module: str | None) -> str:
    """Of the package that a foreign module belongs to, where it tells."""
    top = (module or "").partition(".")[0]
    return str(getattr(sys.modules.get(top), "__version__", ""))

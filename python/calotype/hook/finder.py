"""Waits for a script to import a framework, and hands the loaded module to that framework's hook."""

import sys
from _thread import get_ident  # threading would be an import that the script did not ask for

HOOKS = {
    "torch": "calotype.hook.torch_hook",
    "onnxruntime": "calotype.hook.onnxruntime_hook",
    "tensorflow": "calotype.hook.tensorflow_hook",
    "keras": "calotype.hook.tensorflow_hook",  # also without TensorFlow
}


def attach(name: str, module) -> None:
    """A hook that fails leaves the framework as it is, and says so in one line."""
    try:
        from importlib import import_module

        import_module(HOOKS[name]).attach(module)
    except Exception as reason:
        from calotype.hook.messages import say

        say(f"the networks of {name} run untouched: {type(reason).__name__}: {reason}")


class Loader:
    """The real loader, and the hook behind it."""

    def __init__(self, finder: "Finder", name: str, real):
        self.finder = finder
        self.name = name
        self.real = real

    def create_module(self, spec):
        return self.real.create_module(spec)

    def exec_module(self, module) -> None:
        # As if we had never been there: inspect, pkgutil and importlib.resources ask the module for its loader.
        module.__spec__.loader = self.real
        module.__loader__ = self.real
        self.real.exec_module(module)
        self.finder.waiting.discard(self.name)
        attach(self.name, module)


class Finder:
    """First on sys.meta_path; answers for the names above alone until each is imported: a script may first ask whether
    it could be (importlib.util.find_spec), or try in vain."""

    def __init__(self):
        self.waiting = set(HOOKS)
        self.asking: set[tuple[str, int]] = set()  # name and thread: another finder may ask sys.meta_path in its turn

    def find_spec(self, name, path=None, target=None):
        asked = (name, get_ident())
        if name not in self.waiting or asked in self.asking:
            return None
        self.asking.add(asked)
        try:
            spec = self.real_spec(name, path, target)
        finally:
            self.asking.discard(asked)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = Loader(self, name, spec.loader)
        return spec

    def real_spec(self, name, path, target):
        for finder in sys.meta_path:
            if finder is not self and hasattr(finder, "find_spec"):
                spec = finder.find_spec(name, path, target)
                if spec is not None:
                    return spec
        return None


def install() -> None:
    if any(type(finder).__name__ == "Finder" and type(finder).__module__ == __name__ for finder in sys.meta_path):
        return
    finder = Finder()
    for name in HOOKS:
        if name in sys.modules:  # a notebook that imported it already
            finder.waiting.discard(name)
            attach(name, sys.modules[name])
    sys.meta_path.insert(0, finder)

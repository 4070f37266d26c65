"""Waits for a script to import a framework, and hands the loaded module to that framework's hook."""

import sys

HOOKS = {
    "torch": "calotype.hook.torch_hook",
    "onnxruntime": "calotype.hook.onnxruntime_hook",
    "tensorflow": "calotype.hook.tensorflow_hook",
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

    def __init__(self, name: str, real):
        self.name = name
        self.real = real

    def create_module(self, spec):
        return self.real.create_module(spec)

    def exec_module(self, module) -> None:
        # As if we had never been there: inspect, pkgutil and importlib.resources ask the module for its loader.
        module.__spec__.loader = self.real
        module.__loader__ = self.real
        self.real.exec_module(module)
        attach(self.name, module)


class Finder:
    """First on sys.meta_path; answers for the names above alone, each once."""

    def __init__(self):
        self.waiting = set(HOOKS)

    def find_spec(self, name, path=None, target=None):
        if name not in self.waiting:
            return None
        self.waiting.discard(name)
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                break
        else:
            self.waiting.add(name)  # not installed: it may be on a later path
            return None
        if spec.loader is None or not hasattr(spec.loader, "exec_module"):
            return spec
        spec.loader = Loader(name, spec.loader)
        return spec


def install() -> None:
    if any(type(finder).__name__ == "Finder" and type(finder).__module__ == __name__ for finder in sys.meta_path):
        return
    finder = Finder()
    for name in HOOKS:
        if name in sys.modules:  # a notebook that imported it already
            finder.waiting.discard(name)
            attach(name, sys.modules[name])
    sys.meta_path.insert(0, finder)

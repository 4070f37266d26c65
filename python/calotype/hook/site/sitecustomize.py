"""Python runs this file at its start because settings.sh put its folder on PYTHONPATH: it loads calotype's hook, then the
sitecustomize that would have run without it. Whatever is amiss costs one line, never the script."""

import os
import sys

# importlib.util gives the same two functions, but takes 20 ms with what it imports.
from importlib._bootstrap import module_from_spec
from importlib._bootstrap_external import spec_from_file_location
from importlib.machinery import PathFinder


def next_sitecustomize(folder: str) -> None:
    others = [entry for entry in sys.path if os.path.realpath(entry or ".") != os.path.realpath(folder)]
    spec = PathFinder.find_spec("sitecustomize", others)
    if spec is None or spec.loader is None:
        return
    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


def load_hook(folder: str) -> None:
    """From beside this file, wherever Python would look for a package of that name: the rest of calotype's own
    environment stays unknown to the script."""
    package = os.path.dirname(os.path.dirname(folder))
    if "calotype" not in sys.modules:
        spec = spec_from_file_location(
            "calotype", os.path.join(package, "__init__.py"), submodule_search_locations=[package]
        )
        module = module_from_spec(spec)
        sys.modules["calotype"] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules["calotype"]
            raise
    import calotype.hook  # noqa: F401


def warn(reason: BaseException) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"[VAISW] calotype is not active: {type(reason).__name__}: {reason}\n")


here = os.path.dirname(os.path.abspath(__file__))
try:
    load_hook(here)
except Exception as reason:
    warn(reason)
next_sitecustomize(here)

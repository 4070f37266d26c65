"""Compiles trained neural networks for an NPU and runs them bit for bit on an emulator of it.

    import calotype

    calotype.compile("model.onnx", samples=[{"input": array}], output="model.snapshot")
    runner = calotype.Runner("model.snapshot", threads=2)
    outputs = runner.run({"input": batch})
"""

__version__ = "0.1.0"
__all__ = ["Error", "Runner", "Snapshot", "compile", "explain", "inspect", "verify"]


def __getattr__(name: str):
    """The native module comes with its first name: the hook of settings.sh loads this package into every Python."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from calotype import _core

    globals().update({each: getattr(_core, each) for each in __all__})
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""Compiles trained neural networks for an NPU and runs them bit for bit on an emulator of it.

    import calotype

    calotype.compile("model.onnx", samples=[{"input": array}], output="model.snapshot")
    runner = calotype.Runner("model.snapshot", threads=2)
    outputs = runner.run({"input": batch})
"""

__all__ = ["Error", "Runner", "Snapshot", "compile", "explain", "inspect", "verify"]


def __getattr__(name: str):
    """The native module comes with its first name: the hook of settings.sh loads this package into every Python."""
    names = [*__all__, "__version__"]
    if name not in names:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from calotype import _core

    globals().update({each: getattr(_core, each) for each in names})
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

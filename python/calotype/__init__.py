"""Compiles trained neural networks for an NPU and runs them bit for bit on an emulator of it.

    import calotype

    calotype.compile("model.onnx", samples=[{"input": array}], output="model.snapshot")
    runner = calotype.Runner("model.snapshot", threads=2)
    outputs = runner.run({"input": batch})
"""

from calotype._core import Error, Runner, Snapshot, compile, explain, inspect, verify

__version__ = "0.1.0"
__all__ = ["Error", "Runner", "Snapshot", "compile", "explain", "inspect", "verify"]

"""What holds for every test."""

import sys

import pytest


@pytest.fixture(autouse=True)
def not_hooked():
    """The tests' own ONNX Runtime and PyTorch are what results are held to: nothing may put them on the NPU."""
    yield
    assert "calotype.hook" not in sys.modules, "the hook is on in the tests' own process: import it in one of its own"

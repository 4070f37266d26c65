"""A script under the hook gets the bits that `calotype run` writes for the same inputs, from the snapshot it left behind."""

import subprocess

import numpy as np
import pytest

ONNX_RUNTIME = """
import sys
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
random = np.random.default_rng(1)
x = [random.standard_normal((2, 3, 16, 16), dtype=np.float32) for _ in range(10)]
y = [session.run(None, {"x": each})[0] for each in x]
np.savez("inputs.npz", x=np.concatenate(x))
np.savez("outputs.npz", y=np.concatenate(y))
"""
# Its softmax is a CPU subgraph, and it has two inputs and two outputs.
PYTORCH = """
import numpy as np
import torch
from torch import nn

torch.manual_seed(6)

class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 5, 3, stride=2)

    def forward(self, image, mask):
        y = self.second(torch.relu(self.first(image)) + mask)
        return {"scores": torch.softmax(y, 1), "raw": y}

model = Two().eval()
images, masks = torch.randn(20, 3, 16, 16), torch.randn(20, 8, 16, 16)
with torch.no_grad():
    y = [model(image, mask=mask) for image, mask in zip(images.split(2), masks.split(2))]
np.savez("inputs.npz", image=images, mask=masks)
np.savez("outputs.npz", **{"output." + name: torch.cat([each[name] for each in y]) for name in y[0]})
"""


@pytest.mark.parametrize("text, arguments", [(ONNX_RUNTIME, ["onnx_model"]), (PYTORCH, [])], ids=["onnxruntime", "torch"])
def test_the_commands_bits(script, request, command, text, arguments):
    run = script.ok(text, *map(request.getfixturevalue, arguments))
    assert run.samples() == (4, 16) and ("Softmax" in run.report) == (text is PYTORCH), run.stderr
    written = script.folder / "run.npz"
    subprocess.run([command, "run", script.snapshot, "--input", script.folder / "inputs.npz", "--output", written],
                   check=True, capture_output=True)  # fmt: skip
    with np.load(script.folder / "outputs.npz") as received, np.load(written) as wanted:
        assert set(received.files) == set(wanted.files)
        for name in wanted.files:
            assert received[name].dtype == wanted[name].dtype
            np.testing.assert_array_equal(received[name][4:], wanted[name][4:])
            assert not np.array_equal(received[name][:4], wanted[name][:4])  # FP32: the comparison can tell them apart

"""PyTorch networks of sequences, [N, T, C] and [N, T], of several lengths."""

import numpy as np
import pytest
from pytorch_script import NETWORK, outputs


def snr_db(y: np.ndarray, reference: np.ndarray) -> float:
    return 10 * np.log10(np.sum(reference**2) / np.sum((y - reference) ** 2))


ENCODER = NETWORK + """
class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(50, 16)
        self.place = nn.Parameter(0.1 * torch.randn(1, 32, 16))
        self.query, self.wide, self.narrow = nn.Linear(16, 16), nn.Linear(16, 32), nn.Linear(32, 16)
        self.classes = nn.Linear(16, 4)

    def forward(self, x, mask=None):
        h = self.words(x) if x.dtype == torch.int64 else x
        h = h + self.place[:, : h.shape[1]]
        scores = self.query(h) @ h.transpose(1, 2) / 4
        if mask is not None:
            scores = scores + (1 - mask[:, None, :]) * -1e4
        h = h + torch.softmax(scores, -1) @ h
        return self.classes(h + self.narrow(torch.relu(self.wide(h))))

model = Encoder().eval()
lengths = [8, 8, 8, 8, 8, 12, 5, 29, 8, 1]
"""


@pytest.mark.parametrize("call, on_the_npu", [
    ("model(torch.from_numpy(random.standard_normal((1, length, 16), dtype=np.float32)))", 5),
    ("model(torch.from_numpy(random.integers(0, 50, (1, length))))", 5),
    # A mask that is spread over all words: other lengths hang on how the snapshot spreads it.
    ("model(torch.from_numpy(random.integers(0, 50, (1, length))), torch.arange(length)[None].lt(length - 1).float())", 2),
])  # fmt: skip
def test_other_lengths_run_on_the_npu(script, call, on_the_npu):
    """But for the length 1, which the exporter tells from all others."""
    loop = ENCODER + f"""
y = []
with torch.no_grad():
    for length in lengths:
        y.append({call})
        print(type(y[-1]), y[-1].dtype, tuple(y[-1].shape))
np.savez("outputs.npz", y=torch.cat([each.flatten() for each in y]))
"""
    plain = script.ok(loop, hook=False)
    fp32 = outputs(script)
    run = script.ok(loop)
    assert run.stdout == plain.stdout and sum(run.samples()) == 10 and on_the_npu <= run.samples()[1] <= 5, run.stderr
    assert snr_db(outputs(script), fp32) > 25


def test_a_length_that_a_network_does_not_take_is_pytorchs_error(script):
    loop = ENCODER + """
with torch.no_grad():
    for length in [8] * 6 + [33]:
        try:
            print(tuple(model(torch.ones(1, length, 16)).shape))
        except RuntimeError as reason:
            print(reason)
"""
    plain = script.ok(loop, hook=False)
    run = script.ok(loop)
    assert run.stdout == plain.stdout and "must match" in plain.stdout, run.stderr

"""What the scripts of the PyTorch tests have in common: a small network, the loop that calls it, what they print."""

import numpy as np

NETWORK = """
import sys
import numpy as np
import torch
from torch import nn

torch.manual_seed(6)

class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
                                      nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        self.head = nn.Linear(16, 5)

    def forward(self, x):
        return self.head(self.features(x).flatten(1))

random = np.random.default_rng(1)
def images(count, *size):
    return [torch.from_numpy(random.standard_normal(size or (1, 3, 16, 16), dtype=np.float32)) for _ in range(count)]
"""
LOOP = NETWORK + """
model = Small().eval()
x = images(8)
with torch.no_grad():
    y = [model(each) for each in x]
np.savez("outputs.npz", x=torch.cat(x), y=torch.cat(y))
print(type(y[-1]), y[-1].dtype, y[-1].shape, y[-1].requires_grad, y[-1].device)
"""


def outputs(script) -> np.ndarray:
    with np.load(script.folder / "outputs.npz") as saved:
        return saved["y"]

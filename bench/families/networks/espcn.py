"""ESPCN: super resolution of one channel, enlarged by pixel shuffle at the end."""

from torch import nn


class Espcn(nn.Module):
    def __init__(self, factor: int = 3):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 64, 5, padding=2), nn.Tanh(), nn.Conv2d(64, 32, 3, padding=1),
                                    nn.Tanh(), nn.Conv2d(32, factor ** 2, 3, padding=1), nn.PixelShuffle(factor))

    def forward(self, x):
        return self.layers(x)

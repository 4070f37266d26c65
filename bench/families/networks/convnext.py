"""ConvNeXt: depthwise 7x7, LayerNorm over the channels, GELU, a learned factor a channel."""

import torch
from torch import nn

WIDTHS, DEPTHS = [32, 64, 128, 256], [1, 1, 3, 1]


class ChannelNorm(nn.LayerNorm):
    """LayerNorm of a map [batch, channels, height, width] over its channels."""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Block(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.depthwise, self.norm = nn.Conv2d(width, width, 7, padding=3, groups=width), nn.LayerNorm(width, 1e-6)
        self.expand, self.act, self.project = nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        self.scale = nn.Parameter(torch.rand(width) * 0.4 + 0.1)

    def forward(self, x):
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        y = self.scale * self.project(self.act(self.expand(y)))
        return x + y.permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    def __init__(self):
        super().__init__()
        layers = [nn.Conv2d(3, WIDTHS[0], 4, 4), ChannelNorm(WIDTHS[0], 1e-6)]
        for stage, (width, depth) in enumerate(zip(WIDTHS, DEPTHS)):
            if stage > 0:
                layers += [ChannelNorm(WIDTHS[stage - 1], 1e-6), nn.Conv2d(WIDTHS[stage - 1], width, 2, 2)]
            layers += [Block(width) for _ in range(depth)]
        self.features, self.norm, self.fc = nn.Sequential(*layers), nn.LayerNorm(WIDTHS[-1], 1e-6), nn.Linear(256, 100)

    def forward(self, x):
        return self.fc(self.norm(self.features(x).mean([-2, -1])))

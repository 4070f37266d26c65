"""Inception: parallel branches joined along the channels, factorized 1x7 and 7x1 kernels, pools that round up."""

import torch
from torch import nn
from torch.nn import functional as F

from bench.families.blocks import Classifier, conv_bn


class Mixed(nn.Module):
    """1x1, 5x5, two 3x3 and an average pool, side by side (GoogLeNet, Inception-A)."""

    def __init__(self, inputs: int, width: int):
        super().__init__()
        self.point = conv_bn(inputs, width, 1)
        self.wide = nn.Sequential(conv_bn(inputs, width // 2, 1), conv_bn(width // 2, width, 5))
        self.twice = nn.Sequential(conv_bn(inputs, width, 1), conv_bn(width, width), conv_bn(width, width))
        self.pooled = conv_bn(inputs, width // 2, 1)

    def forward(self, x):
        mean = F.avg_pool2d(x, 3, stride=1, padding=1)
        return torch.cat([self.point(x), self.wide(x), self.twice(x), self.pooled(mean)], 1)


class Factorized(nn.Module):
    """7x7 as 1x7 and 7x1 (Inception-B), beside a max pool of stride 1."""

    def __init__(self, inputs: int, width: int):
        super().__init__()
        self.point = conv_bn(inputs, width, 1)
        self.cross = nn.Sequential(conv_bn(inputs, width, 1), conv_bn(width, width, (1, 7), padding=(0, 3)),
                                   conv_bn(width, width, (7, 1), padding=(3, 0)))
        self.pooled = conv_bn(inputs, width, 1)

    def forward(self, x):
        return torch.cat([self.point(x), self.cross(x), self.pooled(F.max_pool2d(x, 3, 1, 1))], 1)


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(conv_bn(3, 32, 7, 2), nn.MaxPool2d(3, 2, ceil_mode=True), conv_bn(32, 48, 1),
                                  conv_bn(48, 96), nn.MaxPool2d(3, 2, ceil_mode=True))
        self.mixed = nn.Sequential(Mixed(96, 48), Mixed(168, 64))
        self.down, self.down_pool = conv_bn(224, 96, 3, 2, padding=0), nn.MaxPool2d(3, 2)
        self.factorized = nn.Sequential(Factorized(320, 96), Factorized(288, 96))
        self.head = Classifier(288)

    def forward(self, x):
        x = self.mixed(self.stem(x))
        x = torch.cat([self.down(x), self.down_pool(x)], 1)
        return self.head(self.factorized(x))

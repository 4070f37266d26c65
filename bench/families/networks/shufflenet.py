"""ShuffleNet v2: half of the channels pass by, then the halves are shuffled."""

import torch
from torch import nn

from bench.families.blocks import Classifier, conv_bn

STAGES = [(48, 3), (96, 4), (192, 2)]


def shuffle(x, groups: int = 2):
    batch, channels, height, width = x.shape
    return x.view(batch, groups, channels // groups, height, width).transpose(1, 2).reshape(batch, channels, height,
                                                                                           width)


class Unit(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        half, reads = outputs // 2, inputs if stride == 2 else inputs // 2
        self.stride = stride
        self.main = nn.Sequential(conv_bn(reads, half, 1), conv_bn(half, half, 3, stride, groups=half, act=None),
                                  conv_bn(half, half, 1))
        if stride == 2:
            self.side = nn.Sequential(conv_bn(reads, reads, 3, 2, groups=reads, act=None), conv_bn(reads, half, 1))

    def forward(self, x):
        if self.stride == 2:
            return shuffle(torch.cat([self.side(x), self.main(x)], 1))
        kept, used = x.chunk(2, 1)
        return shuffle(torch.cat([kept, self.main(used)], 1))


class ShuffleNet(nn.Module):
    def __init__(self):
        super().__init__()
        layers, inputs = [conv_bn(3, 24, 3, 2), nn.MaxPool2d(3, 2, 1)], 24
        for outputs, count in STAGES:
            for i in range(count):
                layers.append(Unit(inputs, outputs, 2 if i == 0 else 1))
                inputs = outputs
        self.features = nn.Sequential(*layers, conv_bn(inputs, 256, 1))
        self.fc = nn.Linear(256, 100)

    def forward(self, x):
        return self.fc(self.features(x).mean([2, 3]))

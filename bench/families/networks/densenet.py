"""DenseNet-BC: BatchNormalization before the convolution, every layer reads all earlier ones."""

import torch
from torch import nn

from bench.families.blocks import Classifier

GROWTH, LAYERS = 16, [4, 6, 4]


class Dense(nn.Module):
    def __init__(self, inputs: int):
        super().__init__()
        self.layers = nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU(), nn.Conv2d(inputs, 4 * GROWTH, 1, bias=False),
                                    nn.BatchNorm2d(4 * GROWTH), nn.ReLU(),
                                    nn.Conv2d(4 * GROWTH, GROWTH, 3, padding=1, bias=False))

    def forward(self, x):
        return torch.cat([x, self.layers(x)], 1)


class DenseNet(nn.Module):
    def __init__(self):
        super().__init__()
        width = 2 * GROWTH
        layers = [nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
        for stage, count in enumerate(LAYERS):
            for _ in range(count):
                layers.append(Dense(width))
                width += GROWTH
            if stage + 1 < len(LAYERS):
                layers += [nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, width // 2, 1, bias=False),
                           nn.AvgPool2d(2)]
                width //= 2
        self.features = nn.Sequential(*layers, nn.BatchNorm2d(width), nn.ReLU())
        self.head = Classifier(width)

    def forward(self, x):
        return self.head(self.features(x))

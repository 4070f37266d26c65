"""VGG-11, without and with BatchNormalization, at half width."""

from torch import nn

from bench.families.blocks import conv_bn

STAGES = [[32], [64], [128, 128], [256, 256], [256, 256]]


class Vgg(nn.Module):
    def __init__(self, batch_norm: bool):
        super().__init__()
        layers, inputs = [], 3
        for stage in STAGES:
            for width in stage:
                layers += [conv_bn(inputs, width)] if batch_norm else [nn.Conv2d(inputs, width, 3, 1, 1), nn.ReLU()]
                inputs = width
            layers.append(nn.MaxPool2d(2, 2))
        self.features, self.pool = nn.Sequential(*layers), nn.AdaptiveAvgPool2d((4, 4))
        self.classifier = nn.Sequential(nn.Linear(inputs * 16, 512), nn.ReLU(), nn.Dropout(), nn.Linear(512, 512),
                                        nn.ReLU(), nn.Dropout(), nn.Linear(512, 100))

    def forward(self, x):
        return self.classifier(self.pool(self.features(x)).flatten(1))

"""MobileNetV2 (ReLU6) and MobileNetV3-Small (squeeze and excite, HardSwish): inverted residuals."""

from torch import nn

from bench.families.blocks import Classifier, SqueezeExcite, conv_bn

# kernel, expanded, outputs, squeeze and excite, activation, stride
V2 = [(3, 96, 24, False, nn.ReLU6, 2), (3, 144, 24, False, nn.ReLU6, 1), (3, 144, 32, False, nn.ReLU6, 2),
      (3, 192, 32, False, nn.ReLU6, 1), (3, 192, 64, False, nn.ReLU6, 2), (3, 384, 64, False, nn.ReLU6, 1)]
V3_SMALL = [(3, 16, 16, True, nn.ReLU, 2), (3, 72, 24, False, nn.ReLU, 2), (3, 88, 24, False, nn.ReLU, 1),
            (5, 96, 40, True, nn.Hardswish, 2), (5, 240, 40, True, nn.Hardswish, 1),
            (5, 120, 48, True, nn.Hardswish, 1), (5, 288, 96, True, nn.Hardswish, 2),
            (5, 576, 96, True, nn.Hardswish, 1)]


class Inverted(nn.Module):
    def __init__(self, inputs: int, kernel: int, expanded: int, outputs: int, squeeze: bool, act, stride: int):
        super().__init__()
        self.shortcut = stride == 1 and inputs == outputs
        layers = [] if expanded == inputs else [conv_bn(inputs, expanded, 1, act=act)]
        layers.append(conv_bn(expanded, expanded, kernel, stride, groups=expanded, act=act))
        if squeeze:
            layers.append(SqueezeExcite(expanded, max(8, expanded // 4), nn.ReLU, nn.Hardsigmoid))
        self.layers = nn.Sequential(*layers, conv_bn(expanded, outputs, 1, act=None))

    def forward(self, x):
        return x + self.layers(x) if self.shortcut else self.layers(x)


class MobileNetV2(nn.Module):
    def __init__(self):
        super().__init__()
        layers, inputs = [conv_bn(3, 16, 3, 2, act=nn.ReLU6)], 16
        for row in V2:
            layers.append(Inverted(inputs, *row))
            inputs = row[2]
        self.features, self.head = nn.Sequential(*layers, conv_bn(inputs, 256, 1, act=nn.ReLU6)), Classifier(256)

    def forward(self, x):
        return self.head(self.features(x))


class MobileNetV3(nn.Module):
    def __init__(self):
        super().__init__()
        layers, inputs = [conv_bn(3, 16, 3, 2, act=nn.Hardswish)], 16
        for row in V3_SMALL:
            layers.append(Inverted(inputs, *row))
            inputs = row[2]
        self.features = nn.Sequential(*layers, conv_bn(inputs, 576, 1, act=nn.Hardswish))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Linear(576, 256), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(256, 100))

    def forward(self, x):
        return self.classifier(self.pool(self.features(x)).flatten(1))

"""EfficientNet-B0 at half depth: inverted residuals with SiLU and squeeze and excite."""

from torch import nn

from bench.families.blocks import Classifier, SqueezeExcite, conv_bn

# expansion, outputs, blocks, kernel, stride
STAGES = [(1, 16, 1, 3, 1), (6, 24, 1, 3, 2), (6, 40, 1, 5, 2), (6, 80, 2, 3, 2), (6, 112, 2, 5, 1), (6, 192, 2, 5, 2)]


class MBConv(nn.Module):
    def __init__(self, inputs: int, expansion: int, outputs: int, kernel: int, stride: int):
        super().__init__()
        self.shortcut = stride == 1 and inputs == outputs
        wide = inputs * expansion
        layers = [] if expansion == 1 else [conv_bn(inputs, wide, 1, act=nn.SiLU)]
        layers += [conv_bn(wide, wide, kernel, stride, groups=wide, act=nn.SiLU),
                   SqueezeExcite(wide, max(1, inputs // 4), nn.SiLU, nn.Sigmoid), conv_bn(wide, outputs, 1, act=None)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x) + x if self.shortcut else self.layers(x)


class EfficientNet(nn.Module):
    def __init__(self):
        super().__init__()
        layers, inputs = [conv_bn(3, 32, 3, 2, act=nn.SiLU)], 32
        for expansion, outputs, count, kernel, stride in STAGES:
            for i in range(count):
                layers.append(MBConv(inputs, expansion, outputs, kernel, stride if i == 0 else 1))
                inputs = outputs
        self.features, self.head = nn.Sequential(*layers, conv_bn(inputs, 640, 1, act=nn.SiLU)), Classifier(640)

    def forward(self, x):
        return self.head(self.features(x))

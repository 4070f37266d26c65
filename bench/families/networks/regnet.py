"""RegNet X (grouped bottlenecks) and Y (with squeeze and excite)."""

from torch import nn

from bench.families.blocks import Classifier, SqueezeExcite, conv_bn

GROUP_WIDTH, STAGES = 16, [(32, 1), (64, 2), (160, 3), (320, 1)]


class Block(nn.Module):
    def __init__(self, inputs: int, width: int, stride: int, squeeze: bool):
        super().__init__()
        layers = [conv_bn(inputs, width, 1), conv_bn(width, width, 3, stride, groups=width // GROUP_WIDTH)]
        if squeeze:
            layers.append(SqueezeExcite(width, inputs // 4, nn.ReLU, nn.Sigmoid))
        self.layers = nn.Sequential(*layers, conv_bn(width, width, 1, act=None))
        self.side = (nn.Identity() if stride == 1 and inputs == width else
                     conv_bn(inputs, width, 1, stride, act=None))
        self.act = nn.ReLU()

    def forward(self, x):
        return self.act(self.side(x) + self.layers(x))


class RegNet(nn.Module):
    def __init__(self, squeeze: bool):
        super().__init__()
        layers, inputs = [conv_bn(3, 32, 3, 2)], 32
        for width, count in STAGES:
            for i in range(count):
                layers.append(Block(inputs, width, 2 if i == 0 else 1, squeeze))
                inputs = width
        self.features, self.head = nn.Sequential(*layers), Classifier(inputs)

    def forward(self, x):
        return self.head(self.features(x))

"""DeepLab v3: a residual network with dilation, an atrous spatial pyramid with a pooled branch, bilinear enlargement."""

import torch
from torch import nn
from torch.nn import functional as F

from bench.families.blocks import conv_bn


class Residual(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int = 1, dilation: int = 1):
        super().__init__()
        self.layers = nn.Sequential(conv_bn(inputs, outputs, 3, stride, dilation=dilation),
                                    conv_bn(outputs, outputs, 3, dilation=dilation, act=None))
        self.side = (nn.Identity() if stride == 1 and inputs == outputs else
                     conv_bn(inputs, outputs, 1, stride, act=None))

    def forward(self, x):
        return F.relu(self.layers(x) + self.side(x))


class Pyramid(nn.Module):
    def __init__(self, inputs: int, width: int):
        super().__init__()
        self.branches = nn.ModuleList([conv_bn(inputs, width, 1)] +
                                      [conv_bn(inputs, width, 3, dilation=rate) for rate in (2, 4, 6)])
        self.pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), conv_bn(inputs, width, 1))
        self.project = nn.Sequential(conv_bn(5 * width, width, 1), nn.Dropout(0.5))

    def forward(self, x):
        joined = [branch(x) for branch in self.branches]
        joined.append(F.interpolate(self.pooled(x), size=x.shape[-2:], mode="bilinear", align_corners=False))
        return self.project(torch.cat(joined, 1))


class DeepLab(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(conv_bn(3, 32, 7, 2), nn.MaxPool2d(3, 2, 1), Residual(32, 32),
                                      Residual(32, 64, 2), Residual(64, 128, 1, 2), Residual(128, 128, 1, 4))
        self.pyramid = Pyramid(128, 64)
        self.head = nn.Sequential(conv_bn(64, 64), nn.Conv2d(64, 21, 1))

    def forward(self, x):
        y = self.head(self.pyramid(self.backbone(x)))
        return F.interpolate(y, size=x.shape[-2:], mode="bilinear", align_corners=False)

"""SSD: boxes and class probabilities from maps of several sizes, each list joined over the maps."""

import torch
from torch import nn

from bench.families.blocks import conv_bn

CLASSES, ANCHORS = 21, 4


class Ssd(nn.Module):
    def __init__(self):
        super().__init__()
        self.base = nn.Sequential(conv_bn(3, 32, 3, 2), conv_bn(32, 64), nn.MaxPool2d(2), conv_bn(64, 96),
                                  conv_bn(96, 96))
        widths = [96, 160, 160, 128]
        self.extra = nn.ModuleList(nn.Sequential(conv_bn(i, o // 2, 1), conv_bn(o // 2, o, 3, 2))
                                   for i, o in zip(widths, widths[1:]))
        self.boxes = nn.ModuleList(nn.Conv2d(width, ANCHORS * 4, 3, padding=1) for width in widths)
        self.classes = nn.ModuleList(nn.Conv2d(width, ANCHORS * CLASSES, 3, padding=1) for width in widths)

    def forward(self, x):
        maps = [self.base(x)]
        for extra in self.extra:
            maps.append(extra(maps[-1]))
        boxes, classes = [], []
        for value, box, score in zip(maps, self.boxes, self.classes):
            boxes.append(box(value).permute(0, 2, 3, 1).reshape(value.shape[0], -1, 4))
            classes.append(score(value).permute(0, 2, 3, 1).reshape(value.shape[0], -1, CLASSES))
        return torch.cat(boxes, 1), torch.softmax(torch.cat(classes, 1), -1)

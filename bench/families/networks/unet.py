"""U-Net: encoder, decoder, and the maps of each level joined. Up by deconvolution, by bilinear or nearest Upsample."""

import torch
from torch import nn
from torch.nn import functional as F

from bench.families.blocks import conv_bn

WIDTHS = [16, 32, 64, 128]


def double(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(conv_bn(inputs, outputs), conv_bn(outputs, outputs))


def up(kind: str, inputs: int, outputs: int) -> nn.Module:
    if kind == "transposed":
        return nn.ConvTranspose2d(inputs, outputs, 2, 2)
    corners = False if kind == "bilinear" else None
    return nn.Sequential(nn.Upsample(scale_factor=2, mode=kind, align_corners=corners),
                         nn.Conv2d(inputs, outputs, 1))


class UNet(nn.Module):
    def __init__(self, kind: str):
        super().__init__()
        self.down = nn.ModuleList(double(i, o) for i, o in zip([3] + WIDTHS[:-1], WIDTHS))
        pairs = list(zip(WIDTHS[:0:-1], WIDTHS[-2::-1]))
        self.up = nn.ModuleList(up(kind, i, o) for i, o in pairs)
        self.join = nn.ModuleList(double(2 * o, o) for _, o in pairs)
        self.head = nn.Conv2d(WIDTHS[0], 4, 1)

    def forward(self, x):
        kept = []
        for i, level in enumerate(self.down):
            x = level(x if i == 0 else F.max_pool2d(x, 2))
            kept.append(x)
        for enlarge, join, skip in zip(self.up, self.join, kept[-2::-1]):
            x = join(torch.cat([skip, enlarge(x)], 1))
        return self.head(x)

"""YOLOv5: C3 blocks, SPPF, a path aggregation neck, three heads decoded to boxes in pixels."""

import torch
from torch import nn

from bench.families.blocks import conv_bn

CLASSES = 20
STRIDES = [8, 16, 32]
ANCHORS = [[(10, 13), (16, 30), (33, 23)], [(30, 61), (62, 45), (59, 119)], [(116, 90), (156, 198), (373, 326)]]


def conv(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, padding=None) -> nn.Sequential:
    return conv_bn(inputs, outputs, kernel, stride, act=nn.SiLU, padding=padding)


class Bottleneck(nn.Module):
    def __init__(self, width: int, shortcut: bool):
        super().__init__()
        self.layers, self.shortcut = nn.Sequential(conv(width, width), conv(width, width, 3)), shortcut

    def forward(self, x):
        return x + self.layers(x) if self.shortcut else self.layers(x)


class C3(nn.Module):
    def __init__(self, inputs: int, outputs: int, shortcut: bool = True):
        super().__init__()
        half = outputs // 2
        self.main = nn.Sequential(conv(inputs, half), Bottleneck(half, shortcut))
        self.side, self.join = conv(inputs, half), conv(2 * half, outputs)

    def forward(self, x):
        return self.join(torch.cat([self.main(x), self.side(x)], 1))


class Sppf(nn.Module):
    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.reduce, self.join = conv(inputs, inputs // 2), conv(inputs * 2, outputs)
        self.pool = nn.MaxPool2d(5, 1, 2)

    def forward(self, x):
        pooled = [self.reduce(x)]
        for _ in range(3):
            pooled.append(self.pool(pooled[-1]))
        return self.join(torch.cat(pooled, 1))


class Neck(nn.Module):
    """Up the pyramid and down again; `block` makes the block after each joining."""

    def __init__(self, widths: list[int], block):
        super().__init__()
        small, middle, large = widths
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.lateral = nn.ModuleList([conv(large, middle), conv(middle, small)])
        self.rise = nn.ModuleList([block(2 * middle, middle), block(2 * small, small)])
        self.down = nn.ModuleList([conv(small, small, 3, 2), conv(middle, middle, 3, 2)])
        self.fall = nn.ModuleList([block(2 * small, middle), block(2 * middle, large)])

    def forward(self, small, middle, large):
        large = self.lateral[0](large)
        middle = self.lateral[1](self.rise[0](torch.cat([self.up(large), middle], 1)))
        small = self.rise[1](torch.cat([self.up(middle), small], 1))
        middle = self.fall[0](torch.cat([self.down[0](small), middle], 1))
        return small, middle, self.fall[1](torch.cat([self.down[1](middle), large], 1))


class Detect(nn.Module):
    """sigmoid, then places of boxes from the cells and sizes from the anchors: [batch, boxes, 5 + classes]."""

    def __init__(self, widths: list[int]):
        super().__init__()
        self.heads = nn.ModuleList(nn.Conv2d(width, 3 * (5 + CLASSES), 1) for width in widths)
        for head in self.heads:
            head.bias_mean = torch.tensor(([0.0] * 4 + [-3.0] * (1 + CLASSES)) * 3)  # most cells hold nothing

    def forward(self, maps):
        found = []
        for value, head, stride, anchors in zip(maps, self.heads, STRIDES, ANCHORS):
            y = head(value)
            batch, _, rows, columns = y.shape
            y = y.view(batch, 3, 5 + CLASSES, rows, columns).permute(0, 1, 3, 4, 2).contiguous()
            place, size, scores = y.sigmoid().split((2, 2, 1 + CLASSES), 4)
            down, right = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
            grid = torch.stack((right, down), 2).float().expand(1, 3, rows, columns, 2) - 0.5
            anchor = torch.tensor(anchors, dtype=torch.float32).view(1, 3, 1, 1, 2)
            box = torch.cat(((place * 2 + grid) * stride, (size * 2) ** 2 * anchor, scores), 4)
            found.append(box.view(batch, 3 * rows * columns, 5 + CLASSES))
        return torch.cat(found, 1)


class YoloV5(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(conv(3, 16, 6, 2, padding=2), conv(16, 32, 3, 2), C3(32, 32))
        self.small = nn.Sequential(conv(32, 64, 3, 2), C3(64, 64))
        self.middle = nn.Sequential(conv(64, 128, 3, 2), C3(128, 128))
        self.large = nn.Sequential(conv(128, 192, 3, 2), C3(192, 192), Sppf(192, 192))
        self.neck = Neck([64, 128, 192], lambda i, o: C3(i, o, False))
        self.detect = Detect([64, 128, 192])

    def forward(self, x):
        small = self.small(self.stem(x))
        middle = self.middle(small)
        return self.detect(self.neck(small, middle, self.large(middle)))


def parts(outputs):
    return {"boxes": outputs[0][..., :4], "scores": outputs[0][..., 4:]}

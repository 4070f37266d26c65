"""YOLOv8: C2f blocks, heads apart for boxes and classes, box edges as means of distributions (DFL)."""

import torch
from torch import nn
from torch.nn import functional as F

from bench.families.networks.yolo_v5 import STRIDES, Bottleneck, Neck, Sppf, conv

CLASSES, BINS = 20, 16


class C2f(nn.Module):
    def __init__(self, inputs: int, outputs: int, shortcut: bool = False):
        super().__init__()
        half = outputs // 2
        self.enter, self.join = conv(inputs, 2 * half), conv(3 * half, outputs)
        self.block = Bottleneck(half, shortcut)

    def forward(self, x):
        pieces = list(self.enter(x).chunk(2, 1))
        pieces.append(self.block(pieces[-1]))
        return self.join(torch.cat(pieces, 1))


class Detect(nn.Module):
    """[batch, 4 + classes, boxes]: boxes in pixels, classes as probabilities."""

    def __init__(self, widths: list[int]):
        super().__init__()
        self.boxes = nn.ModuleList(nn.Sequential(conv(i, 64, 3), conv(64, 64, 3), nn.Conv2d(64, 4 * BINS, 1))
                                   for i in widths)
        self.classes = nn.ModuleList(nn.Sequential(conv(i, 64, 3), conv(64, 64, 3), nn.Conv2d(64, CLASSES, 1))
                                     for i in widths)
        for head in self.classes:
            head[-1].bias_mean = -3  # most cells hold nothing
        self.register_buffer("bins", torch.arange(BINS, dtype=torch.float32).view(1, BINS, 1, 1))

    def forward(self, maps):
        joined = [torch.cat((box(value), score(value)), 1) for value, box, score in
                  zip(maps, self.boxes, self.classes)]
        batch = joined[0].shape[0]
        flat = torch.cat([value.view(batch, 4 * BINS + CLASSES, -1) for value in joined], 2)
        box, score = flat.split((4 * BINS, CLASSES), 1)
        edges = F.conv2d(box.view(batch, 4, BINS, -1).transpose(2, 1).softmax(1), self.bins).view(batch, 4, -1)
        anchors, strides = cells(joined)
        near, far = edges.chunk(2, 1)
        low, high = anchors - near, anchors + far
        return torch.cat((torch.cat(((low + high) / 2, high - low), 1) * strides, score.sigmoid()), 1)


def cells(maps):
    """Centres of the cells [1, 2, all] and the strides [1, all]."""
    centres, strides = [], []
    for value, stride in zip(maps, STRIDES):
        rows, columns = value.shape[-2:]
        down, right = torch.meshgrid(torch.arange(rows) + 0.5, torch.arange(columns) + 0.5, indexing="ij")
        centres.append(torch.stack((right, down)).view(2, -1))
        strides.append(torch.full((1, rows * columns), float(stride)))
    return torch.cat(centres, 1)[None], torch.cat(strides, 1)


class YoloV8(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(conv(3, 16, 3, 2), conv(16, 32, 3, 2), C2f(32, 32, True))
        self.small = nn.Sequential(conv(32, 64, 3, 2), C2f(64, 64, True))
        self.middle = nn.Sequential(conv(64, 128, 3, 2), C2f(128, 128, True))
        self.large = nn.Sequential(conv(128, 192, 3, 2), C2f(192, 192, True), Sppf(192, 192))
        self.neck, self.detect = Neck([64, 128, 192], C2f), Detect([64, 128, 192])

    def forward(self, x):
        small = self.small(self.stem(x))
        middle = self.middle(small)
        return self.detect(self.neck(small, middle, self.large(middle)))


def parts(outputs):
    return {"boxes": outputs[0][:, :4], "scores": outputs[0][:, 4:]}

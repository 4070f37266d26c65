"""What most convolutional families share."""

from torch import nn


def conv_bn(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1, dilation: int = 1,
            act: type[nn.Module] | None = nn.ReLU, padding=None) -> nn.Sequential:
    """Convolution, BatchNormalization and an activation; padded to keep the size unless told otherwise."""
    if padding is None:
        padding = dilation * (kernel - 1) // 2
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups, bias=False),
              nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *([act()] if act else []))


class SqueezeExcite(nn.Module):
    """x * gate(fc(relu(fc(mean of x)))), a factor a channel."""

    def __init__(self, channels: int, squeezed: int, act: type[nn.Module], gate: type[nn.Module]):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.reduce, self.expand = nn.Conv2d(channels, squeezed, 1), nn.Conv2d(squeezed, channels, 1)
        self.act, self.gate = act(), gate()

    def forward(self, x):
        return x * self.gate(self.expand(self.act(self.reduce(self.pool(x)))))


class Classifier(nn.Module):
    """Global average pool, flatten, dropout, one fully connected layer."""

    def __init__(self, channels: int, classes: int = 100):
        super().__init__()
        self.pool, self.drop, self.fc = nn.AdaptiveAvgPool2d(1), nn.Dropout(0.2), nn.Linear(channels, classes)

    def forward(self, x):
        return self.fc(self.drop(self.pool(x).flatten(1)))

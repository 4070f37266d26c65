"""An LSTM that reads an image row by row, and a recognizer of text lines: convolutions, then an LSTM both ways."""

from torch import nn

from bench.families.blocks import conv_bn


class Lstm(nn.Module):
    def __init__(self, row: int):
        super().__init__()
        self.lstm, self.fc = nn.LSTM(row, 96, 2, batch_first=True), nn.Linear(96, 40)

    def forward(self, x):
        return self.fc(self.lstm(x.squeeze(1))[0][:, -1])


class Crnn(nn.Module):
    """[batch, 1, 32, width] to [batch, width / 4, classes]."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(conv_bn(1, 32), nn.MaxPool2d(2), conv_bn(32, 64), nn.MaxPool2d(2),
                                      conv_bn(64, 128), nn.MaxPool2d((8, 1)))
        self.lstm, self.fc = nn.LSTM(128, 64, bidirectional=True, batch_first=True), nn.Linear(128, 40)

    def forward(self, x):
        return self.fc(self.lstm(self.features(x).squeeze(2).transpose(1, 2))[0])

"""Classification with PyTorch: ResNet-20 on CIFAR-10, weights from a .th file, top-1 over a DataLoader.

usage: python3 cifar10_resnet20.py WEIGHTS.th test.bin [--images N] [--batch B] [--workers W]
"""

import argparse

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Block(nn.Module):
    def __init__(self, inputs: int, planes: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.pad = (planes - inputs) // 2
        self.stride = stride

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.pad:  # a shortcut without weights: every other pixel, zeros for the new planes
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.pad, self.pad))
        return F.relu(y + x)


class ResNet20(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*[Block(16, 16, 1) for _ in range(3)])
        self.layer2 = nn.Sequential(Block(16, 32, 2), Block(32, 32, 1), Block(32, 32, 1))
        self.layer3 = nn.Sequential(Block(32, 64, 2), Block(64, 64, 1), Block(64, 64, 1))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(F.avg_pool2d(x, x.size(3)).flatten(1))


class Cifar10(Dataset):
    """Records of one byte of label and 3,072 of pixels."""

    def __init__(self, path: str, images: int):
        records = np.fromfile(path, np.uint8).reshape(-1, 3073)[:images]
        self.labels = records[:, 0].astype(np.int64)
        self.images = records[:, 1:].reshape(-1, 3, 32, 32)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        mean = np.float32([0.485, 0.456, 0.406])[:, None, None]
        std = np.float32([0.229, 0.224, 0.225])[:, None, None]
        return (self.images[index].astype(np.float32) / 255 - mean) / std, self.labels[index]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("weights")
    parser.add_argument("data")
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--workers", type=int, default=0)
    args = parser.parse_args()

    model = ResNet20()
    state = torch.load(args.weights, map_location="cpu", weights_only=True)
    state = state.get("state_dict", state)
    model.load_state_dict({name.removeprefix("module."): tensor for name, tensor in state.items()})
    model.eval()

    correct = 0
    dataset = Cifar10(args.data, args.images)
    with torch.no_grad():
        for images, labels in DataLoader(dataset, batch_size=args.batch, num_workers=args.workers):
            correct += (model(images).argmax(1) == labels).sum().item()
    print(f"top-1 {100 * correct / len(dataset):.2f} % of {len(dataset)} images")


if __name__ == "__main__":
    main()

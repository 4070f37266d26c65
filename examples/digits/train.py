"""Trains the bundled network: a small CNN on scikit-learn's real handwritten digits.

Writes beside this file
    digits.onnx        the network, dynamic batch, input `image` [N, 1, 8, 8] in [0, 1], output `logits` [N, 10]
    calibration.npz    20 training images (`image`), two of each digit
    test.npz           the 450 images kept out of training (`image`)
    test_labels.npz    their digits (`label`)

Run it as `pip install torch==2.13.0 onnx scikit-learn && python examples/digits/train.py`. It takes about a minute.
"""

from pathlib import Path

import numpy as np
import onnx
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

HERE = Path(__file__).parent
SEED = 4
EPOCHS = 60


class Block(nn.Module):
    """Two 3x3 convolutions with a shortcut around them."""

    def __init__(self, channels: int):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.first_norm(self.first(x)))
        return torch.relu(x + self.second_norm(self.second(y)))


class Digits(nn.Module):
    """Stem, shortcut block, stride 2, depthwise and pointwise convolution, global mean, linear: 15 thousand weights."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU())
        self.block = Block(24)
        self.down = nn.Sequential(
            nn.Conv2d(24, 24, 3, stride=2, padding=1, groups=24), nn.BatchNorm2d(24), nn.ReLU6(),
            nn.Conv2d(24, 64, 1), nn.BatchNorm2d(64), nn.ReLU6(),
        )
        self.classify = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classify(self.down(self.block(self.stem(x))).mean(dim=(2, 3)))


def train(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
    batches = -(-len(images) // 64)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=EPOCHS * batches)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.05)
    for _ in range(EPOCHS):
        for part in torch.randperm(len(images)).split(64):
            shift = tuple(torch.randint(-1, 2, (2,)).tolist())
            loss = loss_of(model(torch.roll(images[part], shift, dims=(2, 3))), labels[part])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


def main() -> None:
    torch.manual_seed(SEED)
    digits = load_digits()
    images = (digits.images[:, None] / 16).astype(np.float32)
    x_train, x_test, y_train, y_test = train_test_split(
        images, digits.target, test_size=450, random_state=SEED, stratify=digits.target
    )
    model = Digits()
    train(model, torch.from_numpy(x_train), torch.from_numpy(y_train))
    model.eval()
    with torch.no_grad():
        right = (model(torch.from_numpy(x_test)).argmax(1).numpy() == y_test).mean()
    print(f"top-1 on the {len(y_test)} test images: {100 * right:.2f} %")

    torch.onnx.export(
        model, (torch.zeros(1, 1, 8, 8),), HERE / "digits.onnx", input_names=["image"], output_names=["logits"],
        opset_version=18, dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}}, dynamo=False,
    )
    onnx.checker.check_model(HERE / "digits.onnx")
    chosen = np.concatenate([np.flatnonzero(y_train == digit)[:2] for digit in range(10)])
    chosen = chosen.reshape(10, 2).T.reshape(-1)  # the first 4 samples are 4 digits
    np.savez_compressed(HERE / "calibration.npz", image=x_train[chosen])
    np.savez_compressed(HERE / "test.npz", image=x_test)
    np.savez_compressed(HERE / "test_labels.npz", label=y_test)


if __name__ == "__main__":
    main()

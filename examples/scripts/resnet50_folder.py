"""The loop of the original's documentation: ResNet-50 over a folder of images of one class a subfolder.

usage: python3 resnet50_folder.py WEIGHTS.pth FOLDER
"""

import sys

import torch
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.models import resnet50
from torchvision.transforms import Compose, ToTensor

model = resnet50(weights=None)
model.load_state_dict(torch.load(sys.argv[1], weights_only=True))
correct = 0
for i, (x, y) in enumerate(DataLoader(ImageFolder(sys.argv[2], transform=Compose([ToTensor()])), batch_size=1, shuffle=False)):
    out = model(x)
    correct += int(out.argmax(1) == y)
    if i > 100:
        break
print(f"{correct} of {i + 1} images")

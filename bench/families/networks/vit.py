"""A small vision transformer: patches, a class token, pre-norm attention and GELU blocks."""

import torch
from torch import nn
from torch.nn import functional as F

WIDTH, HEADS, DEPTH, PATCH = 96, 3, 4, 16


class Attention(nn.Module):
    """`fused`: PyTorch's own function, which exporters expand as they like; else as older code spells it."""

    def __init__(self, fused: bool):
        super().__init__()
        self.fused = fused
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        batch, tokens, _ = x.shape
        query, key, value = self.qkv(x).reshape(batch, tokens, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        if self.fused:
            mixed = F.scaled_dot_product_attention(query, key, value)
        else:
            mixed = (query @ key.transpose(-2, -1) * (WIDTH // HEADS) ** -0.5).softmax(-1) @ value
        return self.out(mixed.transpose(1, 2).reshape(batch, tokens, WIDTH))


class Block(nn.Module):
    def __init__(self, fused: bool):
        super().__init__()
        self.norm1, self.attention, self.norm2 = nn.LayerNorm(WIDTH), Attention(fused), nn.LayerNorm(WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    def __init__(self, size: int, fused: bool):
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.token = nn.Parameter(torch.randn(1, 1, WIDTH))
        self.place = nn.Parameter(0.3 * torch.randn(1, (size // PATCH) ** 2 + 1, WIDTH))
        self.blocks = nn.Sequential(*(Block(fused) for _ in range(DEPTH)))
        self.norm, self.fc = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 100)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.place
        return self.fc(self.norm(self.blocks(x))[:, 0])

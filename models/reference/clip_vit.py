"""LAVIS' CLIP vision tower written down again (lavis/models/clip_vit.py, BSD-3-Clause): what is its own in it, and nothing else.

A norm before the blocks and none behind them, a patch convolution without bias, QuickGELU, and torch's default epsilon
of 1e-5. Names of parameters are LAVIS' own.
"""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn


class QuickGELU(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(1.702 * x)


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(width, heads)
        self.ln_1 = nn.LayerNorm(width)
        layers = [("c_fc", nn.Linear(width, 4 * width)), ("gelu", QuickGELU()), ("c_proj", nn.Linear(4 * width, width))]
        self.mlp = nn.Sequential(OrderedDict(layers))
        self.ln_2 = nn.LayerNorm(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # [tokens, batch, width]
        normed = self.ln_1(x)
        x = x + self.attn(normed, normed, normed, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


class ClipVit(nn.Module):
    """Pixels [1, 3, S, S] to image tokens [1, 1 + patches, width]."""

    def __init__(self, image_size: int, patch_size: int, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, patch_size, patch_size, bias=False)
        self.class_embedding = nn.Parameter(torch.zeros(width))
        self.positional_embedding = nn.Parameter(torch.zeros((image_size // patch_size) ** 2 + 1, width))
        self.ln_pre = nn.LayerNorm(width)
        self.transformer = nn.Module()
        self.transformer.resblocks = nn.Sequential(*[Block(width, heads) for _ in range(layers)])

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        patches = self.conv1(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_embedding.expand(1, 1, -1), patches], dim=1) + self.positional_embedding
        return self.transformer.resblocks(self.ln_pre(x).transpose(0, 1)).transpose(0, 1)


def interpolated(positions: torch.Tensor, side: int) -> torch.Tensor:
    """[1 + from², width] for a grid of `side` × `side`, as LAVIS does it for this tower: corners are aligned."""
    old = round((len(positions) - 1) ** 0.5)
    grid = positions[1:].reshape(1, old, old, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=(side, side), mode="bicubic", align_corners=True)
    return torch.cat([positions[:1], grid.permute(0, 2, 3, 1).reshape(side * side, -1)])

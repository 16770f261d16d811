"""Convolutional blocks that the parts of the flow auto-encoder share."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions and a shortcut: (B, C_in, H, W) -> (B, C_out, H, W)."""

    def __init__(self, channels_in: int, channels_out: int, groups: int = 8) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(_groups(channels_in, groups), channels_in)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.norm2 = nn.GroupNorm(_groups(channels_out, groups), channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        self.skip = nn.Identity() if channels_in == channels_out else nn.Conv2d(channels_in, channels_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_in, H, W) -> (B, C_out, H, W)."""
        h = self.conv1(F.relu(self.norm1(x)))
        return self.skip(x) + self.conv2(F.relu(self.norm2(h)))


class HourGlass(nn.Module):
    """A U-Net: down by strided convolutions, up by nearest neighbour, skips between.

    Args:
        channels_in: channels of the input.
        widths: channels at full, 1/2, 1/4, ... resolution.
    """

    def __init__(self, channels_in: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.stem = nn.Conv2d(channels_in, widths[0], 3, padding=1)
        self.down = nn.ModuleList(ResidualBlock(c, c) for c in widths[:-1])
        self.shrink = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1) for a, b in pairwise(widths))
        self.middle = ResidualBlock(widths[-1], widths[-1])
        self.grow = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(widths))
        self.up = nn.ModuleList(ResidualBlock(2 * c, c) for c in widths[:-1])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C_in, H, W) -> full-resolution features (B, widths[0], H, W) and the coarsest ones."""
        h = self.stem(x)
        kept = []
        for block, shrink in zip(self.down, self.shrink, strict=True):
            h = block(h)
            kept.append(h)
            h = shrink(h)
        bottom = h = self.middle(h)
        for level in reversed(range(len(self.up))):
            h = F.interpolate(self.grow[level](h), scale_factor=2.0, mode="nearest")
            h = self.up[level](torch.cat([h, kept[level]], 1))
        return h, bottom


def _groups(channels: int, wanted: int) -> int:
    """The largest number of groups up to ``wanted`` that divides ``channels``."""
    return next(g for g in range(min(wanted, channels), 0, -1) if channels % g == 0)

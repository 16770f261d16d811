"""Convolutional blocks that the parts of the flow auto-encoder share."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PixelNorm(nn.Module):
    """Normalises each pixel over its channels: unlike group norm the result does not depend on how much is drawn.

    Args:
        channels: C of (B, C, H, W).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        centred = x - x.mean(1, keepdim=True)
        scale = torch.rsqrt(centred.square().mean(1, keepdim=True) + 1e-5)
        return centred * scale * self.weight[:, None, None].to(x.dtype) + self.bias[:, None, None].to(x.dtype)


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions and a shortcut: (B, C_in, H, W) -> (B, C_out, H, W).

    Args:
        channels_in, channels_out: C_in and C_out.
        local: normalise by pixel instead of by group of channels over the whole picture.
    """

    def __init__(self, channels_in: int, channels_out: int, local: bool = False) -> None:
        super().__init__()
        self.norm1 = _norm(channels_in, local)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.norm2 = _norm(channels_out, local)
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


def _norm(channels: int, local: bool) -> nn.Module:
    """Pixel norm, or group norm with the largest number of groups up to 8 that divides ``channels``."""
    if local:
        return PixelNorm(channels)
    groups = next(g for g in range(min(8, channels), 0, -1) if channels % g == 0)
    return nn.GroupNorm(groups, channels)

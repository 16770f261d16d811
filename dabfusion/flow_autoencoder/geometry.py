"""Warping and flow on pixel grids.

| symbol | meaning | shape |
|---|---|---|
| z | features of the start frame | (B, C, H, W) |
| f | backward flow: source position minus own position, normalised units (2 = the whole width) | (B, 2, h, w) |
| m | occlusion map: 1 where the start frame shows what is needed, 0 where it must be painted | (B, 1, h, w) |

Grids follow ``torch.nn.functional.grid_sample(align_corners=False)``: pixel i of n has its centre at (2i + 1) / n - 1,
x points right and y points down.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def pixel_grid(height: int, width: int, device: torch.device | None = None) -> Tensor:
    """Normalised pixel centres (2, height, width): x, then y."""
    x = (2 * torch.arange(width, device=device) + 1) / width - 1
    y = (2 * torch.arange(height, device=device) + 1) / height - 1
    return torch.stack(torch.broadcast_tensors(x[None, :], y[:, None]))


def warp(features: Tensor, flow: Tensor, window: tuple[int, int, int, int] | None = None) -> Tensor:
    """Bilinear back-warping, the ``warp`` of DabFusion Eq. 1; outside the start frame there is nothing (0).

    Args:
        features: (B, C, H, W).
        flow: (B, 2, h, w) at any resolution, enlarged bilinearly to the resolution of ``features``.
        window: (top, left, height, width) in pixels of ``features``: compute this part only.

    Returns:
        (B, C, H, W), or (B, C, height, width) of the window.
    """
    height, width = features.shape[-2:]
    full = (
        F.interpolate(flow.float(), (height, width), mode="bilinear", align_corners=False)
        if flow.shape[-2:] != (height, width)
        else flow.float()
    )
    grid = pixel_grid(height, width, features.device)[None] + full
    grid = crop(grid, window)
    sampled = F.grid_sample(
        features.float(), grid.permute(0, 2, 3, 1), mode="bilinear", padding_mode="zeros", align_corners=False
    )
    return sampled.to(features.dtype)


def warp_visible(
    features: Tensor, flow: Tensor, occlusion: Tensor, window: tuple[int, int, int, int] | None = None
) -> Tensor:
    """z~ = m * warp(z, f), DabFusion Eq. 1; shapes as :func:`warp`, ``occlusion`` (B, 1, h, w)."""
    return enlarged(occlusion, features, window).to(features.dtype) * warp(features, flow, window)


def enlarged(maps: Tensor, like: Tensor, window: tuple[int, int, int, int] | None = None) -> Tensor:
    """Maps (B, C, h, w) at the resolution of ``like`` (B, any, H, W), or the window of that."""
    if maps.shape[-2:] != like.shape[-2:]:
        maps = F.interpolate(maps, like.shape[-2:], mode="bilinear", align_corners=False)
    return crop(maps, window)


def crop(maps: Tensor, window: tuple[int, int, int, int] | None) -> Tensor:
    """The window (top, left, height, width) of maps (B, C, H, W); all of them for None."""
    if window is None:
        return maps
    top, left, height, width = window
    return maps[..., top : top + height, left : left + width]


def scale_window(window: tuple[int, int, int, int] | None, divisor: int) -> tuple[int, int, int, int] | None:
    """The same window on a grid ``divisor`` times coarser; its numbers must be multiples of ``divisor``."""
    if window is None:
        return None
    if any(v % divisor for v in window):
        raise ValueError(f"window {window} is not aligned to {divisor} pixels")
    return window[0] // divisor, window[1] // divisor, window[2] // divisor, window[3] // divisor


def extend_flow(flow: Tensor, weight: Tensor, steps: int = 6) -> Tensor:
    """Carries flow from where it is known to cells around it.

    Args:
        flow: (B, 2, h, w).
        weight: (B, 1, h, w), how well each cell knows its flow (coverage of the person); 0 is unknown.
        steps: cells to reach outwards.

    Returns:
        (B, 2, h, w): known cells unchanged, unknown ones the mean of their known neighbours, 0 beyond reach.
    """
    known = (weight > 0).float()
    value = flow * known
    for _ in range(steps):
        share = F.avg_pool2d(known, 3, 1, 1)
        spread = F.avg_pool2d(value, 3, 1, 1) / share.clamp_min(1e-6)
        fresh = (known == 0) & (share > 0)
        value = torch.where(fresh, spread, value)
        known = torch.where(fresh, torch.ones_like(known), known)
    return value

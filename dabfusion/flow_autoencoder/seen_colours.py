"""The colours that a moved person shows, carried over to where nothing can be seen.

What the start frame shows is moved by the flow on a coarse grid; hidden cells take the mean of what is seen around
them, from ever wider surroundings (push-pull, Gortler et al. 1996, "The Lumigraph", section 3.4).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.flow_autoencoder.geometry import warp_visible

_GRID = 64
_COARSEST = 2
_TRUSTED = 0.25  # cells with this much that is seen need no neighbours
_LEAST = 1e-4


def seen_colours(picture: Tensor, maps: FlowMaps) -> Tensor:
    """Colours for every cell of the moved person.

    Args:
        picture: the start frame's person, premultiplied RGBA (B, 4, H, W).
        maps: flow maps (B) at any resolution.

    Returns:
        (B, 3, 64, 64) in [0, 1], not premultiplied.
    """
    small = F.adaptive_avg_pool2d(picture.float(), _GRID)
    matte = F.adaptive_avg_pool2d(maps.matte.float(), _GRID)
    layer = warp_visible(small, maps.flow, maps.occlusion.float().square(), None) * matte
    return fill_unseen(layer[:, :3], layer[:, 3:])


def fill_unseen(colour: Tensor, weight: Tensor) -> Tensor:
    """Push-pull.

    Args:
        colour: (B, C, n, n) times its weight; n a power of two.
        weight: (B, 1, n, n) in [0, 1], how much of a cell is seen.

    Returns:
        (B, C, n, n), colours of all cells; 1/2 where nothing is seen anywhere.
    """
    levels = [(colour, weight)]
    while levels[-1][1].shape[-1] > _COARSEST:
        levels.append((F.avg_pool2d(levels[-1][0], 2), F.avg_pool2d(levels[-1][1], 2)))
    total, seen = colour.sum((2, 3), keepdim=True), weight.sum((2, 3), keepdim=True)
    filled = ((total + _LEAST / 2) / (seen + _LEAST)).expand(-1, -1, _COARSEST, _COARSEST)
    for level, (c, w) in enumerate(reversed(levels)):
        if level:
            filled = F.interpolate(filled, scale_factor=2.0, mode="bilinear", align_corners=False)
        trust = (w / _TRUSTED).clamp(0, 1)
        filled = torch.lerp(filled, c / w.clamp_min(_LEAST), trust)
    return filled

"""Heads and limbs keep their shape: the flow of each is the affine map that fits what was decoded for it.

Flow that is decoded cell by cell bends a face a little differently everywhere, and a face is where people see it. The
local affine motion of FOMM (Siarohin et al. 2019, Eq. 4) turns, shifts and foreshortens a part without bending it.
The trunk, which does bend, stays as it was decoded; but that of a drawing is one flat piece, and what is printed on it
tears where it bends.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.flow_autoencoder.geometry import pixel_grid
from dabfusion.skeleton import BONES

STIFF = tuple(n for n, bone in enumerate(BONES) if bone == "Head" or bone.endswith(("Arm", "Hand", "Leg", "Foot")))
TRUNK = tuple(BONES.index(bone) for bone in ("Hips", "Spine", "Spine2", "LeftShoulder", "RightShoulder"))
_ENOUGH = 8.0  # cells of a part that the photo shows, to know its motion by
_RIDGE = 1e-5


def with_stiff_parts(maps: FlowMaps, flat: bool = False) -> FlowMaps:
    """Maps of B frames whose flow is affine on the head and on each bone of the limbs, and as it was elsewhere.

    Args:
        maps: as decoded.
        flat: of a drawing, whose trunk moves as one piece, too.

    Raises:
        ValueError: the maps tell no parts of the body.
    """
    if maps.parts is None:
        raise ValueError("Parts of the body can be kept stiff only in maps that tell them.")
    flow = maps.flow.float()
    parts = maps.parts[:, list(STIFF)].float()  # (B, P, h, w)
    if flat:
        parts = torch.cat([parts, maps.parts[:, list(TRUNK)].float().sum(1, keepdim=True)], 1)
    weight = (parts * maps.occlusion.float()).square()
    share = parts * (weight.sum((2, 3), keepdim=True) / _ENOUGH).clamp(0, 1)
    with torch.autocast(flow.device.type, enabled=False):
        fits = affine_fits(flow, weight).flatten(2).float()  # (B, P, 6)
        mixed = (fits.mT @ share.flatten(2)).unflatten(1, (2, 3)).unflatten(-1, flow.shape[-2:])  # (B, 2, 3, h, w)
    here = _ones_and_places(flow)
    return replace(maps, flow=flow + (mixed * here).sum(2) - share.sum(1, keepdim=True) * flow)


def affine_fits(flow: Tensor, weight: Tensor) -> Tensor:
    """The affine flows nearest to flow (B, 2, h, w) by each of P weights (B, P, h, w), least squares.

    Returns:
        (B, P, 2, 3) float64: for the flow's x and y, what it is at the middle of the picture, and its slopes.
    """
    share = weight.double().flatten(2)
    share = share / share.sum(2, keepdim=True).clamp_min(_RIDGE)  # (B, P, n)
    here = _ones_and_places(flow).double().flatten(1)[1:]  # (2, n)
    values = flow.double().flatten(2)  # (B, 2, n)
    middle = share @ here.mT  # (B, P, 2)
    mean = share @ values.mT
    squares = (share @ (here[:, None] * here[None]).flatten(0, 1).mT).unflatten(-1, (2, 2))
    products = (share @ (values[:, :, None] * here).flatten(1, 2).mT).unflatten(-1, (2, 2))  # flow by place
    spread = squares - middle[..., :, None] * middle[..., None, :] + _RIDGE * torch.eye(2, device=flow.device)
    slope = torch.linalg.solve(spread, (products - mean[..., :, None] * middle[..., None, :]).mT).mT
    return torch.cat([(mean - (slope @ middle[..., None])[..., 0])[..., None], slope], -1)


def _ones_and_places(flow: Tensor) -> Tensor:
    """(3, h, w): 1, x and y of each cell of flow (B, 2, h, w)."""
    place = pixel_grid(flow.shape[-2], flow.shape[-1], flow.device)
    return torch.cat([torch.ones_like(place[:1]), place])

"""A head keeps its shape: its flow is the affine map that fits what was decoded for it.

Flow that is decoded cell by cell bends a face a little differently everywhere, and a face is where people see it. The
local affine motion of FOMM (Siarohin et al. 2019, Eq. 4) turns, shifts and foreshortens a face without bending it.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.flow_autoencoder.geometry import pixel_grid
from dabfusion.skeleton import BONES

_HEAD = BONES.index("Head")
_ENOUGH = 8.0  # cells of head that the photo shows, to know its motion by
_RIDGE = 1e-5


def with_stiff_head(maps: FlowMaps) -> FlowMaps:
    """Maps of B frames whose flow is affine where the head is, and as it was elsewhere.

    Raises:
        ValueError: the maps tell no parts of the body.
    """
    if maps.parts is None:
        raise ValueError("A head can be told only from maps with parts of the body.")
    head = maps.parts[:, _HEAD : _HEAD + 1].float()
    flow = maps.flow.float()
    weight = (head * maps.occlusion.float()).square()
    much = (weight.sum((2, 3), keepdim=True) / _ENOUGH).clamp(0, 1)
    return replace(maps, flow=flow + much * head * (affine_fit(flow, weight) - flow))


def affine_fit(flow: Tensor, weight: Tensor) -> Tensor:
    """The affine flow nearest to flow (B, 2, h, w) by weights (B, 1, h, w), least squares: (B, 2, h, w), float32."""
    with torch.autocast(flow.device.type, enabled=False):
        weight = weight.flatten(2) / weight.sum((2, 3)).clamp_min(_RIDGE)[..., None]  # (B, 1, n)
        place = pixel_grid(flow.shape[-2], flow.shape[-1], flow.device).flatten(1)[None]  # (1, 2, n)
        values = flow.flatten(2)
        middle, mean = ((weight * v).sum(2, keepdim=True) for v in (place, values))
        place, values = place - middle, values - mean
        spread = (weight * place) @ place.mT + _RIDGE * torch.eye(2, device=flow.device)
        slope = torch.linalg.solve(spread, (weight * place) @ values.mT).mT  # (B, 2, 2)
        return (mean + slope @ place).view_as(flow)

"""The soft shadow under the feet that ties a dancer to the floor."""

from __future__ import annotations

import torch
from torch import Tensor

from .flow_autoencoder.body_reader import Body
from .flow_autoencoder.geometry import pixel_grid
from .skeleton import forward_kinematics

_FEET = (15, 22, 18, 23)  # ankles and toes
_RADII = (0.11, 0.026)  # half width and half height of a foot's shadow, normalised units
_DARKNESS = 0.3
_LIFT = 0.12  # height above the floor at which a foot's shadow has faded to 1/e
_CUT_OFF = 0.96  # feet below this row are outside the picture: no floor is seen


def contact_shadow(body: Body, codes: Tensor, size: int) -> Tensor:
    """How much of the plate's light is left under the feet.

    Args:
        body: one person (B = 1), as read from the start frame; the floor is where their lower foot stands.
        codes: (F, 117) flow codes.
        size: side of the result in pixels.

    Returns:
        (F, 1, size, size) in (0, 1]; 1 is no shadow.
    """
    feet = forward_kinematics(codes, body.offsets, body.hips)[:, _FEET, :2]  # (F, 4, 2), y up
    floor = body.points[0, _FEET, 1].max()
    if float(floor) > _CUT_OFF:
        return torch.ones(len(codes), 1, size, size, device=codes.device)
    height = (floor + feet[..., 1]).clamp_min(0)  # (F, 4)
    grid = pixel_grid(size, size, codes.device)  # (2, size, size)
    across = (grid[0] - feet[..., 0, None, None]) / _RADII[0]
    along = (grid[1] - floor) / _RADII[1]
    spot = torch.exp(-(across.square() + along.square()) / 2) * torch.exp(-height / _LIFT)[..., None, None]
    return 1 - _DARKNESS * (1 - (1 - spot).prod(1, keepdim=True))

"""Frames at twice the size at which the networks draw, with nothing trained for it.

What the decoder paints is soft and loses nothing by being enlarged; what it copies is fetched again, through the same
gate, from a finer picture of the same person, moved by the same flow. Where the flow squeezes the picture, or tears
because one limb passes in front of another, a finer picture only draws the tear more clearly: there the copy stays as
it was.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .config import FINE_SIZE, FRAME_SIZE
from .flow_autoencoder.generator import Drawn, Window
from .flow_autoencoder.geometry import enlarged, warp

_TIMES = FINE_SIZE // FRAME_SIZE
_RIGID = 2**0.5  # squeeze() of a body part that moves without changing its size
_SQUEEZED = (1.3 * _RIGID, 2.0 * _RIGID)  # up to the first the finer picture is used, from the second on it is not


def refine(drawn: Drawn, flow: Tensor, person: Tensor, window: Window) -> tuple[Drawn, Window]:
    """The same frames on the finer grid.

    Args:
        drawn: a window of B frames of FRAME_SIZE.
        flow: (B, 2, h, w) at any resolution.
        person: the start frame's person, premultiplied RGBA (1, 4, FINE_SIZE, FINE_SIZE).
        window: what ``drawn`` shows, in pixels of FRAME_SIZE.

    Returns:
        The frames' parts, and the window in pixels of FINE_SIZE.
    """
    parts = torch.cat([drawn.painted, drawn.gate, drawn.alpha, drawn.copied.float()], 1)
    painted, gate, alpha, copied = enlarge(parts).split([3, 1, 1, 4], 1)
    fine = window[0] * _TIMES, window[1] * _TIMES, window[2] * _TIMES, window[3] * _TIMES
    sharp = warp(person.expand(len(flow), -1, -1, -1), flow, fine)
    return Drawn(painted, gate, alpha, torch.lerp(copied, sharp, enlarged(trust(flow), person, fine))), fine


def trust(flow: Tensor) -> Tensor:
    """How far a finer picture is worth moving along flow (B, 2, h, w): (B, 1, h, w) in [0, 1]."""
    low, high = _SQUEEZED
    return ((high - F.max_pool2d(squeeze(flow), 3, 1, 1)) / (high - low)).clamp(0, 1)


def squeeze(flow: Tensor) -> Tensor:
    """How closely the start frame's pixels are pressed together in the moved picture.

    Args:
        flow: (B, 2, h, w), normalised units.

    Returns:
        (B, 1, h, w) Frobenius norm of the Jacobian of (own position -> source position): the square root of 2 where
        nothing is squeezed or stretched, however it is turned; large where the flow tears.
    """
    near = F.pad(flow.float(), (1, 1, 1, 1), mode="replicate")
    height, width = flow.shape[-2:]
    across = (near[..., 1:-1, 2:] - near[..., 1:-1, :-2]) * (width / 4)  # two cells are 4 / width units apart
    down = (near[..., 2:, 1:-1] - near[..., :-2, 1:-1]) * (height / 4)
    square = (1 + across[:, :1]).square() + across[:, 1:].square() + down[:, :1].square() + (1 + down[:, 1:]).square()
    return square.sqrt()


def enlarge(maps: Tensor) -> Tensor:
    """Maps (B, C, h, w) of FRAME_SIZE pixels as (B, C, 2 h, 2 w) of FINE_SIZE pixels, bilinear."""
    return F.interpolate(maps, scale_factor=float(_TIMES), mode="bilinear", align_corners=False)

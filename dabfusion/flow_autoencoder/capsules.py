"""The body as 19 ellipsoids: where each pixel of a driving pose lies on the body, and where that was in the start
frame.

An ellipsoid sits rigidly on each bone. A viewing ray (orthographic, along -z) through a pixel meets it at a point that
has the same place *on the bone* in both poses, so start position minus driving position is the backward flow that this
bone proposes. This is the part-wise motion of FOMM (Siarohin et al. 2019) and MRAA (2021) with rotations in space
instead of in the
plane: it knows depth order, and whether the start frame sees the point from the front.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dabfusion.flow_autoencoder.body_reader import Body
from dabfusion.flow_autoencoder.geometry import pixel_grid
from dabfusion.skeleton import NUM_BONES, ROTATION_SIZE, forward_kinematics, leg_length, rotation_from_6d

#: Bone -> (point at its far end, semi-axes x, y, z in leg lengths; 0 stands for half the bone's length, a negative
#: number for a multiple of the bone's length: a cartoon's head is as wide as it is high).
_SHAPES: tuple[tuple[int, tuple[float, float, float]], ...] = (
    (1, (0.20, 0.13, 0.14)), (2, (0.19, 0.0, 0.14)), (3, (0.22, 0.0, 0.15)), (4, (0.075, 0.0, 0.075)),
    (19, (-0.56, 0.0, -0.62)),
    (6, (0.0, 0.08, 0.10)), (7, (0.0, 0.075, 0.075)), (8, (0.0, 0.06, 0.06)), (20, (0.0, 0.05, 0.06)),
    (10, (0.0, 0.08, 0.10)), (11, (0.0, 0.075, 0.075)), (12, (0.0, 0.06, 0.06)), (21, (0.0, 0.05, 0.06)),
    (14, (0.12, 0.0, 0.12)), (15, (0.085, 0.0, 0.09)), (22, (0.06, 0.06, 0.0)),
    (17, (0.12, 0.0, 0.12)), (18, (0.085, 0.0, 0.09)), (23, (0.06, 0.06, 0.0)),
)  # fmt: skip
_LENGTHEN = 1.25  # ellipsoids are longer than their bones, so that neighbours overlap at the joints
_SHARPNESS = 4.0  # of the choice between bones by distance
_DEPTH_WEIGHT = 12.0  # of the choice by depth, per frame unit


@dataclass(frozen=True)
class Proposal:
    """What the ellipsoids say about a driving pose, on an h x w grid.

    Attributes:
        logits: (B, 19, h, w) how much each bone claims each pixel.
        flows: (B, 19, 2, h, w) the backward flow each bone proposes.
        hit: (B, 19, h, w) in [0, 1]: 1 well inside the bone's ellipsoid, 0 far away.
        depth: (B, 19, h, w) towards the viewer in the driving pose.
        start_depth: (B, 19, h, w) of the same body points in the start pose.
        front: (B, 19, h, w) in [-1, 1]: 1 where the start frame sees the point face on, below 0 from behind.
    """

    logits: Tensor
    flows: Tensor
    hit: Tensor
    depth: Tensor
    start_depth: Tensor
    front: Tensor


@dataclass(frozen=True)
class _Ellipsoids:
    centre: Tensor  # (B, 19, 3), image axes: x right, y down, z to the viewer
    axes: Tensor  # (B, 19, 3, 3), columns: the bone's axes
    radii: Tensor  # (B, 19, 3)


def propose(body: Body, code: Tensor, size: int = 64) -> Proposal:
    """Casts a ray through each of size x size pixels of the driving pose ``code`` (B, 117)."""
    drive = _ellipsoids(code, body.offsets, body.hips)
    start = _ellipsoids(body.code, body.offsets, body.hips, body.points)
    grid = pixel_grid(size, size, code.device).flatten(1)  # (2, n)
    local, nearest, depth = _cast(drive, grid)
    on_bone = local * start.radii[..., None]  # (B, 19, 3, n)
    place = start.centre[..., None] + start.axes @ on_bone
    normal = local / start.radii[..., None]  # (B, 19, 3, n), bone axes
    front = (start.axes[:, :, 2:] @ normal).squeeze(2) / normal.square().sum(2).clamp_min(1e-6).sqrt()
    flows = place[:, :, :2] - grid
    hit = torch.sigmoid(_SHARPNESS * (1.2 - nearest))
    logits = -_SHARPNESS * (nearest - 1).clamp(-0.5, 6) + _DEPTH_WEIGHT * depth * (nearest < 1)
    spread = (size, size)
    return Proposal(
        logits.unflatten(-1, spread), flows.unflatten(-1, spread), hit.unflatten(-1, spread),
        depth.unflatten(-1, spread),
        place[:, :, 2].unflatten(-1, spread), front.unflatten(-1, spread),
    )  # fmt: skip


def start_surface(body: Body, size: int = 64) -> Tensor:
    """(B, 1, size, size) depth of the body's front in the start frame; -1 where there is none."""
    ellipsoids = _ellipsoids(body.code, body.offsets, body.hips, body.points)
    _, nearest, depth = _cast(ellipsoids, pixel_grid(size, size, body.code.device).flatten(1))
    return (
        torch.where(nearest < 1.1, depth, torch.full_like(depth, -1.0))
        .amax(1, keepdim=True)
        .unflatten(-1, (size, size))
    )


def _cast(shape: _Ellipsoids, grid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Rays along z through (2, n) pixels.

    In the bone's unit-ball coordinates a ray is l(z) = p + z d. Returns the front crossing l (B, 19, 3, n) (the
    nearest point where the ray misses), min over z of |l| (B, 19, n), and the depth of that point (B, 19, n).
    """
    inverse = (shape.axes / shape.radii[..., None, :]).transpose(-1, -2)  # (B, 19, 3, 3)
    offset = grid - shape.centre[..., :2, None]  # (B, 19, 2, n)
    p = inverse[..., :2] @ offset  # (B, 19, 3, n)
    d = inverse[..., 2:]  # (B, 19, 3, 1)
    a = d.square().sum(2)  # (B, 19, 1)
    b = (p * d).sum(2)  # (B, 19, n)
    closest = (p.square().sum(2) - b.square() / a).clamp_min(0)
    z = (-b + ((1 - closest).clamp_min(0) * a).sqrt()) / a
    local = p + z[:, :, None] * d
    local = local / local.square().sum(2, keepdim=True).clamp_min(1.0).sqrt()
    return local, closest.clamp_min(1e-8).sqrt(), z + shape.centre[..., 2, None]


def _ellipsoids(code: Tensor, offsets: Tensor, hips: Tensor, points: Tensor | None = None) -> _Ellipsoids:
    """One ellipsoid a bone, from its joint to its far end; at measured 2D ``points`` (B, 24, 2) where they are
    given."""
    flip = torch.tensor([1.0, -1.0, 1.0], device=code.device)
    rotation = rotation_from_6d(code[:, :ROTATION_SIZE].unflatten(1, (NUM_BONES, 6)))
    placed = forward_kinematics(code, offsets, hips) * flip
    if points is not None:
        placed = torch.cat([points, placed[..., 2:]], -1)
    ends = torch.tensor([end for end, _ in _SHAPES], device=code.device)
    table = torch.tensor([radii for _, radii in _SHAPES], device=code.device)
    leg = leg_length(offsets)[:, None, None]
    length = offsets[:, ends].norm(dim=-1, keepdim=True)  # (B, 19, 1)
    radii = torch.where(table > 0, table * leg, torch.where(table < 0, -table * length, _LENGTHEN * length / 2))
    centre = (placed[:, :NUM_BONES] + placed[:, ends]) / 2
    return _Ellipsoids(centre, flip[:, None] * rotation, radii.clamp_min(0.01))

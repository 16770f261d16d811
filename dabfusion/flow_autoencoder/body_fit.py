"""Makes a read body agree with itself: bones turned and stretched a little until kinematics puts the points where they
were seen.

The reader sees points in the picture far more exactly than it guesses rotations. A flow code decodes through
kinematics, so what the two disagree on would be a jump in the first frame and a limb beside its limb in all others.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dabfusion.flow_autoencoder.body_reader import Body
from dabfusion.skeleton import (
    BONES,
    CARRIER,
    CODE_SIZE,
    MIRRORED,
    NUM_BONES,
    NUM_POINTS,
    ROTATION_SIZE,
    forward_kinematics,
    rotation_from_6d,
)

_POINT_MIRROR = (*MIRRORED, 19, 21, 20, 23, 22)
_STEPS = 60
_INSIDE = 0.975  # of half the frame: points read further out than this may be beyond the edge
_RATE = 0.02
_TURN_COST = 0.005  # of a squared change of a rotation's 6 numbers, against squared frame units of the points
_STRETCH_COST = 0.06  # of a squared relative change of a bone's length
_LOPSIDED_COST = 0.2  # of a squared difference between left and right stretch
_ASTRAY = 0.5  # cosine between a bone as read and as seen, below which it is turned before anything is fitted
#: Bones that carry one point only, and those points.
_SINGLE = tuple(
    (bone, CARRIER.index(bone)) for bone in range(NUM_BONES) if CARRIER.count(bone) == 1 and CARRIER.index(bone) > 0
)
#: Those that a drawing shows in its plane: all but the feet.
_LIMBS = tuple((bone, end) for bone, end in _SINGLE if not BONES[bone].endswith("Foot"))
#: Shoulder, elbow, wrist and fingertips; hip, knee and ankle.
_ARMS = (
    (BONES.index("LeftArm"), BONES.index("LeftForeArm"), BONES.index("LeftHand"), 20),
    (BONES.index("RightArm"), BONES.index("RightForeArm"), BONES.index("RightHand"), 21),
)
_LEGS = tuple(tuple(BONES.index(f"{side}{part}") for part in ("UpLeg", "Leg", "Foot")) for side in ("Left", "Right"))
_ARM_PARTS = (0.45, 0.8, 1.0)  # where elbow, wrist and fingertips are along a straight arm
_NECK, _BACK = BONES.index("Neck"), [BONES.index("Spine"), BONES.index("Spine2")]
_BACK_PARTS = (0.2, 0.5)  # where an upright back's joints are between hips and neck
_SHORTEST = 0.01  # frame units: of a limb whose direction can be seen


def fit_body(body: Body, steps: int = _STEPS) -> Body:
    """The same people with code and offsets fitted to their points (B, 24, 2), which stay as they are inside the frame.
    A point read at the frame's edge may lie beyond it: it counts for nothing and goes where kinematics puts it.

    First bones that point somewhere else altogether are turned (:func:`aimed`); then come ``steps`` of gradient descent
    (Adam) on: squared distance of the projected kinematic points to ``body.points``, plus small costs for turning,
    stretching and for stretching one side only.
    """
    device = body.points.device.type
    with torch.inference_mode(False), torch.enable_grad(), torch.autocast(device, enabled=False):
        points, code, offsets = (v.detach().float().clone() for v in (body.points, body.code, body.offsets))
        code = aimed(Body(points, code, offsets))
        six = code[:, :ROTATION_SIZE]
        still = torch.zeros_like(code[:, ROTATION_SIZE:])
        turn = torch.zeros_like(six, requires_grad=True)
        stretch = torch.zeros(len(code), NUM_POINTS, 1, device=code.device, requires_grad=True)
        optimiser = torch.optim.Adam([turn, stretch], _RATE)
        hips = Body(points, code, offsets).hips
        inside = (points.abs().amax(-1, keepdim=True) < _INSIDE).float()
        for _ in range(steps):
            placed = forward_kinematics(torch.cat([six + turn, still], 1), offsets * stretch.exp(), hips)
            loss = (inside * (_image(placed) - points)).square().sum() + _cost(turn, stretch)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        fitted = torch.cat([six + turn.detach(), still], 1)
        offsets = offsets * stretch.detach().exp()
        placed = _image(forward_kinematics(fitted, offsets, hips))
        return Body(torch.where(inside > 0, points, placed), fitted.reshape(-1, CODE_SIZE), offsets)


def aimed(body: Body) -> Tensor:
    """Codes (B, 117) in which no bone points more than 60 degrees away from where its ends were seen: such a bone is
    turned the shortest way; its depth follows from its length, to the side it was read on. Descent would not get there:
    it would lift the shoulder of a raised arm that was read as hanging."""
    bones, ends = (list(numbers) for numbers in zip(*_SINGLE, strict=True))
    offset = body.offsets[:, ends]
    rotation, read, across = _read_and_seen(body, bones, ends)
    depth = (offset.square().sum(-1) - across.square().sum(-1)).clamp_min(0).sqrt()
    seen = torch.cat([across, torch.where(read[..., 2:] < 0, -depth[..., None], depth[..., None])], -1)
    read, seen = (torch.nn.functional.normalize(v, dim=-1) for v in (read, seen))
    known = (body.points.abs().amax(-1) < _INSIDE).float()
    astray = ((read * seen).sum(-1) < _ASTRAY) & (known[:, ends] * known[:, bones] > 0)
    turned = rotation.clone()
    turned[:, bones] = torch.where(astray[..., None, None], _turn(read, seen) @ rotation[:, bones], rotation[:, bones])
    out = body.code.clone()
    out[:, :ROTATION_SIZE] = torch.cat([turned[..., 0], turned[..., 1]], -1).flatten(1)
    return out


def flattened(body: Body) -> Body:
    """The same figures with every limb in the plane of the picture, as long as it is seen: for drawings, whose short
    legs and arms would be read as a person's that are bent towards the viewer. Feet stay as they were read."""
    body = Body(evened(body.points), body.code, body.offsets)
    bones, ends = (list(numbers) for numbers in zip(*_LIMBS, strict=True))
    offset = body.offsets[:, ends]
    rotation, read, across = _read_and_seen(body, bones, ends)
    length = across.norm(dim=-1, keepdim=True)
    inside = body.points.abs().amax(-1, keepdim=True) < _INSIDE
    known = inside[:, ends] & inside[:, bones] & (length > _SHORTEST)
    flat = torch.nn.functional.pad(across, (0, 1))
    turn = _turn(*(torch.nn.functional.normalize(v, dim=-1) for v in (read, flat)))
    rotation, offsets = rotation.clone(), body.offsets.clone()
    rotation[:, bones] = torch.where(known[..., None], turn @ rotation[:, bones], rotation[:, bones])
    offsets[:, ends] = torch.where(known, offset * length / offset.norm(dim=-1, keepdim=True).clamp_min(1e-6), offset)
    code = torch.cat([rotation[..., 0], rotation[..., 1]], -1).flatten(1)
    return Body(body.points, torch.cat([code, body.code[:, ROTATION_SIZE:]], 1), offsets)


def evened(points: Tensor) -> Tensor:
    """Points (B, 24, 2) of figures that are not built like people: an arm whose hand was seen nearer to the
    shoulder than its elbow is straight and ends where it is farthest from the shoulder; a knee that leaves one part of
    the leg less than half as long as the other is in the middle; the back's joints lie evenly between hips and neck."""
    out = points.clone()
    for shoulder, *rest in _ARMS:
        far = (points[:, rest] - points[:, [shoulder]]).norm(dim=-1)  # (B, 3): elbow, wrist, tip
        folded = (far[:, 1:] < far[:, :1]).any(1)[:, None, None]
        end = points[:, rest].gather(1, far.argmax(1)[:, None, None].expand(-1, 1, 2))
        parts = torch.tensor(_ARM_PARTS, device=points.device)[:, None]
        straight = points[:, [shoulder]] + parts * (end - points[:, [shoulder]])
        out[:, rest] = torch.where(folded, straight, points[:, rest])
    for hip, knee, ankle in _LEGS:
        thigh, shin = ((points[:, a] - points[:, b]).norm(dim=-1) for a, b in ((hip, knee), (knee, ankle)))
        uneven = torch.minimum(thigh, shin) < 0.5 * torch.maximum(thigh, shin)
        out[:, knee] = torch.where(uneven[:, None], (points[:, hip] + points[:, ankle]) / 2, points[:, knee])
    hips, neck = points[:, [0]], points[:, [_NECK]]
    out[:, _BACK] = hips + torch.tensor(_BACK_PARTS, device=points.device)[:, None] * (neck - hips)
    return out


def _read_and_seen(body: Body, bones: list[int], ends: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    """World rotations (B, 19, 3, 3); the way from the n bones' joints to their ends as read (B, n, 3), and as seen in
    the picture (B, n, 2), frame units, both with y up."""
    rotation = rotation_from_6d(body.code[:, :ROTATION_SIZE].unflatten(1, (NUM_BONES, 6)))
    read = (rotation[:, bones] @ body.offsets[:, ends, :, None])[..., 0]
    across = (body.points[:, ends] - body.points[:, bones]) * torch.tensor([1.0, -1.0], device=read.device)
    return rotation, read, across


def _turn(a: Tensor, b: Tensor) -> Tensor:
    """The shortest rotations (..., 3, 3) that take unit vectors a (..., 3) to b (Rodrigues)."""
    x, y, z = torch.linalg.cross(a, b).unbind(-1)
    none = torch.zeros_like(x)
    skew = torch.stack([none, -z, y, z, none, -x, -y, x, none], -1).unflatten(-1, (3, 3))
    share = 1 / (1 + (a * b).sum(-1)).clamp_min(1e-4)
    return torch.eye(3, device=a.device) + skew + skew @ skew * share[..., None, None]


def _image(points: Tensor) -> Tensor:
    """Camera-axes points (B, 24, 3) -> normalised picture coordinates (B, 24, 2), y down, without perspective."""
    return torch.stack([points[..., 0], -points[..., 1]], -1)


def _cost(turn: Tensor, stretch: Tensor) -> Tensor:
    lopsided = (stretch - stretch[:, list(_POINT_MIRROR)]).square().sum()
    return _TURN_COST * turn.square().sum() + _STRETCH_COST * stretch.square().sum() + _LOPSIDED_COST * lopsided

"""A dancer keeps to the viewer what the photo shows.

A photo shows one side of a face and of a body. A head that turns or nods far from how it was in the photo shows places
that nobody knows, and a face that is guessed is nobody's. So hips, trunk and head turn away from the photo's own
direction only so far; a drawing, which has no sides at all, hardly. A tilt within the picture shows nothing new, but a
head that was read wrongly would be tilted by as much as it was misread: it stays within what heads do.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from .skeleton import BONES, rotations_of, with_rotations


class Limit(NamedTuple):
    """Of a turn: no more than ``most`` radians; of small turns the share ``kept``."""

    most: float
    kept: float


class Freedom(NamedTuple):
    """How far hips and trunk turn, how far the head turns, nods and tilts."""

    body: Limit
    head: Limit
    nod: Limit
    tilt: Limit


PERSON = Freedom(Limit(0.8, 1.0), Limit(0.3, 1.0), Limit(0.15, 1.0), Limit(0.35, 1.0))
DRAWING = Freedom(Limit(0.25, 0.3), Limit(0.25, 0.3), Limit(0.12, 0.15), Limit(0.35, 1.0))

_TRUNK = tuple(n for n, bone in enumerate(BONES) if bone.endswith(("Shoulder", "Arm", "Hand")) or "Spine" in bone)
_LEGS = tuple(n for n, bone in enumerate(BONES) if bone.endswith(("Hips", "Leg", "Foot")))
_HEAD = BONES.index("Head")
#: Who turns together: the bone that tells how far, and those that follow it.
_BODY: tuple[tuple[int, tuple[int, ...]], ...] = ((BONES.index("Hips"), _LEGS), (BONES.index("Spine2"), _TRUNK))
_HEAD_AND_NECK = (BONES.index("Neck"), _HEAD)


def facing_viewer(codes: np.ndarray, start: np.ndarray, freedom: Freedom) -> np.ndarray:
    """The same dance by somebody who does not turn far from how the photo shows them.

    Hips with legs, trunk with arms, and head turn about the upright axis by ``most * tanh(kept * sin(turn) / most)``
    where the dance turns by ``turn``; a spin becomes a sway. So do the head's nod and tilt. Limbs keep what they do
    relative to their part.

    Args:
        codes: (T, 117) flow codes.
        start: (117,) the photo's own; its turns, nod and tilt count as none.
        freedom: :data:`PERSON` or :data:`DRAWING`.

    Returns:
        (T, 117) flow codes, hips where they were.
    """
    rotation = rotations_of(codes).copy()  # (T, 19, 3, 3)
    own = rotations_of(start[None])
    for leader, bones in _BODY:
        change = _change(rotation[:, leader], own[:, leader], freedom.body)
        rotation[:, bones] = change[:, None] @ rotation[:, bones]
    change = _change(rotation[:, _HEAD], own[:, _HEAD], freedom.head, (freedom.nod, freedom.tilt))
    rotation[:, _HEAD_AND_NECK] = change[:, None] @ rotation[:, _HEAD_AND_NECK]
    return with_rotations(codes, rotation)


def limited(turn: np.ndarray, limit: Limit) -> np.ndarray:
    """What is left of turns (T,) in radians: a smooth function with the circle's period, 0 at half a circle."""
    return limit.most * np.tanh(limit.kept * np.sin(turn) / limit.most)


def _change(rotation: np.ndarray, own: np.ndarray, turn: Limit, leans: tuple[Limit, Limit] | None = None) -> np.ndarray:
    """Rotations (T, 3, 3) that bring a bone (T, 3, 3) as near to its own direction (1, 3, 3) as the limits want."""
    heading, lean = _heading_and_lean(rotation)
    own_heading, own_lean = _heading_and_lean(own)
    kept = lean.copy()
    for axis, limit in zip((0, 2), leans or (), strict=False):
        kept[:, axis] = own_lean[:, axis] + limited(lean[:, axis] - own_lean[:, axis], limit)
    aimed = _upright(own_heading + limited(heading - own_heading, turn)) * Rotation.from_rotvec(kept)
    return (aimed * (_upright(heading) * Rotation.from_rotvec(lean)).inv()).as_matrix().astype(np.float32)


def _heading_and_lean(rotation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotations (T, 3, 3) as a turn about the upright axis (T,) after a lean (T, 3) about a level one (a rotation
    vector, whose first number is the nod forwards, its last the tilt): no leap unless somebody stands on their head."""
    turned = Rotation.from_matrix(rotation)
    _, y, _, w = turned.as_quat().T
    heading = 2 * np.arctan2(y, w)
    return heading, (_upright(heading).inv() * turned).as_rotvec()


def _upright(angle: np.ndarray) -> Rotation:
    """Rotations by angles (T,) about the upright axis."""
    return Rotation.from_rotvec(np.stack([np.zeros_like(angle), angle, np.zeros_like(angle)], -1))

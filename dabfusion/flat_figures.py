"""Dances for figures of which only the front is known: a drawing has no sides that it could turn to."""

from __future__ import annotations

import numpy as np

from .skeleton import BONES, rotations_of, with_rotations

#: What is left of a turn to the side, and of a nod: most, in radians, however far a person would turn.
MOST_TURNED, MOST_NODDED = 0.25, 0.12
#: Who turns together: the bone that tells how far, and those that follow it.
_TRUNK = tuple(n for n, bone in enumerate(BONES) if bone.endswith(("Shoulder", "Arm", "Hand")) or "Spine" in bone)
_GROUPS: tuple[tuple[int, tuple[int, ...]], ...] = (
    (BONES.index("Hips"), tuple(n for n, bone in enumerate(BONES) if bone.endswith(("Hips", "Leg", "Foot")))),
    (BONES.index("Spine2"), _TRUNK),
    (BONES.index("Head"), (BONES.index("Neck"), BONES.index("Head"))),
)


def facing_viewer(codes: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The same dance by a figure that keeps its front to the viewer.

    Hips with legs, trunk with arms, and head turn about the upright axis by ``MOST_TURNED * sin(turn)`` where a person
    turns by ``turn``; a spin becomes a sway. The head nods as little. Limbs keep what they do relative to their part.

    Args:
        codes: (T, 117) flow codes.
        start: (117,) the figure's own; its turn counts as none.

    Returns:
        (T, 117) flow codes, hips where they were.
    """
    rotation = rotations_of(codes).copy()  # (T, 19, 3, 3)
    first = rotations_of(start[None])[0]
    for leader, bones in _GROUPS:
        turn, own = _yaw(rotation[:, leader]), _yaw(first[leader])
        change = _about(1, own + MOST_TURNED * np.sin(turn - own))
        if BONES[leader] == "Head":
            nod = _pitch(rotation[:, leader])
            own_nod = _pitch(first[leader])
            change = change @ _about(0, own_nod + MOST_NODDED * np.sin(nod - own_nod) - nod)
        change = change @ _about(1, -turn)  # read from the right: to the front, nod, turn
        rotation[:, bones] = change[:, None] @ rotation[:, bones]
    return with_rotations(codes, rotation)


def _yaw(rotation: np.ndarray) -> np.ndarray:
    """Where the front of (..., 3, 3) points, seen from above: 0 to the viewer, positive to the picture's right."""
    return np.arctan2(rotation[..., 0, 2], rotation[..., 2, 2])


def _pitch(rotation: np.ndarray) -> np.ndarray:
    """How far the front of (..., 3, 3) points down, in radians."""
    return np.arctan2(-rotation[..., 1, 2], np.hypot(rotation[..., 0, 2], rotation[..., 2, 2]))


def _about(axis: int, angle: np.ndarray) -> np.ndarray:
    """Rotations (T, 3, 3) by angles (T,) about one of the world's axes."""
    a, b = (axis + 1) % 3, (axis + 2) % 3
    out = np.tile(np.eye(3, dtype=np.float32), (len(angle), 1, 1))
    out[:, a, a] = out[:, b, b] = np.cos(angle)
    out[:, b, a] = np.sin(angle)
    out[:, a, b] = -out[:, b, a]
    return out

"""Arms keep the side to the viewer that the photo shows.

Of an arm the photo shows one side: the back of a hand, the front of a sleeve. Turned about its own length it would show
another one, which can only be guessed; and whoever looks on sees where an arm goes, hardly how it is turned. So arms
are drawn turned about their length such that the known side faces the viewer, which moves no joint. Where an arm points
at the viewer, that side changes at once: the turn is a smooth curve over time, to which such moments mean little.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import solveh_banded

from .config import VIDEO_FPS
from .skeleton import BONES, CARRIER, rotations_of, with_rotations

#: Bones that are turned, and the points at their ends.
_ARMS = tuple(BONES.index(f"{side}{part}") for side in ("Left", "Right") for part in ("Arm", "ForeArm", "Hand"))
_ENDS = tuple(CARRIER.index(bone) for bone in _ARMS)
_SECONDS = 0.1  #: over which a turn follows, for an arm across the line of sight
_LEAST_WEIGHT = 0.01  # of a moment at which the arm points at the viewer
_START_WEIGHT = 1e4  # of the start pose, which stays as it is
_LEAST = 1e-6


def with_shown_side(codes: np.ndarray, start: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The same dance, arms turned about their length so that the side that faces the viewer in the photo does.

    Args:
        codes: (F, 117) flow codes at 30 frames a second.
        start: (117,) the photo's own.
        offsets: (24, 3) rest offsets of the skeleton's points, any unit.

    Returns:
        (F, 117); all points of the body are where they were, and a first frame in the start pose stays as it is.
    """
    if not len(codes):
        return codes
    axis = offsets[list(_ENDS)] / np.linalg.norm(offsets[list(_ENDS)], axis=-1, keepdims=True).clip(_LEAST)
    rotation = rotations_of(codes).copy()
    shown, much = _towards_viewer(rotations_of(start[None])[:, _ARMS], axis)  # (1, 6, 3), (1, 6)
    facing, now = _towards_viewer(rotation[:, _ARMS], axis)
    sine = (np.cross(np.broadcast_to(shown, facing.shape), facing) * axis).sum(-1)
    angle = np.unwrap(np.arctan2(sine, (shown * facing).sum(-1)), axis=0)  # (F, 6)
    weight = (much * now) ** 2 + _LEAST_WEIGHT
    weight[0] += _START_WEIGHT * (np.abs(angle[0]) < _LEAST**0.5)
    turn = np.stack([_followed(a, w) for a, w in zip(angle.T, weight.T, strict=True)], 1)
    rotation[:, _ARMS] = rotation[:, _ARMS] @ _about(axis, turn)
    return with_rotations(codes, rotation)


def _towards_viewer(rotation: np.ndarray, axis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For bones (F, n, 3, 3) with axes (n, 3): the direction across each (F, n, 3), in its own axes, that faces the
    viewer, and the sine of the angle between bone and line of sight (F, n)."""
    sight = rotation[..., 2, :]  # the world's z in the bone's axes
    across = sight - (sight * axis).sum(-1, keepdims=True) * axis
    much = np.linalg.norm(across, axis=-1)
    return across / much.clip(_LEAST)[..., None], much


def _followed(angle: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The curve c (F,) that minimises sum of weight (c - angle)^2 + (seconds * rate of c)^2."""
    if len(angle) == 1:
        return angle
    stiff = np.full(len(angle) + 1, (_SECONDS * VIDEO_FPS) ** 2)
    stiff[[0, -1]] = 0.0  # nothing before the first frame and after the last
    bands = np.stack([weight + stiff[:-1] + stiff[1:], -stiff[1:]])
    return solveh_banded(bands.astype(np.float64), (weight * angle).astype(np.float64), lower=True)


def _about(axis: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Rotations (F, n, 3, 3) by angles (F, n) about unit axes (n, 3) (Rodrigues)."""
    x, y, z = axis.T
    none = np.zeros_like(x)
    skew = np.stack([none, -z, y, z, none, -x, -y, x, none], -1).reshape(-1, 3, 3)
    sine, cosine = np.sin(angle)[..., None, None], np.cos(angle)[..., None, None]
    return (np.eye(3) + sine * skew + (1 - cosine) * (skew @ skew)).astype(np.float32)

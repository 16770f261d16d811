"""The body that a flow code describes: 19 bones, their hierarchy, and forward kinematics.

Conventions, used everywhere in the project:

- camera axes: x to the right of the picture, y up, z towards the viewer; the rest pose is a T-pose that faces the
  viewer (so the dancer's left arm points to +x);
- a pose is the world rotation of each bone *relative to the T-pose* (19 quaternions xyzw, or 19 times 6 numbers) and
  the displacement of the hips from where they were in the start frame, in leg lengths (thigh + shin);
- a flow code is ``[rotation_6d of 19 bones (114), hip displacement (3)]``, 117 numbers a frame.

The 6-number form of a rotation is the first two columns of its matrix (Zhou et al. 2019, "On the Continuity of Rotation
Representations in Neural Networks").
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

BONES: tuple[str, ...] = (
    "Hips", "Spine", "Spine2", "Neck", "Head",
    "LeftShoulder", "LeftArm", "LeftForeArm", "LeftHand",
    "RightShoulder", "RightArm", "RightForeArm", "RightHand",
    "LeftUpLeg", "LeftLeg", "LeftFoot",
    "RightUpLeg", "RightLeg", "RightFoot",
)  # fmt: skip
PARENTS: tuple[int, ...] = (-1, 0, 1, 2, 3, 2, 5, 6, 7, 2, 9, 10, 11, 0, 13, 14, 0, 16, 17)
NUM_BONES = len(BONES)

#: Points beyond the last bone of each limb: (name, bone that carries it).
TIPS: tuple[tuple[str, int], ...] = (
    ("HeadTop", 4),
    ("LeftFingers", 8),
    ("RightFingers", 12),
    ("LeftToes", 15),
    ("RightToes", 18),
)
NUM_POINTS = NUM_BONES + len(TIPS)
#: The bone whose rotation carries point k's offset: the parent bone of a joint, or the bone of a tip.
CARRIER: tuple[int, ...] = PARENTS + tuple(bone for _, bone in TIPS)

ROTATION_SIZE = 6 * NUM_BONES
CODE_SIZE = ROTATION_SIZE + 3
#: Index of the same bone on the other side of the body.
MIRRORED: tuple[int, ...] = tuple(
    BONES.index(b.replace("Left", "#").replace("Right", "Left").replace("#", "Right")) for b in BONES
)


def quaternion_to_matrix(quaternion: np.ndarray) -> np.ndarray:
    """Rotation matrices (..., 3, 3) of quaternions (..., 4) in xyzw order (normalised here)."""
    q = np.asarray(quaternion, np.float64)
    q = q / np.linalg.norm(q, axis=-1, keepdims=True).clip(1e-9)
    x, y, z, w = np.moveaxis(q, -1, 0)
    rows = [
        1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w),
        2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w),
        2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y),
    ]  # fmt: skip
    return np.stack(rows, -1).reshape(*q.shape[:-1], 3, 3)


def matrix_to_6d(matrix: np.ndarray) -> np.ndarray:
    """First two columns of rotation matrices (..., 3, 3) as (..., 6): column 0, then column 1."""
    return np.concatenate([matrix[..., :, 0], matrix[..., :, 1]], -1)


def rotation_from_6d(six: Tensor) -> Tensor:
    """Rotation matrices (..., 3, 3) from (..., 6) by Gram-Schmidt; any input gives a proper rotation."""
    a, b = six[..., :3], six[..., 3:]
    x = torch.nn.functional.normalize(a, dim=-1, eps=1e-6)
    y = torch.nn.functional.normalize(b - (x * b).sum(-1, keepdim=True) * x, dim=-1, eps=1e-6)
    return torch.stack([x, y, torch.linalg.cross(x, y)], -1)  # (..., 3, 3), columns x, y, z


def encode_pose(rotation: np.ndarray, displacement: np.ndarray) -> np.ndarray:
    """Flow codes (..., 117) from rotation matrices (..., 19, 3, 3) and hip displacements (..., 3) in leg lengths."""
    six = matrix_to_6d(rotation)
    return np.concatenate([six.reshape(*six.shape[:-2], ROTATION_SIZE), displacement], -1).astype(np.float32)


def rotations_of(codes: np.ndarray) -> np.ndarray:
    """Rotation matrices (F, 19, 3, 3) of flow codes (F, 117), float32."""
    six = torch.from_numpy(np.asarray(codes[:, :ROTATION_SIZE], np.float32))
    return rotation_from_6d(six.unflatten(1, (NUM_BONES, 6))).numpy()


def with_rotations(codes: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """Flow codes (F, 117) with other rotations (F, 19, 3, 3); the hips' way is kept."""
    six = matrix_to_6d(rotation).reshape(-1, ROTATION_SIZE)
    return np.concatenate([six, codes[:, ROTATION_SIZE:]], 1).astype(np.float32)


def forward_kinematics(code: Tensor, offsets: Tensor, hips: Tensor) -> Tensor:
    """Places the 24 points of a body.

    Args:
        code: (..., 117) flow codes.
        offsets: (..., 24, 3) rest offset of each point from its carrier's joint in the T-pose, in frame units (half the
            frame's height); row 0 (hips) is not used.
        hips: (..., 3) position of the hips in the start frame, frame units.

    Returns:
        (..., 24, 3) positions, frame units, in camera axes (y up).
    """
    rotation = rotation_from_6d(code[..., :ROTATION_SIZE].unflatten(-1, (NUM_BONES, 6)))  # (..., 19, 3, 3)
    leg = leg_length(offsets)[..., None]
    points = [hips + code[..., ROTATION_SIZE:] * leg]
    for k in range(1, NUM_POINTS):
        carrier = CARRIER[k]
        step = (rotation[..., carrier, :, :] @ offsets[..., k, :, None]).squeeze(-1)
        points.append(points[carrier] + step)
    return torch.stack(points, -2)


def leg_length(offsets: Tensor) -> Tensor:
    """Thigh + shin, mean of both legs, in frame units: (..., 24, 3) -> (...)."""
    norm = offsets.norm(dim=-1)
    return (norm[..., 14] + norm[..., 15] + norm[..., 17] + norm[..., 18]) / 2


def mirror_rotation(rotation: np.ndarray) -> np.ndarray:
    """The mirror image (x -> -x) of poses (..., 19, 3, 3): left and right change places."""
    flip = np.diag([-1.0, 1.0, 1.0])
    return flip @ rotation[..., list(MIRRORED), :, :] @ flip

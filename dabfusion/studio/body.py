"""The standard dancer: proportions of an adult in leg lengths, forward kinematics in numpy, two-bone limbs.

Everything here is in camera axes (``dabfusion/skeleton.py``): x to the right (the dancer's left), y up, z towards
the viewer. Lengths are in leg lengths (thigh + shin). The proportions are the means of a set of rigged adults.
"""

from __future__ import annotations

import numpy as np

from dabfusion.skeleton import BONES, CARRIER, NUM_POINTS

#: Rest positions of the 24 points in a T-pose on the ground at the origin (the right side mirrors the left).
_MIDDLE = {
    "Hips": (0.0, 1.185, -0.024), "Spine": (0.0, 1.239, -0.024), "Spine2": (0.0, 1.462, -0.025),
    "Neck": (0.0, 1.788, 0.038), "Head": (0.0, 1.905, 0.073), "HeadTop": (0.0, 2.123, 0.073),
}  # fmt: skip
_LEFT = {
    "Shoulder": (0.041, 1.745, 0.008), "Arm": (0.207, 1.735, 0.010), "ForeArm": (0.525, 1.735, 0.0),
    "Hand": (0.805, 1.735, 0.010), "Fingers": (1.0, 1.735, 0.030),
    "UpLeg": (0.109, 1.096, 0.060), "Leg": (0.105, 0.622, 0.056), "Foot": (0.100, 0.097, 0.039),
    "Toes": (0.100, 0.020, 0.270),
}  # fmt: skip
POINT_NAMES: tuple[str, ...] = (*BONES, "HeadTop", "LeftFingers", "RightFingers", "LeftToes", "RightToes")

#: Height of the ankle above the ground, and where the ball of the foot is, seen from the ankle.
ANKLE_HEIGHT = _LEFT["Foot"][1]
BALL = np.array([0.0, -0.075, 0.16])
#: Hip joint (left) seen from the hips' centre, and the hips' height when standing with straight legs.
HIP_JOINT = np.subtract(_LEFT["UpLeg"], _MIDDLE["Hips"])
STANDING_HEIGHT = _MIDDLE["Hips"][1]


def _rest_position(name: str) -> tuple[float, float, float]:
    if name in _MIDDLE:
        return _MIDDLE[name]
    x, y, z = _LEFT[name.removeprefix("Left").removeprefix("Right")]
    return (x if name.startswith("Left") else -x, y, z)


REST_POINTS = np.array([_rest_position(name) for name in POINT_NAMES])  # (24, 3)
#: Offset of each point from its carrier's joint (24, 3); row 0 is zero.
OFFSETS = np.concatenate([np.zeros((1, 3)), [REST_POINTS[k] - REST_POINTS[CARRIER[k]] for k in range(1, NUM_POINTS)]])
_NAMES = {name: k for k, name in enumerate(POINT_NAMES)}
UPPER_ARM, FOREARM = (float(np.linalg.norm(OFFSETS[_NAMES[n]])) for n in ("LeftForeArm", "LeftHand"))
THIGH, SHIN = (float(np.linalg.norm(OFFSETS[_NAMES[n]])) for n in ("LeftLeg", "LeftFoot"))
ARM_LENGTH = UPPER_ARM + FOREARM


def point(name: str) -> int:
    """Index of a point (a bone's joint or a tip) by name."""
    return _NAMES[name]


def body_points(rotation: np.ndarray, root: np.ndarray) -> np.ndarray:
    """Places the 24 points of the standard dancer.

    Args:
        rotation: (..., 19, 3, 3) world rotations relative to the T-pose.
        root: (..., 3) hip position in leg lengths.

    Returns:
        (..., 24, 3) positions in leg lengths.
    """
    points = np.empty((*rotation.shape[:-3], NUM_POINTS, 3))
    points[..., 0, :] = root
    for k in range(1, NUM_POINTS):
        points[..., k, :] = points[..., CARRIER[k], :] + rotation[..., CARRIER[k], :, :] @ OFFSETS[k]
    return points


def euler(yaw: np.ndarray, pitch: np.ndarray, roll: np.ndarray) -> np.ndarray:
    """Rotations (..., 3, 3) from angles in degrees: roll about z, then pitch about x, then yaw about y.

    Positive yaw turns the dancer to their left, positive pitch bows forward, positive roll leans to their right.
    """
    (cy, cp, cr), (sy, sp, sr) = (f(np.radians([yaw, pitch, roll])) for f in (np.cos, np.sin))
    rows = [
        cy * cr + sy * sp * sr, -cy * sr + sy * sp * cr, sy * cp,
        cp * sr, cp * cr, -sp,
        -sy * cr + cy * sp * sr, sy * sr + cy * sp * cr, cy * cp,
    ]  # fmt: skip
    return np.stack(rows, -1).reshape(*np.shape(rows[0]), 3, 3)


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.linalg.norm(v, axis=-1, keepdims=True).clip(1e-9)


def _frame(direction: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Orthonormal frames (..., 3, 3) with columns direction, normal, direction x normal."""
    d = _unit(direction)
    n = _unit(normal - d * (d * normal).sum(-1, keepdims=True))
    return np.stack([d, n, np.cross(d, n)], -1)


def reach(start: np.ndarray, target: np.ndarray, shortest: float, longest: float) -> np.ndarray:
    """The target moved along its line from ``start`` so that the distance lies in [shortest, longest]."""
    way = target - start
    distance = np.linalg.norm(way, axis=-1, keepdims=True).clip(1e-6)
    return start + way * (distance.clip(shortest, longest) / distance)


def two_bone(
    start: np.ndarray,
    target: np.ndarray,
    pole: np.ndarray,
    rest: tuple[np.ndarray, np.ndarray],
    rest_normal: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Rotations of the two bones of a limb whose end shall lie on a target (law of cosines).

    Args:
        start: (F, 3) first joint.
        target: (F, 3) where the end of the second bone shall be; must be in reach (see :func:`reach`).
        pole: (F, 3) direction in which the middle joint points.
        rest: the two bones' vectors (3,) in the T-pose.
        rest_normal: (3,) hinge direction in the T-pose: (bone direction) x (direction in which the second bone flexes).

    Returns:
        Rotations (F, 3, 3) of the first and the second bone relative to the T-pose.
    """
    a, b = (float(np.linalg.norm(v)) for v in rest)
    way = target - start
    c = np.linalg.norm(way, axis=-1, keepdims=True)
    along = _unit(way)
    across = _unit(pole - along * (along * pole).sum(-1, keepdims=True))
    cosine = ((a * a + c * c - b * b) / (2 * a * c).clip(1e-9)).clip(-1, 1)
    middle = start + a * (along * cosine + across * np.sqrt(1 - cosine * cosine))
    normal = np.cross(across, along)  # the middle joint points to `across`, so the second bone flexes away from it
    first = _frame(middle - start, normal) @ _frame(rest[0], rest_normal).T
    second = _frame(target - middle, normal) @ _frame(rest[1], rest_normal).T
    return first, second

"""Poses of every kind for the pairs that stage 1 learns from.

Dances alone show few ways to stand; a photo can show any. So poses are taken from dances, then varied: limbs are
exchanged with other frames', arms and legs thrown anywhere a joint allows, whole bodies turned.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dabfusion.skeleton import BONES, matrix_to_6d

_ARMS = {
    "left": tuple(BONES.index(f"Left{n}") for n in ("Shoulder", "Arm", "ForeArm", "Hand")),
    "right": tuple(BONES.index(f"Right{n}") for n in ("Shoulder", "Arm", "ForeArm", "Hand")),
}
_LEGS = {
    "left": tuple(BONES.index(f"Left{n}") for n in ("UpLeg", "Leg", "Foot")),
    "right": tuple(BONES.index(f"Right{n}") for n in ("UpLeg", "Leg", "Foot")),
}
_HIPS, _CHEST = 0, 2


@dataclass(frozen=True)
class PosePool:
    """Frames to draw from: rotation (N, 19, 3, 3) facing anywhere, hips (N, 3) in leg lengths."""

    rotation: np.ndarray
    hips: np.ndarray


def axis_angle(axis: np.ndarray, angle: float) -> np.ndarray:
    """Rotation matrix (3, 3) about a unit axis by an angle in radians (Rodrigues)."""
    x, y, z = axis
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * skew + (1 - np.cos(angle)) * skew @ skew


def turn(yaw: float) -> np.ndarray:
    """Rotation (3, 3) about the vertical; positive yaw turns the face towards +x."""
    return axis_angle(np.array([0.0, 1.0, 0.0]), yaw)


def facing(rotation: np.ndarray) -> float:
    """Yaw of the hips in radians; 0 faces the viewer."""
    forward = rotation[_HIPS] @ np.array([0.0, 0.0, 1.0])
    return float(np.arctan2(forward[0], forward[2]))


def sample_pose(
    pool: PosePool, rng: np.random.Generator, *, yaw: float, variation: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """A pose (19, 3, 3) that faces ``yaw`` and its hips (3,) in leg lengths.

    Args:
        pool: frames to draw from.
        rng: source of chance.
        yaw: radians; 0 faces the viewer.
        variation: chance of each variation: exchanged limbs, thrown arms, thrown legs.
    """
    k = int(rng.integers(len(pool.rotation)))
    rotation = pool.rotation[k].astype(np.float64)
    for side in ("left", "right"):
        chance = rng.random()
        if chance < variation * 0.6:
            throw_arm(rotation, side, rng)
        elif chance < variation:
            _exchange(rotation, _ARMS[side], _CHEST, pool, rng)
        if rng.random() < variation * 0.35:
            _throw_leg(rotation, side, rng)
    if rng.random() < variation:
        _nod(rotation, rng)
    return turn(yaw - facing(rotation)) @ rotation, pool.hips[k].astype(np.float64)


def sample_standing(pool: PosePool, rng: np.random.Generator, *, yaw: float) -> tuple[np.ndarray, np.ndarray]:
    """How people stand for a photo: upright, arms hanging, on the hips, crossed or waving; as :func:`sample_pose`."""
    rotation = np.tile(np.eye(3), (len(BONES), 1, 1))
    lean = axis_angle(np.array([1.0, 0, 0]), rng.normal(0.02, 0.05)) @ axis_angle(
        np.array([0, 0, 1.0]), rng.normal(0, 0.05)
    )
    rotation[1:13] = lean @ rotation[1:13]
    rotation[3:5] = axis_angle(unit(rng), abs(rng.normal(0, 0.15))) @ rotation[3:5]
    manner = rng.choice(["hang", "hips", "thrown", "mixed"], p=[0.5, 0.15, 0.15, 0.2])
    for side in ("left", "right"):
        way = rng.choice(["hang", "hips", "thrown"]) if manner == "mixed" else manner
        if way == "thrown":
            throw_arm(rotation, side, rng)
        elif way == "hips":
            set_arm(
                rotation,
                side,
                np.array([0.62, -0.75, -0.25]) + rng.normal(0, 0.1, 3),
                rng.normal(1.0, 0.2),
                rng.uniform(1.3, 1.8),
            )
        else:
            set_arm(
                rotation,
                side,
                np.array([rng.uniform(0.1, 0.45), -1, rng.normal(0, 0.12)]),
                rng.normal(0, 0.4),
                rng.uniform(0.05, 0.7),
            )
    spread = abs(rng.normal(0.06, 0.08))
    for side, sign in (("left", 1), ("right", -1)):
        bend = max(rng.normal(0.05, 0.12), 0)
        set_leg(rotation, side, np.array([sign * spread, -1, rng.normal(0, 0.06)]), bend)
        foot = _LEGS[side][2]
        rotation[foot] = turn(sign * rng.normal(0.25, 0.2))
    return turn(yaw) @ rotation, np.array([0.0, 1.0, 0.0])


def unit(rng: np.random.Generator) -> np.ndarray:
    v = rng.normal(size=3)
    return v / np.linalg.norm(v)


def _align(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The smallest rotation that takes one direction to another."""
    source, target = source / np.linalg.norm(source), target / np.linalg.norm(target)
    axis = np.cross(source, target)
    sine = float(np.linalg.norm(axis))
    if sine < 1e-6:
        return np.eye(3) if source @ target > 0 else axis_angle(np.array([0.0, 0.0, 1.0]), np.pi)
    return axis_angle(axis / sine, float(np.arctan2(sine, source @ target)))


def set_arm(rotation: np.ndarray, side: str, direction: np.ndarray, twist: float, bend: float) -> None:
    """Points the upper arm (``direction`` in chest axes, x outwards), twists it (a positive twist leads a bent
    forearm inwards), bends the elbow; angles in radians."""
    sign = 1.0 if side == "left" else -1.0
    shoulder, arm, fore, hand = _ARMS[side]
    rest = np.array([sign, 0.0, 0.0])
    target = direction * np.array([sign, 1.0, 1.0])
    chest = rotation[_CHEST]
    lift = float(np.clip(target[1] / np.linalg.norm(target), 0, 1))
    rotation[shoulder] = chest @ axis_angle(np.array([0, 0, 1.0]), sign * 0.45 * lift)
    rotation[arm] = chest @ _align(rest, target) @ axis_angle(rest, sign * twist)
    rotation[fore] = rotation[arm] @ axis_angle(np.array([0.0, -sign, 0.0]), bend)
    rotation[hand] = rotation[fore]


def throw_arm(rotation: np.ndarray, side: str, rng: np.random.Generator) -> None:
    """An arm anywhere it can go: outwards, up, down, in front; seldom across the chest."""
    direction = unit(rng)
    direction[0] = abs(direction[0]) if rng.random() < 0.85 else 0.4 * direction[0]
    direction[2] = direction[2] if direction[2] > -0.3 else -0.5 * direction[2]
    set_arm(rotation, side, direction, rng.uniform(-1.6, 1.6), float(rng.beta(1.2, 2.0) * 2.5))
    hand = _ARMS[side][3]
    rotation[hand] = rotation[hand] @ axis_angle(unit(rng), rng.normal(0, 0.35))


def set_leg(rotation: np.ndarray, side: str, direction: np.ndarray, bend: float) -> None:
    """Points the thigh (``direction`` in hip axes), bends the knee backwards, keeps the foot on its shin."""
    hips = rotation[_HIPS]
    upper, lower, foot = _LEGS[side]
    rotation[upper] = hips @ _align(np.array([0, -1.0, 0]), direction)
    rotation[lower] = rotation[upper] @ axis_angle(np.array([1.0, 0, 0]), bend)
    rotation[foot] = rotation[lower]


def _throw_leg(rotation: np.ndarray, side: str, rng: np.random.Generator) -> None:
    """A leg lifted or stepped somewhere, knee bent by anything from nothing to a right angle."""
    sign = 1.0 if side == "left" else -1.0
    direction = np.array([sign * rng.normal(0.25, 0.3), -1.0, rng.normal(0.25, 0.55)])
    set_leg(rotation, side, direction, float(rng.beta(1.2, 2.5) * 2.2))
    foot = _LEGS[side][2]
    rotation[foot] = rotation[foot] @ axis_angle(np.array([1.0, 0, 0]), rng.normal(-0.1, 0.3))


def _exchange(
    rotation: np.ndarray, limb: tuple[int, ...], anchor: int, pool: PosePool, rng: np.random.Generator
) -> None:
    """Takes a limb, relative to its anchor bone, from another frame."""
    other = pool.rotation[int(rng.integers(len(pool.rotation)))].astype(np.float64)
    for bone in limb:
        rotation[bone] = rotation[anchor] @ other[anchor].T @ other[bone]


def _nod(rotation: np.ndarray, rng: np.random.Generator) -> None:
    tilt = axis_angle(unit(rng), abs(rng.normal(0, 0.3)))
    rotation[4] = tilt @ rotation[4]


def spread(pool: PosePool, count: int) -> PosePool:
    """A subset that covers the pool: farthest-point choice on the 6D rotations (``count`` frames)."""
    six = matrix_to_6d(pool.rotation).reshape(len(pool.rotation), -1)
    chosen = [0]
    distance = np.full(len(six), np.inf)
    for _ in range(min(count, len(six)) - 1):
        distance = np.minimum(distance, ((six - six[chosen[-1]]) ** 2).sum(1))
        chosen.append(int(distance.argmax()))
    return PosePool(pool.rotation[chosen], pool.hips[chosen])

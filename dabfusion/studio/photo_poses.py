"""How people stand, sit and lean in photos, for the start frames that the body reader learns from.

Dances hardly show what photos are full of: arms folded, hands in pockets or at the chin, somebody leaning on a table or
sitting, a head in profile.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dabfusion.studio.pose_pool import (
    PosePool,
    axis_angle,
    sample_pose,
    sample_standing,
    set_arm,
    set_leg,
    throw_arm,
    turn,
    unit,
)

_SIDES = ("left", "right")
_UPPER_BODY = slice(1, 13)  # spine to hands
_NECK_AND_HEAD = slice(3, 5)
_X, _Y, _Z = np.eye(3)


@dataclass(frozen=True)
class _Arm:
    """An upper arm's direction in chest axes (x outwards, y up, z in front), the arm's twist and the elbow's bend in
    radians, and how much all of them vary."""

    direction: tuple[float, float, float]
    twist: float
    bend: float
    spread: float = 0.12


#: What one arm does. A twist of about 1.4 lays a bent forearm across the body, 0 points it forwards.
_ARMS: dict[str, _Arm] = {
    "hanging": _Arm((0.25, -1.0, 0.0), 0.0, 0.25, 0.18),
    "crossed": _Arm((0.25, -0.85, 0.6), 1.1, 1.75),
    "low across": _Arm((0.25, -1.0, 0.35), 0.95, 1.05),
    "pocket": _Arm((0.45, -1.0, -0.2), 0.9, 0.8),
    "hip": _Arm((0.62, -0.75, -0.25), 1.0, 1.55),
    "behind": _Arm((0.3, -1.0, -0.45), 1.9, 0.9),
    "chin": _Arm((0.15, -0.9, 0.5), 0.5, 2.35),
    "holding": _Arm((0.25, -1.0, 0.15), 0.45, 1.7, 0.2),
    "shown": _Arm((0.5, -0.6, 0.6), -0.3, 1.3, 0.25),
}
#: What both arms do at once, and how often; "mixed" is two of the above, "thrown" anything a joint allows.
_MANNERS = {
    ("hanging", "hanging"): 0.16, ("crossed", "crossed"): 0.16, ("low across", "low across"): 0.1,
    ("pocket", "pocket"): 0.07, ("hip", "hip"): 0.06, ("behind", "behind"): 0.03, ("crossed", "chin"): 0.04,
    ("mixed", "mixed"): 0.28, ("thrown", "thrown"): 0.1,
}  # fmt: skip


def sample_photo_pose(pool: PosePool, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A pose (19, 3, 3) as photos show them and its hips (3,) in leg lengths.

    A third are taken from dances (``pool``), a sixth stand as for a photo, the others stand or sit with arms as
    :data:`_MANNERS` says; some lean, some look elsewhere. Most face the viewer, one in ten anywhere.
    """
    yaw = float(rng.normal(0, rng.choice([0.3, 0.8], p=[0.75, 0.25])))
    yaw = float(rng.uniform(-np.pi, np.pi)) if rng.random() < 0.1 else yaw
    kind = rng.random()
    if kind < 0.33:
        rotation, hips = sample_pose(pool, rng, yaw=yaw, variation=0.4)
    elif kind < 0.5:
        rotation, hips = sample_standing(pool, rng, yaw=yaw)
    else:
        rotation, hips = turn(yaw) @ _posed(rng), np.array([0.0, 1.0, 0.0])
    _look(rotation, rng)
    tilted = axis_angle(_Z, rng.normal(0, 0.06)) if rng.random() < 0.5 else np.eye(3)  # nobody holds a camera straight
    return tilted @ rotation, hips


def _posed(rng: np.random.Generator) -> np.ndarray:
    """Somebody who stands or sits facing the viewer: (19, 3, 3)."""
    rotation = np.tile(np.eye(3), (19, 1, 1))
    bow = abs(rng.normal(0, 0.55)) if rng.random() < 0.22 else rng.normal(0.03, 0.06)
    lean = axis_angle(_Z, rng.normal(0, 0.1)) @ axis_angle(_Y, rng.normal(0, 0.15)) @ axis_angle(_X, bow)
    rotation[_UPPER_BODY] = lean @ rotation[_UPPER_BODY]
    if rng.random() < 0.5:  # whoever bows looks up again
        rotation[_NECK_AND_HEAD] = axis_angle(_X, -0.8 * bow) @ rotation[_NECK_AND_HEAD]
    manners = list(_MANNERS)
    manner = manners[int(rng.choice(len(manners), p=np.array(list(_MANNERS.values()))))]
    manner = manner if rng.random() < 0.5 else (manner[1], manner[0])
    for side, what in zip(_SIDES, manner, strict=True):
        _pose_arm(rotation, side, what, rng)
    _pose_legs(rotation, rng)
    return rotation


def _pose_arm(rotation: np.ndarray, side: str, what: str, rng: np.random.Generator) -> None:
    if what == "thrown":
        throw_arm(rotation, side, rng)
        return
    arm = _ARMS[str(rng.choice(list(_ARMS)))] if what == "mixed" else _ARMS[what]
    direction = np.array(arm.direction) + rng.normal(0, arm.spread, 3)
    bend = float(np.clip(arm.bend + rng.normal(0, arm.spread), 0.03, 2.6))
    set_arm(rotation, side, direction, arm.twist + rng.normal(0, 1.5 * arm.spread), bend)


def _pose_legs(rotation: np.ndarray, rng: np.random.Generator) -> None:
    """Standing, walking, or sitting (one in eight)."""
    sits, spread = rng.random() < 0.125, abs(rng.normal(0.05, 0.1))
    stride = rng.normal(0, 0.3) if rng.random() < 0.3 else rng.normal(0, 0.06)
    for side, sign in zip(_SIDES, (1, -1), strict=True):
        if sits:
            direction, bend = np.array([sign * rng.uniform(0, 0.5), rng.normal(-0.15, 0.15), 1.0]), rng.normal(1.4, 0.2)
        else:
            direction = np.array([sign * spread + rng.normal(0, 0.03), -1.0, sign * stride])
            bend = max(rng.normal(0.08, 0.12), 0) + 0.8 * max(-sign * stride, 0)
        set_leg(rotation, side, direction, float(bend))
        foot = 15 if side == "left" else 18
        rotation[foot] = rotation[0] @ turn(sign * rng.normal(0.25, 0.25))


def _look(rotation: np.ndarray, rng: np.random.Generator) -> None:
    """Turns and tilts the head: most a little, some into profile."""
    wide = rng.random() < 0.25
    about = rotation[3] @ _Y
    turned = axis_angle(about / np.linalg.norm(about), rng.normal(0, 0.7 if wide else 0.2))
    tilted = axis_angle(unit(rng), abs(rng.normal(0, 0.25 if wide else 0.12)))
    rotation[4] = tilted @ turned @ rotation[4]

"""From the layers of a dance to the pose of the body: footfalls, balance, reach, limbs by two-bone geometry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dabfusion.skeleton import NUM_BONES
from dabfusion.studio import body
from dabfusion.studio.body import euler, point, reach, two_bone

_UP = np.array([0.0, 1.0, 0.0])
#: How far the hips follow the foot that carries the weight while the other is in the air.
_BALANCE = 0.65
_LEG_RANGE = (0.42, 0.992)
_ARM_RANGE = (0.24 * body.ARM_LENGTH, 0.985 * body.ARM_LENGTH)
_NECK, _HEAD, _SPINE, _CHEST = (point(n) for n in ("Neck", "Head", "Spine", "Spine2"))


@dataclass(frozen=True)
class Foot:
    """A foot over time: ankle's ground position (F, 2) x and z, lift (F,), yaw and heel pitch in degrees (F,)."""

    ground: np.ndarray
    lift: np.ndarray
    yaw: np.ndarray
    pitch: np.ndarray


@dataclass(frozen=True)
class Channels:
    """All layers of a dance sampled over time, in camera axes; angles in degrees, lengths in leg lengths.

    ``hips`` (F, 6): offset x, y, z from the balanced stance, yaw, pitch, roll. ``chest`` (F, 3) and
    ``head`` (F, 3): pitch, yaw, roll. ``arms``: left and right hand (F, 7): out, up, front in arm lengths from the
    shoulder, elbow swivel (0 down, 1 out, 2 up), twist of the hand, bend of the wrist, shrug of the shoulder.
    ``heading`` (F,): where the dancer faces, degrees.
    """

    heading: np.ndarray
    feet: tuple[Foot, Foot]
    hips: np.ndarray
    chest: np.ndarray
    head: np.ndarray
    arms: tuple[np.ndarray, np.ndarray]


def pose(channels: Channels) -> tuple[np.ndarray, np.ndarray]:
    """Poses the body.

    Returns:
        Rotations (F, 19, 3, 3) relative to the T-pose and the hips' positions (F, 3) in leg lengths.
    """
    frames = len(channels.heading)
    rotation = np.empty((frames, NUM_BONES, 3, 3))
    hips, chest, head = channels.hips, channels.chest, channels.head
    yaw = channels.heading + hips[:, 3]
    rotation[:, 0] = euler(yaw, hips[:, 4], hips[:, 5])
    rotation[:, _SPINE] = euler(
        yaw + 0.35 * chest[:, 1], 0.6 * hips[:, 4] + 0.45 * chest[:, 0], 0.4 * hips[:, 5] + 0.4 * chest[:, 2]
    )
    rotation[:, _CHEST] = euler(yaw + chest[:, 1], 0.3 * hips[:, 4] + chest[:, 0], chest[:, 2])
    look = channels.heading + 0.3 * (hips[:, 3] + chest[:, 1]) + head[:, 1]
    pitch = 0.4 * chest[:, 0] + head[:, 0]
    trunk_yaw = yaw + chest[:, 1]
    rotation[:, _NECK] = euler(
        0.5 * (look + trunk_yaw), 0.5 * (chest[:, 0] + pitch), 0.5 * chest[:, 2] + 0.5 * head[:, 2]
    )
    rotation[:, _HEAD] = euler(look, pitch, 0.3 * chest[:, 2] + head[:, 2])
    ankles = [_ankle(foot) for foot in channels.feet]
    root = _hips_position(channels, rotation[:, 0], ankles)
    for side, foot in enumerate(channels.feet):
        _pose_leg(rotation, root, foot, ankles[side], side)
    trunk = root + rotation[:, 0] @ body.OFFSETS[_SPINE] + rotation[:, _SPINE] @ body.OFFSETS[_CHEST]
    for side in range(2):
        _pose_arm(rotation, trunk, channels.arms[side], side)
    return rotation, root


def _foot_rotation(foot: Foot) -> np.ndarray:
    return euler(foot.yaw, foot.pitch, np.zeros_like(foot.yaw))


def _ankle(foot: Foot) -> np.ndarray:
    """Ankle positions (F, 3): raising the heel turns a standing foot about its ball, one in the air about the ankle."""
    flat = euler(foot.yaw, 0 * foot.yaw, 0 * foot.yaw)
    ankle = np.insert(foot.ground, 1, body.ANKLE_HEIGHT + foot.lift, axis=1)
    standing = np.exp(-((foot.lift / 0.12) ** 2))[:, None]
    ankle += standing * (flat @ body.BALL - _foot_rotation(foot) @ body.BALL)
    ankle[:, 1] = np.maximum(ankle[:, 1], body.ANKLE_HEIGHT * 0.6)
    return ankle


def _hips_position(channels: Channels, rotation: np.ndarray, ankles: list[np.ndarray]) -> np.ndarray:
    """Where the hips are: over the feet, nearer to the one that carries, low enough for both legs to reach."""
    weight = np.stack(
        [1 / (1 + (foot.lift / 0.05).clip(0) ** 2) for foot in channels.feet], 1
    )  # (F, 2), 1 on the ground
    share = 0.5 + 0.5 * _BALANCE * (weight[:, :1] - weight[:, 1:])
    ground = share * channels.feet[0].ground + (1 - share) * channels.feet[1].ground
    root = np.insert(ground, 1, body.STANDING_HEIGHT - 0.012, axis=1)
    drop = channels.hips[:, 1]
    root[:, 1] += drop * (0.6 + 0.4 * (-drop / 0.3).clip(0, 1))
    turn = np.radians(channels.heading)
    x, z = channels.hips[:, 0], channels.hips[:, 2] - 0.06  # the hips' centre is behind the ankles
    root[:, 0] += x * np.cos(turn) + z * np.sin(turn)
    root[:, 2] += -x * np.sin(turn) + z * np.cos(turn)
    excess = np.zeros((len(root), 2))
    for side, ankle in enumerate(ankles):
        joint = root + rotation @ (body.HIP_JOINT * [1 - 2 * side, 1, 1])
        flat = np.linalg.norm((ankle - joint)[:, [0, 2]], axis=-1)
        highest = ankle[:, 1] + np.sqrt((_LEG_RANGE[1] ** 2 - flat**2).clip(0.05))
        excess[:, side] = (joint[:, 1] - highest).clip(0) * weight[:, side]
    root[:, 1] -= np.sqrt((excess**2).sum(1) + 1e-9).clip(0, 0.6)
    return root


def _pose_leg(rotation: np.ndarray, root: np.ndarray, foot: Foot, ankle: np.ndarray, side: int) -> None:
    prefix = ("Left", "Right")[side]
    sign = 1 - 2 * side
    hip, knee, heel = (point(prefix + n) for n in ("UpLeg", "Leg", "Foot"))
    start = root + rotation[:, 0] @ (body.HIP_JOINT * [sign, 1, 1])
    target = reach(start, ankle, *_LEG_RANGE)
    forward = _foot_rotation(foot)[:, :, 2]
    pole = 0.75 * rotation[:, 0, :, 2] + 0.75 * forward + 0.18 * sign * rotation[:, 0, :, 0]
    # A thigh that points forward needs a knee that points up.
    way = (target - start) / np.linalg.norm(target - start, axis=-1, keepdims=True)
    pole = pole + 1.6 * (way * rotation[:, 0, :, 2]).sum(-1, keepdims=True).clip(0) * _UP
    rest = (body.OFFSETS[knee], body.OFFSETS[heel])
    rotation[:, hip], rotation[:, knee] = two_bone(start, target, pole, rest, np.array([1.0, 0, 0]))
    rotation[:, heel] = _foot_rotation(foot)


def _keep_out(hand: np.ndarray) -> np.ndarray:
    """Hand targets (F, 3: out, up, front) moved out of the trunk, which lies inwards of and below the shoulder."""
    out, up, front = hand.T
    inside = 1 / (1 + np.exp((out - 0.02) / 0.05)) / (1 + np.exp((up - 0.05) / 0.05))
    clear = np.maximum(front, -0.6 + 0.92 * inside)
    return np.stack([out, up, clear], -1)


def _pose_arm(rotation: np.ndarray, trunk_at: np.ndarray, arm: np.ndarray, side: int) -> None:
    prefix = ("Left", "Right")[side]
    sign = 1 - 2 * side
    clavicle, upper, fore, hand = (point(prefix + n) for n in ("Shoulder", "Arm", "ForeArm", "Hand"))
    out, up, front, swivel, twist, bend, shrug = arm.T
    trunk = rotation[:, _CHEST]
    high = (up / np.linalg.norm([out, up, front], axis=0).clip(0.2)).clip(0)
    shrug = shrug + 18 * high  # a raised arm takes the shoulder with it
    zero = np.zeros_like(shrug)
    rotation[:, clavicle] = trunk @ euler(zero, zero, sign * shrug)
    base = trunk_at + (trunk @ body.OFFSETS[clavicle])
    start = base + rotation[:, clavicle] @ body.OFFSETS[upper]
    local = _keep_out(np.stack([out, up, front], -1)) * body.ARM_LENGTH * [sign, 1, 1]
    target = reach(start, start + (trunk @ local[..., None])[..., 0], *_ARM_RANGE)
    angle = np.radians(90 * swivel)
    pole_local = np.stack([sign * np.sin(angle), -np.cos(angle), zero - 0.45], -1)
    pole = (trunk @ pole_local[..., None])[..., 0]
    rest = (body.OFFSETS[fore], body.OFFSETS[hand])
    rotation[:, upper], rotation[:, fore] = two_bone(start, target, pole, rest, np.array([0.0, -sign, 0]))
    half_twist = euler(zero, 0.5 * twist, zero)  # about the forearm, which is x in the T-pose
    rotation[:, fore] = rotation[:, fore] @ half_twist
    rotation[:, hand] = rotation[:, fore] @ half_twist @ euler(zero, zero, -sign * bend)

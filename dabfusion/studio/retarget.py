"""Captured motion of any skeleton onto the 19 bones of a flow code, by the directions of the bones.

Only places of joints are looked at (and how the head turns), so rest poses do not matter: a bone points where its joint
and the next one are; elbows and knees tell how a limb is turned about itself, hips and shoulders how the trunk is.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d

from dabfusion.errors import UserError
from dabfusion.skeleton import BONES
from dabfusion.studio.body import OFFSETS, REST_POINTS, point
from dabfusion.studio.capture_files import Capture
from dabfusion.studio.motion import FPS, orthonormal

#: What the joints are called: our name, then the names in files (left side; "Left", "L_" and "l" become the right's).
_MIDDLE_NAMES: dict[str, tuple[str, ...]] = {
    "Spine": ("CC_Base_Spine01", "Spine", "lowerback", "LowerBack"),
    "Spine2": ("CC_Base_Spine02", "Spine2", "Spine1", "thorax"),
    "Neck": ("CC_Base_NeckTwist01", "Neck", "lowerneck"),
    "Head": ("CC_Base_Head", "Head", "head"),
}
_LEFT_NAMES: dict[str, tuple[str, ...]] = {
    "Shoulder": ("CC_Base_L_Clavicle", "LeftShoulder", "lclavicle"),
    "Arm": ("CC_Base_L_Upperarm", "LeftArm", "lhumerus"),
    "ForeArm": ("CC_Base_L_Forearm", "LeftForeArm", "lradius"),
    "Hand": ("CC_Base_L_Hand", "LeftHand", "lwrist"),
    "UpLeg": ("CC_Base_L_Thigh", "LeftUpLeg", "lfemur"),
    "Leg": ("CC_Base_L_Calf", "LeftLeg", "ltibia"),
    "Foot": ("CC_Base_L_Foot", "LeftFoot", "lfoot"),
    "Toes": ("CC_Base_L_ToeBase", "LeftToeBase", "ltoes"),
}
#: Seconds over which the turn of a straight limb, which its joints do not tell, is taken from its neighbours.
_HINGE_SMOOTHING = 0.15
#: A first frame is a T-pose that a converter put there if it is so many times farther from the next than others are.
_JUMP = 5.0
#: Joints nearer to each other than this share of the trunk tell no direction.
_SAME_PLACE = 0.02


def retarget(capture: Capture) -> tuple[np.ndarray, np.ndarray]:
    """Rotations (F, 19, 3, 3) relative to the T-pose and hips (F, 3) in leg lengths, y up, at 30 frames a second.

    Raises:
        UserError: the skeleton lacks a joint.
    """
    at = _upright(_at_30(_danced(_named(capture)), capture.fps))
    head = at.pop("head turn")
    across_hips, across_shoulders = at["LeftUpLeg"] - at["RightUpLeg"], at["LeftArm"] - at["RightArm"]
    middle = (at["LeftUpLeg"] + at["RightUpLeg"]) / 2
    rotation = np.empty((len(middle), len(BONES), 3, 3))
    rest = {n: REST_POINTS[point(n)] for n in ("Spine2", "Neck", "LeftUpLeg")}
    low, high = rest["Spine2"] - rest["LeftUpLeg"] * [0, 1, 1], rest["Neck"] - rest["Spine2"]
    rotation[:, point("Hips")] = _facing(across_hips, at["Spine2"] - middle, low)
    trunk = _facing(across_shoulders, at["Neck"] - at["Spine2"], high)
    rotation[:, point("Spine2")] = trunk
    rotation[:, point("Spine")] = orthonormal(rotation[:, point("Hips")] + trunk)
    turned_head = head @ _mean_rotation(head.transpose(0, 2, 1) @ trunk)
    rotation[:, point("Head")] = turned_head
    rotation[:, point("Neck")] = orthonormal(turned_head + trunk)
    for side, sign in (("Left", 1), ("Right", -1)):
        _arm(rotation, at, side, sign, trunk)
        _leg(rotation, at, side)
    thigh, shin = (
        np.mean([np.linalg.norm(at[s + a] - at[s + b], axis=-1).mean() for s in ("Left", "Right")])
        for a, b in (("UpLeg", "Leg"), ("Leg", "Foot"))
    )
    between = (OFFSETS[point("LeftUpLeg")] + OFFSETS[point("RightUpLeg")]) / 2
    root = middle / (thigh + shin) - rotation[:, point("Hips")] @ between
    root -= [root[0, 0], 0, root[0, 2]]
    return rotation, root


def write_take(capture: Capture, path: Path) -> None:
    """Writes a take in the form that :func:`dabfusion.studio.motion.load_takes` reads."""
    from scipy.spatial.transform import Rotation  # late: only the command needs it

    rotation, root = retarget(capture)
    quaternions = Rotation.from_matrix(rotation.reshape(-1, 3, 3)).as_quat().reshape(len(root), len(BONES), 4)
    np.savez_compressed(
        path, rotation=quaternions.astype(np.float32), root=root.astype(np.float32), bones=np.array(BONES),
        fps=np.array(FPS),
    )  # fmt: skip


def _named(capture: Capture) -> dict[str, np.ndarray]:
    """Places of our joints (F, 3) in the capture, and under "head turn" the head's rotation (F, 9)."""
    found = {}
    wanted = dict(_MIDDLE_NAMES)
    for name, files in _LEFT_NAMES.items():
        wanted["Left" + name] = files
        wanted["Right" + name] = tuple(_other_side(f) for f in files)
    prefix = next((n.removesuffix("Hips") for n in capture.joints if n.endswith("Hips")), "")  # as in "Neo_Hips"
    bare = [n.removeprefix(prefix).split(":")[-1] for n in capture.joints]
    index = {name: k for k, name in reversed(list(enumerate(bare)))}
    for name, files in wanted.items():
        known = next((f for f in files if f in index), None)
        if known is None:
            raise UserError(f"{capture.name} has no joint for {name}; known names are {', '.join(files)}.")
        found[name] = capture.positions[:, index[known]]
        if name == "Head":
            found["head turn"] = capture.rotations[:, index[known]].reshape(-1, 9)
    chest, trunk = (np.linalg.norm(found["Neck"] - found[n], axis=-1).mean() for n in ("Spine2", "LeftUpLeg"))
    if chest < _SAME_PLACE * trunk:  # so in skeletons whose clavicles and neck begin at the last joint of the spine
        found["Spine2"] = found["Spine"]
    return found


def _danced(places: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same without a T-pose before the first frame that was danced."""
    joints = np.stack([v for n, v in places.items() if n != "head turn"], 1)
    steps = np.linalg.norm(np.diff(joints, axis=0), axis=-1).mean(1)
    if len(steps) > 2 and steps[0] > _JUMP * steps[1:].max():
        return {n: v[1:] for n, v in places.items()}
    return places


def _other_side(name: str) -> str:
    if name.startswith("CC_Base_L_"):
        return name.replace("CC_Base_L_", "CC_Base_R_")
    return name.replace("Left", "Right") if name.startswith("Left") else "r" + name[1:]


def _at_30(places: dict[str, np.ndarray], fps: float) -> dict[str, np.ndarray]:
    """The same at 30 frames a second: straight lines between the file's frames."""
    frames = len(next(iter(places.values())))
    times = np.arange(max(int((frames - 1) / fps * FPS + 1e-6) + 1, 2)) / FPS
    own = np.arange(frames) / fps
    return {n: np.stack([np.interp(times, own, column) for column in v.T], 1) for n, v in places.items()}


def _upright(places: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same with y up, whichever axis was; the head's turn becomes proper rotations (F, 3, 3)."""
    feet = (places["LeftFoot"] + places["RightFoot"]) / 2
    up = int(np.abs(np.median(places["Head"] - feet, 0)).argmax())
    turn = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]) if up == 2 else np.eye(3)
    found = {n: v @ turn.T for n, v in places.items() if n != "head turn"}
    found["head turn"] = turn @ orthonormal(places["head turn"].reshape(-1, 3, 3))
    return found


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.linalg.norm(v, axis=-1, keepdims=True).clip(1e-9)


def _frames(direction: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Rotations (..., 3, 3) with columns: direction, what is left of ``other``, their cross product."""
    d = _unit(direction)
    n = _unit(other - d * (d * other).sum(-1, keepdims=True))
    return np.stack([d, n, np.cross(d, n)], -1)


def _facing(across: np.ndarray, up: np.ndarray, rest_up: np.ndarray) -> np.ndarray:
    """Rotation (F, 3, 3) of a part of the trunk by its left-hand side and its upward direction, which wins;
    ``rest_up`` (3,) is that direction in the T-pose."""
    return _frames(up, across) @ _frames(rest_up, np.array([1.0, 0.0, 0.0])).T


def _mean_rotation(rotations: np.ndarray) -> np.ndarray:
    """The rotation (3, 3) nearest to the mean of (F, 3, 3)."""
    u, _, v = np.linalg.svd(rotations.mean(0))
    sign = np.diag([1.0, 1.0, float(np.sign(np.linalg.det(u @ v)))])
    return np.asarray(u @ sign @ v)


def _hinge(first: np.ndarray, second: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Axis (F, 3) about which a limb bends: first x second bone, from the frames around where the limb is straight."""
    bend = np.cross(_unit(first), _unit(second))  # long where the limb is bent
    return _unit(gaussian_filter1d(bend, _HINGE_SMOOTHING * FPS, axis=0) + 0.05 * prior)


def _arm(rotation: np.ndarray, at: dict[str, np.ndarray], side: str, sign: int, trunk: np.ndarray) -> None:
    clavicle, upper, fore, hand = (point(side + n) for n in ("Shoulder", "Arm", "ForeArm", "Hand"))
    up = np.broadcast_to(np.array([0.0, 1.0, 0.0]), at[side + "Arm"].shape)
    rest = _frames(OFFSETS[upper], np.array([0.0, 1.0, 0.0]))
    rotation[:, clavicle] = _frames(at[side + "Arm"] - at[side + "Shoulder"], (trunk @ up[..., None])[..., 0]) @ rest.T
    first, second = at[side + "ForeArm"] - at[side + "Arm"], at[side + "Hand"] - at[side + "ForeArm"]
    # In the T-pose the forearm bends to the front, so the hinge points down on the left side, up on the right.
    prior = np.cross(_unit(first), trunk[..., 2])
    axis = _hinge(first, second, prior)
    hinge = np.array([0.0, -sign, 0.0])
    rotation[:, upper] = _frames(first, axis) @ _frames(OFFSETS[fore], hinge).T
    rotation[:, fore] = _frames(second, axis) @ _frames(OFFSETS[hand], hinge).T
    rotation[:, hand] = rotation[:, fore]


def _leg(rotation: np.ndarray, at: dict[str, np.ndarray], side: str) -> None:
    thigh, shin, foot = (point(side + n) for n in ("UpLeg", "Leg", "Foot"))
    first, second = at[side + "Leg"] - at[side + "UpLeg"], at[side + "Foot"] - at[side + "Leg"]
    hips = rotation[:, point("Hips")]
    axis = _hinge(first, second, hips[..., 0])  # a shin bends backwards: its hinge is the dancer's left
    left = np.array([1.0, 0.0, 0.0])
    rotation[:, thigh] = _frames(first, axis) @ _frames(OFFSETS[shin], left).T
    rotation[:, shin] = _frames(second, axis) @ _frames(OFFSETS[foot], left).T
    toes = at[side + "Toes"] - at[side + "Foot"]
    raw = _frames(toes, axis) @ _frames(OFFSETS[point(side + "Toes")], left).T
    rotation[:, foot] = raw @ _level(raw, at[side + "Foot"])


def _level(foot: np.ndarray, ankle: np.ndarray) -> np.ndarray:
    """A constant turn (3, 3) about the foot's own left that makes it flat while it stands (lowest, slowest ankles)."""
    speed = np.linalg.norm(np.gradient(ankle, axis=0), axis=-1)
    low = ankle[:, 1] <= np.percentile(ankle[:, 1], 40)
    stands = low & (speed <= np.percentile(speed[low], 50))
    forward = foot[stands][..., 2]
    pitch = float(np.median(np.arctan2(forward[:, 1], np.hypot(forward[:, 0], forward[:, 2]))))
    c, s = np.cos(pitch), np.sin(pitch)
    return np.array([[1.0, 0, 0], [0, c, -s], [0, s, c]])

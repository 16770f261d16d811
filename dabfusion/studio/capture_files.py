"""Captured motion as it is published: BVH, and ASF with AMC, read into joint positions over time.

Both formats are a tree of joints with rotations in degrees. Rest poses differ from file to file and are not believed:
what counts are the places of the joints and how the head turns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from dabfusion.errors import UserError

_AXES = "XYZ"
#: AMC files do not say how often they were taken; CMU's are.
AMC_FPS = 120.0


@dataclass(frozen=True)
class Capture:
    """Joints over time, in the file's own units and axes.

    Attributes:
        name: of the take.
        joints: names of the joints.
        positions: (F, J, 3).
        rotations: (F, J, 3, 3) world rotations.
        fps: frames a second.
    """

    name: str
    joints: tuple[str, ...]
    positions: np.ndarray
    rotations: np.ndarray
    fps: float


@dataclass
class Joint:
    """A joint of a tree: ``offset`` (3,) from its parent; ``channels``: what each number of a frame is."""

    name: str
    parent: int
    offset: np.ndarray = field(default_factory=lambda: np.zeros(3))
    channels: tuple[str, ...] = ()


def about_axis(axis: str, degrees: np.ndarray) -> np.ndarray:
    """Rotations (F, 3, 3) about X, Y or Z by angles (F,)."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i = _AXES.index(axis)
    j, k = (i + 1) % 3, (i + 2) % 3
    matrix = np.zeros((*np.shape(degrees), 3, 3))
    matrix[..., i, i] = 1.0
    matrix[..., j, j] = matrix[..., k, k] = c
    matrix[..., k, j], matrix[..., j, k] = s, -s
    return matrix


def read_bvh(text: str, name: str) -> Capture:
    """Reads a BVH file.

    Raises:
        UserError: the file ends early, or a frame has not as many numbers as the joints have channels.
    """
    words = iter(text.split())
    joints = _bvh_tree(words)
    try:
        frames = int(_after(words, "Frames:"))
        step = float(_after(words, "Time:"))
        numbers = np.array(list(words), np.float64).reshape(frames, -1)
    except (StopIteration, ValueError) as error:
        raise UserError(f"{name} is not a whole BVH file.") from error
    if numbers.shape[1] != sum(len(j.channels) for j in joints) or step <= 0:
        raise UserError(f"{name} has frames that do not fit its joints.")
    return _posed(name, joints, numbers, 1 / step)


def _after(words: Iterator[str], word: str) -> str:
    """The word that follows ``word``."""
    while next(words) != word:
        pass
    return next(words)


def _bvh_tree(words: Iterator[str]) -> list[Joint]:
    joints: list[Joint] = []
    open_joints: list[int] = []
    for word in words:
        if word in ("ROOT", "JOINT", "End"):
            title = next(words)
            parent = open_joints[-1] if open_joints else -1
            joints.append(Joint(f"{joints[parent].name} end" if word == "End" else title, parent))
        elif word == "{":
            open_joints.append(len(joints) - 1)
        elif word == "}":
            open_joints.pop()
            if not open_joints:
                break
        elif word == "OFFSET":
            joints[-1].offset = np.array([float(next(words)) for _ in range(3)])
        elif word == "CHANNELS":
            joints[-1].channels = tuple(next(words) for _ in range(int(next(words))))
    return joints


def _posed(name: str, joints: list[Joint], numbers: np.ndarray, fps: float) -> Capture:
    """Forward kinematics of a tree whose frames are (F, channels of all joints)."""
    positions = np.zeros((len(numbers), len(joints), 3))
    rotations = np.tile(np.eye(3), (len(numbers), len(joints), 1, 1))
    column = 0
    for k, joint in enumerate(joints):
        place = np.tile(joint.offset, (len(numbers), 1))
        for channel in joint.channels:
            axis, kind = channel[0].upper(), channel[1:]
            if kind == "position":
                place[:, _AXES.index(axis)] = numbers[:, column]
            else:
                rotations[:, k] = rotations[:, k] @ about_axis(axis, numbers[:, column])
            column += 1
        if joint.parent < 0:
            positions[:, k] = place
        else:
            above = rotations[:, joint.parent]
            positions[:, k] = positions[:, joint.parent] + (above @ place[..., None])[..., 0]
            rotations[:, k] = above @ rotations[:, k]
    return Capture(name, tuple(j.name for j in joints), positions, rotations, fps)


@dataclass
class _Bone:
    """A bone of an ASF file: its vector and axes in the world at rest, its degrees of freedom, its parent."""

    vector: np.ndarray
    axes: np.ndarray
    freedom: tuple[str, ...]
    parent: str = "root"


def read_asf(text: str) -> dict[str, _Bone]:
    """Reads an ASF skeleton: its bones by name, parents first.

    Raises:
        UserError: bones or their hierarchy are missing.
    """
    sections = {part.split(None, 1)[0]: part for part in text.split("\n:") if part.strip()}
    if "bonedata" not in sections or "hierarchy" not in sections:
        raise UserError("The ASF file has no bones or no hierarchy.")
    loose: dict[str, _Bone] = {}
    for block in sections["bonedata"].split("begin")[1:]:
        said = {line.split()[0]: line.split()[1:] for line in block.splitlines() if line.strip()}
        direction = np.array([float(v) for v in said["direction"]])
        angles = [float(v) for v in said["axis"][:3]]
        loose[said["name"][0]] = _Bone(
            direction * float(said["length"][0]), _xyz(np.array(angles)), tuple(said.get("dof", ()))
        )
    bones: dict[str, _Bone] = {}
    for line in sections["hierarchy"].splitlines()[1:]:
        parent, *children = line.split() or [""]
        for child in children:
            if child in loose:
                loose[child].parent = parent
                bones[child] = loose[child]
    return bones


def _xyz(degrees: np.ndarray) -> np.ndarray:
    """Rotations (..., 3, 3) by angles (..., 3) about x, then y, then z."""
    x, y, z = np.moveaxis(degrees, -1, 0)
    return about_axis("Z", z) @ about_axis("Y", y) @ about_axis("X", x)


def read_amc(text: str, bones: dict[str, _Bone], name: str, fps: float = AMC_FPS) -> Capture:
    """Reads the frames of an AMC file; a joint has its bone's name and lies where the bone begins.

    Raises:
        UserError: there is no frame.
    """
    frames: list[dict[str, list[float]]] = []
    for line in text.splitlines():
        first, *rest = line.split() or [""]
        if first.isdigit():
            frames.append({})
        elif frames and first:
            frames[-1][first] = [float(v) for v in rest]
    if not frames:
        raise UserError(f"{name} holds no frames.")
    root = np.array([frame["root"] for frame in frames])
    ends = {"root": root[:, :3]}
    turned = {"root": _xyz(root[:, 3:])}
    starts: dict[str, np.ndarray] = {"root": root[:, :3]}
    for title, bone in bones.items():
        angles = np.zeros((len(frames), 3))
        for column, freedom in enumerate(bone.freedom):
            angles[:, _AXES.index(freedom[1].upper())] = [frame[title][column] for frame in frames]
        turned[title] = turned[bone.parent] @ bone.axes @ _xyz(angles) @ bone.axes.T
        starts[title] = ends[bone.parent]
        ends[title] = starts[title] + (turned[title] @ bone.vector[:, None])[..., 0]
    leaves = {f"{title} end": title for title in bones if title not in {b.parent for b in bones.values()}}
    names = (*starts, *leaves)
    positions = np.stack([starts[n] if n in starts else ends[leaves[n]] for n in names], 1)
    rotations = np.stack([turned[n] if n in turned else turned[leaves[n]] for n in names], 1)
    return Capture(name, names, positions, rotations, fps)

"""Captured motion: takes in, beats of the body found, and time bent so that they fall on the beats of the music."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d

from dabfusion.errors import UserError
from dabfusion.skeleton import BONES, mirror_rotation, quaternion_to_matrix
from dabfusion.studio.body import body_points, euler, point

FPS = 30
#: How far from the centre a dancer may go, in leg lengths, so that they stay in the picture.
STAGE = 0.8


@dataclass(frozen=True)
class Motion:
    """A stretch of movement in camera axes at 30 frames per second.

    Attributes:
        name: which take it is.
        rotation: (F, 19, 3, 3) world rotations relative to the T-pose.
        root: (F, 3) hip position in leg lengths, y above the ground.
        beats: (K,) seconds at which the body itself marks a beat; empty where not looked for.
    """

    name: str
    rotation: np.ndarray
    root: np.ndarray
    beats: np.ndarray

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.root) / FPS


def load_takes(folder: Path | str, pattern: str = "*.npz") -> tuple[Motion, ...]:
    """Reads the takes of a folder: ``rotation`` (F, 19, 4) quaternions xyzw, ``root`` (F, 3), ``bones``, ``fps`` 30.

    The ground is put where the feet of the standard dancer touch it, and the beats of each take are found.

    Raises:
        UserError: there is no take, or one has other bones or another frame rate.
    """
    paths = sorted(Path(folder).glob(pattern))
    if not paths:
        raise UserError(f"There is no motion file like {pattern!r} in {folder}.")
    return tuple(_load_take(path) for path in paths)


def _load_take(path: Path) -> Motion:
    with np.load(path, allow_pickle=False) as data:
        if tuple(data["bones"].tolist()) != BONES or round(float(data["fps"])) != FPS:
            raise UserError(f"{path.name} does not hold the 19 bones at {FPS} frames per second.")
        rotation = quaternion_to_matrix(data["rotation"].astype(np.float32))
        root = data["root"].astype(np.float64)
    points = body_points(rotation, root)
    feet = points[:, [point(n) for n in ("LeftFoot", "RightFoot", "LeftToes", "RightToes")], 1].min(1)
    root[:, 1] -= np.percentile(feet, 20) - 0.03
    return Motion(path.stem, rotation, root, body_beats(rotation, root))


def turned(motion: Motion, degrees: float) -> Motion:
    """The motion turned about the vertical axis through the origin (positive: to the dancer's left)."""
    turn = euler(np.array(degrees), np.array(0.0), np.array(0.0))
    return replace(motion, rotation=turn @ motion.rotation, root=motion.root @ turn.T)


def facing(motion: Motion, frame: int = 0) -> float:
    """Where the hips face at a frame, degrees to the left of the camera."""
    forward = motion.rotation[frame, 0, :, 2]
    return float(np.degrees(np.arctan2(forward[0], forward[2])))


def facing_camera(motion: Motion, away: float = 0.0) -> Motion:
    """The motion turned so that its first frame faces the camera (or ``away`` degrees to the left of it)."""
    return turned(motion, away - facing(motion))


def mirrored(motion: Motion) -> Motion:
    """The mirror image: left and right change places."""
    return replace(motion, rotation=mirror_rotation(motion.rotation), root=motion.root * [-1, 1, 1])


def cut(motion: Motion, start: int, stop: int) -> Motion:
    """Frames ``start`` to ``stop``, with the beats that fall into them."""
    beats = motion.beats - start / FPS
    inside = (beats >= 0) & (beats < (stop - start) / FPS)
    return replace(motion, rotation=motion.rotation[start:stop], root=motion.root[start:stop], beats=beats[inside])


def centred(motion: Motion, limit: float = STAGE) -> Motion:
    """The path pulled together so that the dancer stays within ``limit`` of the centre; small paths stay."""
    ground = motion.root[:, [0, 2]]
    ground = ground - (ground.max(0) + ground.min(0)) / 2
    far = np.abs(ground).max(0).clip(1e-6)
    ground = ground * np.minimum(1.0, limit / far)
    return replace(motion, root=np.stack([ground[:, 0], motion.root[:, 1], ground[:, 1]], -1))


def resampled(motion: Motion, times: np.ndarray) -> Motion:
    """The motion read at other times (N,) in its own seconds (held at its ends); rotations stay proper.

    Neighbouring matrices are blended and made orthonormal again, which for steps of 1/30 s is slerp to within rounding.
    """
    at = (np.asarray(times) * FPS).clip(0, len(motion.root) - 1)
    i = np.minimum(at.astype(int), len(motion.root) - 2)
    u = (at - i)[:, None]
    root = (1 - u) * motion.root[i] + u * motion.root[i + 1]
    u = u[..., None, None]
    rotation = orthonormal((1 - u) * motion.rotation[i] + u * motion.rotation[i + 1])
    return replace(motion, rotation=rotation, root=root, beats=np.empty(0))


def orthonormal(matrix: np.ndarray) -> np.ndarray:
    """Proper rotations (..., 3, 3) near almost-rotations: Gram-Schmidt on the columns."""
    x = matrix[..., 0] / np.linalg.norm(matrix[..., 0], axis=-1, keepdims=True).clip(1e-9)
    y = matrix[..., 1] - (x * matrix[..., 1]).sum(-1, keepdims=True) * x
    y = y / np.linalg.norm(y, axis=-1, keepdims=True).clip(1e-9)
    return np.stack([x, y, np.cross(x, y)], -1)


def body_speed(rotation: np.ndarray, root: np.ndarray, smooth: float = 0.04) -> np.ndarray:
    """Mean speed (F,) of the 24 points as the camera sees them (x and y), torso lengths per second.

    Args:
        rotation: (F, 19, 3, 3).
        root: (F, 3) leg lengths.
        smooth: standard deviation of the Gaussian over time, seconds.
    """
    points = body_points(rotation, root)
    torso = np.linalg.norm(points[:, point("Neck")] - points[:, point("Hips")], axis=-1).mean()
    speed = np.linalg.norm(np.gradient(points[..., :2], axis=0), axis=-1).mean(1) * FPS / torso
    return gaussian_filter1d(speed, smooth * FPS) if smooth else speed


def speed_minima(speed: np.ndarray) -> np.ndarray:
    """Seconds of the strict local minima of a speed curve (F,) at 30 per second, between frames by a parabola."""
    i = np.flatnonzero((speed[1:-1] < speed[:-2]) & (speed[1:-1] < speed[2:])) + 1
    a, b, c = speed[i - 1], speed[i], speed[i + 1]
    return (i + 0.5 * (a - c) / (a - 2 * b + c)) / FPS


def body_beats(rotation: np.ndarray, root: np.ndarray, fastest: float = 0.5, slowest: float = 0.8) -> np.ndarray:
    """The beats that a captured body dances: an even-ish chain of rests (minima of speed).

    Dynamic programming in the manner of Ellis 2007 ("Beat Tracking by Dynamic Programming") over the depth of rest at
    each frame: the score of a chain is the rest it collects minus a penalty for intervals that change.

    Args:
        rotation: (F, 19, 3, 3).
        root: (F, 3).
        fastest, slowest: bounds on the time between two beats, seconds.

    Returns:
        (K,) seconds.
    """
    points = body_points(rotation, root)
    speed = np.linalg.norm(np.gradient(points, axis=0), axis=-1).mean(1)
    speed = gaussian_filter1d(speed, 0.05 * FPS)
    local = gaussian_filter1d(speed, 0.4 * FPS)
    rest = ((local - speed) / local.clip(1e-6)).clip(-1, 1)
    period = _period(rest, fastest, slowest)
    return _chain(rest, period) / FPS


def _period(rest: np.ndarray, fastest: float, slowest: float) -> float:
    """Frames between rests: the best lag of the autocorrelation, counting its double as well."""
    centred_rest = rest - rest.mean()
    full = np.correlate(centred_rest, centred_rest, "full")[len(rest) - 1 :] / np.arange(len(rest), 0, -1)
    lags = np.arange(int(fastest * FPS), int(slowest * FPS) + 1)
    score = [full[lag] + 0.5 * full[2 * lag] if 2 * lag < len(full) else full[lag] for lag in lags]
    return float(lags[int(np.argmax(score))])


def _chain(rest: np.ndarray, period: float, stiffness: float = 3.0) -> np.ndarray:
    frames = len(rest)
    back = np.arange(-int(1.7 * period), -int(0.6 * period))
    cost = -stiffness * np.log(-back / period) ** 2
    total, before = rest.copy(), np.full(frames, -1)
    for t in range(frames):
        earlier = t + back
        usable = earlier >= 0
        if usable.any():
            candidates = total[earlier[usable]] + cost[usable]
            best = int(np.argmax(candidates))
            if candidates[best] > 0:
                total[t] += candidates[best]
                before[t] = earlier[usable][best]
    t = int(len(total) - int(period) + np.argmax(total[-int(period) :]))
    chain = []
    while t >= 0:
        chain.append(t)
        t = int(before[t])
    return np.array(chain[::-1], float)


def on_beats(motion: Motion, beat_times: np.ndarray, frames: int) -> Motion:
    """Bends the time of a motion so that its own beats fall on the beats of the music, one on one.

    Args:
        motion: with ``beats`` found; must have at least as many as there are music beats inside the result.
        beat_times: (B,) seconds of the music's beats, in the time of the result; may reach beyond both ends.
        frames: length of the result.

    Raises:
        UserError: the motion has too few beats.
    """
    times = np.arange(frames) / FPS
    inside = beat_times[(beat_times > -1.0) & (beat_times < times[-1] + 1.0)]
    if len(motion.beats) < len(inside) or len(inside) < 2:
        raise UserError(f"{motion.name} has {len(motion.beats)} beats, {len(inside)} are needed.")
    own = motion.beats[: len(inside)]
    step_in, step_out = inside[1] - inside[0], inside[-1] - inside[-2]
    knots = np.concatenate([[inside[0] - step_in], inside, [inside[-1] + step_out]])
    values = np.concatenate([[own[0] - (own[1] - own[0])], own, [own[-1] + own[-1] - own[-2]]])
    return resampled(motion, np.interp(times, knots, values))

"""How the dance sits on the music: motion beats of a generated pose sequence, and the music's beats beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from scipy.signal import argrelmin

from .skeleton import BONES, forward_kinematics

SMOOTHING = 0.04  #: sigma of the Gaussian that smooths joint speed, seconds
HIT_WINDOW = 0.1  #: a music beat counts as hit when a motion beat lies this close, seconds
_HIPS, _NECK = BONES.index("Hips"), BONES.index("Neck")


@dataclass(frozen=True)
class BeatReport:
    """Music beats against motion beats of one dance. Times in seconds from the start of the dance."""

    tempo: float  #: beats per minute
    beats: tuple[float, ...]  #: music beats
    motion_beats: tuple[float, ...]  #: moments at which the body stops or turns round
    speed_times: tuple[float, ...]
    speed: tuple[float, ...]  #: mean joint speed, torso lengths per second, smoothed
    motion_energy: float  #: mean of the unsmoothed speed, torso lengths per second

    @property
    def hits(self) -> int:
        """Music beats with a motion beat within HIT_WINDOW."""
        motion = np.asarray(self.motion_beats)
        return sum(bool(motion.size and np.abs(motion - beat).min() <= HIT_WINDOW) for beat in self.beats)

    def as_dict(self) -> dict[str, object]:
        """Plain JSON values, without the speed curve."""
        return {
            "tempo": round(self.tempo, 2),
            "beats": [round(t, 3) for t in self.beats],
            "motion_beats": [round(t, 3) for t in self.motion_beats],
            "beats_hit": self.hits,
            "motion_energy": round(self.motion_energy, 4),
        }


def picture_joints(codes: np.ndarray, offsets: np.ndarray, hips: np.ndarray) -> np.ndarray:
    """Where the body's points are in the picture: (F, 117) codes -> (F, 24, 2), frame units, y up."""
    points = forward_kinematics(torch.from_numpy(codes), torch.from_numpy(offsets), torch.from_numpy(hips))
    return points[..., :2].numpy()


def joint_speed(joints: np.ndarray, fps: float) -> np.ndarray:
    """Mean speed of 2D joints in torso lengths per second.

    Args:
        joints: (F, P, 2) positions, points in the order of :mod:`dabfusion.skeleton`.
        fps: frames per second.

    Returns:
        (F - 1,) speeds; entry n belongs to the moment (n + 0.5) / fps. Empty for fewer than two frames.
    """
    if len(joints) < 2:
        return np.zeros(0)
    torso = float(np.median(np.linalg.norm(joints[:, _NECK] - joints[:, _HIPS], axis=-1)))
    return np.linalg.norm(np.diff(joints, axis=0), axis=-1).mean(1) * fps / max(torso, 1e-6)


def smooth_speed(speed: np.ndarray, fps: float) -> np.ndarray:
    """Speed (N,) smoothed by a Gaussian of SMOOTHING seconds."""
    return gaussian_filter1d(speed, SMOOTHING * fps, mode="nearest") if speed.size else speed


def motion_beats(smoothed: np.ndarray, fps: float) -> np.ndarray:
    """Times (s) of the strict local minima of smoothed speed (N,)."""
    return (argrelmin(smoothed)[0] + 0.5) / fps if smoothed.size > 2 else np.zeros(0)


def make_beat_report(joints: np.ndarray, fps: float, beat_times: np.ndarray, tempo: float) -> BeatReport:
    """The report of one dance: (F, P, 2) joints at ``fps`` against music beats (s, from the start of the dance)."""
    speed = joint_speed(joints, fps)
    smoothed = smooth_speed(speed, fps)
    duration = len(joints) / fps
    return BeatReport(
        tempo=float(tempo),
        beats=tuple(float(t) for t in beat_times if 0 <= t < duration),
        motion_beats=tuple(float(t) for t in motion_beats(smoothed, fps)),
        speed_times=tuple(float(t) for t in (np.arange(speed.size) + 0.5) / fps),
        speed=tuple(float(v) for v in smoothed),
        motion_energy=float(speed.mean()) if speed.size else 0.0,
    )

"""How much and how evenly the dancer moves: joint speed, motion energy, keypoint acceleration.

Notation: x_n the 17 keypoints of frame n (pixels), tau the median torso length (middle of the shoulders to middle of
the hips), v_n = mean over joints |x_{n+1} - x_n| fps / tau, which belongs to the time (n + 1/2) / fps.
"""

from __future__ import annotations

import numpy as np

from .pose import HIPS, SHOULDERS, PoseTrack

VISIBLE = 0.3  #: keypoints of lower confidence are interpolated in time


def filled_keypoints(track: PoseTrack) -> np.ndarray:
    """Keypoints (F, 17, 2) with hidden ones taken from the straight line between the visible moments around them.

    A joint that is never seen stays NaN and counts for nothing.
    """
    points = np.full(track.keypoints.shape, np.nan)
    frames = np.arange(len(points))
    for joint in range(points.shape[1]):
        seen = (track.confidence[:, joint] > VISIBLE) & np.isfinite(track.keypoints[:, joint, 0])
        if not seen.any():
            continue
        for axis in range(2):
            points[:, joint, axis] = np.interp(frames, frames[seen], track.keypoints[seen, joint, axis])
    return points


def torso_length(points: np.ndarray) -> float:
    """Median distance (pixels) from the middle of the shoulders to the middle of the hips; NaN if never seen."""
    middle = points[:, SHOULDERS].mean(1) - points[:, HIPS].mean(1)  # (F, 2)
    lengths = np.linalg.norm(middle, axis=-1)
    return float(np.median(lengths[np.isfinite(lengths)])) if np.isfinite(lengths).any() else float("nan")


def joint_speed(track: PoseTrack) -> tuple[np.ndarray, np.ndarray]:
    """Mean speed of the joints.

    Returns:
        Times (F - 1,) in seconds and speeds (F - 1,) in torso lengths per second; both empty where no torso is seen.
    """
    points = filled_keypoints(track)
    seen = np.isfinite(points[0, :, 0]) if len(points) else np.zeros(0, bool)
    tau = torso_length(points) if len(points) else float("nan")
    if len(points) < 2 or not seen.any() or not tau > 0:
        return np.zeros(0), np.zeros(0)
    speed = np.linalg.norm(np.diff(points[:, seen], axis=0), axis=-1).mean(1) * track.fps / tau
    return (np.arange(len(speed)) + 0.5) / track.fps, speed


def motion_energy(track: PoseTrack) -> float:
    """Mean joint speed in torso lengths per second (metrics: motion energy); 0 without a dancer."""
    speed = joint_speed(track)[1]
    return float(speed.mean()) if speed.size else 0.0


def keypoint_acceleration(track: PoseTrack) -> float:
    """Mean joint acceleration in torso lengths per second squared: what jitter raises most; 0 without a dancer."""
    points = filled_keypoints(track)
    if len(points) < 3:
        return 0.0
    points = points[:, np.isfinite(points[0, :, 0])]
    tau = torso_length(filled_keypoints(track))
    if points.shape[1] == 0 or not tau > 0:
        return 0.0
    return float(np.linalg.norm(np.diff(points, 2, axis=0), axis=-1).mean() * track.fps**2 / tau)

"""Seam jump: how much more the dancer moves across a join of two windows than inside the windows; 1.0 is seamless."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from dabfusion.long_video import window_starts

from .motion import filled_keypoints, joint_speed
from .pose import PoseTrack


def seam_jump(displacement: np.ndarray, fps: float, seams: np.ndarray) -> float:
    """Mean displacement across the joins over the mean elsewhere.

    Args:
        displacement: (F - 1,) mean joint (or flow) displacement from each frame to the next, any unit.
        fps: frames a second.
        seams: (S,) times (s) at which one window gives way to the next; each falls between two frames.

    Returns:
        The ratio; NaN without a join inside the video, or where nothing moves.
    """
    index = np.ceil(np.asarray(seams, np.float64) * fps - 1e-6).astype(int) - 1
    at = np.zeros(len(displacement), bool)
    at[index[(index >= 0) & (index < len(displacement))]] = True
    if not at.any() or at.all() or displacement[~at].mean() <= 0:
        return float("nan")
    return float(displacement[at].mean() / displacement[~at].mean())


def track_seam_jump(track: PoseTrack, seams: np.ndarray) -> float:
    """:func:`seam_jump` of a dancer's joints."""
    if not np.isfinite(filled_keypoints(track)).any():
        return float("nan")
    return seam_jump(joint_speed(track)[1], track.fps, seams)


def window_seams(total: int, window: int, fps: float) -> np.ndarray:
    """Times (S,) in seconds at which one window of a long dance gives way to the next.

    Windows overlap and are blended by ramps, so that none ends at once: a seam is the middle of an overlap, where both
    have equal weight.

    Args:
        total: codes of the dance.
        window: codes of a window.
        fps: codes a second.
    """
    starts = window_starts(total, window)
    length = min(window, total)
    return np.array([(late + early + length) / 2 / fps for early, late in pairwise(starts)])

"""Kinematic beats: the moments at which the body stops or turns round.

Strict local minima of the mean speed of the 2D joints, in torso lengths per second, smoothed by a Gaussian of 40 ms.
Each minimum is refined to a fraction of a frame by a parabola through its neighbours, since times are in seconds.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from .motion import joint_speed
from .pose import PoseTrack

SMOOTHING = 0.04  #: sigma, seconds


def smoothed_speed(track: PoseTrack) -> tuple[np.ndarray, np.ndarray]:
    """Times (N,) and smoothed mean joint speeds (N,), see :func:`joint_speed`."""
    times, speed = joint_speed(track)
    return times, gaussian_filter1d(speed, SMOOTHING * track.fps, mode="nearest") if speed.size else speed


def kinematic_beats(track: PoseTrack) -> np.ndarray:
    """Times (K,) of the kinematic beats in seconds; empty for a still or absent dancer."""
    times, speed = smoothed_speed(track)
    return minima_times(times, speed)


def minima_times(times: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Times of the strict local minima of an evenly sampled curve (N,), to a fraction of a sample."""
    if len(values) < 3:
        return np.zeros(0)
    before, at, after = values[:-2], values[1:-1], values[2:]
    here = (at < before) & (at < after)
    curve = np.where(here, before - 2 * at + after, 1.0)
    return (times[1:-1] + 0.5 * (before - after) / curve * (times[1] - times[0]))[here]

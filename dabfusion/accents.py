"""Accents: a dance that lingers on every beat and hurries between two.

A dance is sampled at 15 poses a second, which is too coarse to stop on a beat that falls between two of them, and a
sampled dance stops half way between beats nearly as often as on them. So the poses stay as they are, and time runs
unevenly: with p the beats counted so far (a real number), the video shows at p the pose of
p - accent / (2 pi) sin(2 pi p). On a beat nothing is moved and the dance runs at 1 - accent of its speed; half way
between beats at 1 + accent. No pose is ever further than accent / (2 pi) of a beat (32 ms at 120 BPM and 0.4) from
where it was sampled, and feet that stood still do.
"""

from __future__ import annotations

import numpy as np

from .config import CODE_FPS
from .long_video import codes_at

#: Seconds over which the accents set in, so that the video begins with the photo's own pose.
SETTING_IN = 0.5


def accented_times(times: np.ndarray, music: np.ndarray, accent: float, fps: float = CODE_FPS) -> np.ndarray:
    """The moments of a sampled dance that a video shows at ``times``.

    Args:
        times: (F,) ascending seconds, from 0.
        music: (T, D) music features at ``fps`` rows a second; the first two are sine and cosine of the beat's phase,
            both 0 where there is no beat: there nothing changes.
        accent: how much slower the dance runs on a beat, 0 (as sampled) to 1 (stops).
        fps: rows a second.

    Returns:
        (F,) ascending seconds, at times 0 and on beats equal to ``times``.
    """
    if accent == 0 or len(music) < 2 or not np.any(music[:, :2]):
        return times
    rows = np.arange(len(music)) / fps
    turns = np.arctan2(music[:, 0], music[:, 1]).astype(np.float64) / (2 * np.pi)
    counted = turns[0] + np.concatenate([[0.0], np.cumsum(np.mod(np.diff(turns), 1.0))])
    beats = np.interp(times, rows, counted)
    grown = accent * np.clip(times / SETTING_IN, 0, 1)
    shown = np.interp(beats - grown / (2 * np.pi) * np.sin(2 * np.pi * beats), counted, rows)
    return np.asarray(np.where(times <= rows[-1], np.maximum.accumulate(shown), times))


def accented_codes(codes: np.ndarray, music: np.ndarray, fps: float, count: int, accent: float) -> np.ndarray:
    """The codes (count, 117) of a video at ``fps`` from a sampled dance (T, 117) and its music features (T, D)."""
    return codes_at(codes, CODE_FPS, accented_times(np.arange(count) / fps, music, accent))

"""Beat advantage: how much of the Align score belongs to *this* music.

advantage = Align(b) - mean_{k=1..7} Align(b shifted by k/8 of a beat).
A figure that jitters scores high on Align and zero here. The shift of each beat is k/8 of the gap to the next one, and
the grid is continued by one beat before its first, so that a shift uncovers nothing.
"""

from __future__ import annotations

import numpy as np

from .beat_align import SIGMA, beat_align

SHIFTS = 8


def shifted_beats(beats: np.ndarray, part: float) -> np.ndarray:
    """The grid (B,) moved on by ``part`` of a beat, (B + 1,), with one beat added in front; B >= 2."""
    gaps = np.diff(beats)
    grid = np.concatenate([[beats[0] - gaps[0]], beats])
    return grid + part * np.concatenate([[gaps[0]], gaps, [gaps[-1]]])


def beat_advantage(motion_beats: np.ndarray, music_beats: np.ndarray, sigma: float = SIGMA) -> float:
    """The advantage, in about [-1, 1]; 0 where there is no kinematic beat or fewer than two music beats."""
    if len(motion_beats) == 0 or len(music_beats) < 2:
        return 0.0
    beats = np.sort(np.asarray(music_beats, np.float64))
    grid = shifted_beats(beats, 0.0)
    others = [beat_align(motion_beats, shifted_beats(beats, k / SHIFTS), sigma) for k in range(1, SHIFTS)]
    return beat_align(motion_beats, grid, sigma) - float(np.mean(others))

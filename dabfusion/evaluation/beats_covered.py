"""MBCR, the music beat coverage rate: the share of music beats with a kinematic beat within 100 ms."""

from __future__ import annotations

import numpy as np

from .beat_align import nearest_distance

WINDOW = 0.1  #: seconds


def beats_covered(motion_beats: np.ndarray, music_beats: np.ndarray, window: float = WINDOW) -> float:
    """MBCR in [0, 1]; 0 where there is no kinematic beat or no music beat."""
    if len(motion_beats) == 0 or len(music_beats) == 0:
        return 0.0
    return float((nearest_distance(music_beats, motion_beats) <= window).mean())

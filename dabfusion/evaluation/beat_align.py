"""2D-MM Align (DabFusion Eq. 7).

Notation: t_i kinematic beats, b_j music beats, sigma the tolerance, all in seconds.
Align = mean_i exp(-min_j |t_i - b_j|^2 / (2 sigma^2)).
The paper does not print its sigma; 50 ms reproduces the scale of its figures.
"""

from __future__ import annotations

import numpy as np

SIGMA = 0.05  #: seconds


def nearest_distance(times: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Distance (N,) from each of ``times`` to the nearest of ``others`` (at least one), in their unit."""
    return np.abs(np.asarray(times)[:, None] - np.asarray(others)[None]).min(1)


def beat_align(motion_beats: np.ndarray, music_beats: np.ndarray, sigma: float = SIGMA) -> float:
    """2D-MM Align in [0, 1]; 0 where there is no kinematic beat or no music beat."""
    if len(motion_beats) == 0 or len(music_beats) == 0:
        return 0.0
    return float(np.exp(-(nearest_distance(motion_beats, music_beats) ** 2) / (2 * sigma**2)).mean())

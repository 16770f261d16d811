"""A grid of one tempo through a whole song, for songs that keep theirs, as dance music made on machines does.

Where a tracker loses the beat for a while and finds it again a half or a quarter beat off, the rest of the song is off.
One straight line through the whole song cannot slip; it is taken where it meets about as many onsets as the tracked
grid does, so that songs whose tempo moves, and edits that jump, stay as they were tracked.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

#: Beats below which there is no slipping.
FEWEST_BEATS = 16
#: Share of the tracked grid's onset strength that the steady one must meet.
ENOUGH = 0.9
#: Tempi around the tracked one: this far to both sides, and beats by which two of them differ at the song's end.
TEMPO_REACH, SLIP = 0.01, 0.05
#: Bins of a beat, and the width (bins) within which phases count as the same: 0.03 beats.
PHASES, SAME = 128, 4.0
#: Beats within which tracked ones belong to the line, pass by pass.
NEAR = (0.1, 0.05, 0.05)


def steady_grid(frames: np.ndarray) -> np.ndarray:
    """The evenly spaced grid that most of the tracked beats lie on.

    Args:
        frames: (B,) ascending tracked beats, in measurements, B >= 2.

    Returns:
        Even beats from about the first tracked one to about the last, (B', ).
    """
    start, end = float(frames[0]), float(frames[-1])
    middle = float(np.median(np.diff(frames)))
    count = max(int(TEMPO_REACH * (end - start) / middle / SLIP), 1)
    candidates = [_best_phase(frames - start, middle / (1 + TEMPO_REACH * k / count)) for k in range(-count, count + 1)]
    _, phase, period = max(candidates)
    for near in NEAR:
        turns = (frames - start - phase) / period
        agree = np.abs(turns - np.round(turns)) < near
        if agree.sum() >= 2:
            period, phase = np.polyfit(np.round(turns[agree]), (frames - start)[agree], 1)
    first, last = np.round(-phase / period), np.round((end - start - phase) / period)
    return np.asarray(start + phase + period * np.arange(first, last + 1))


def _best_phase(times: np.ndarray, period: float) -> tuple[float, float, float]:
    """How many of the beats (B,) share the commonest phase at this period, that phase, and the period."""
    phases = np.mod(times / period, 1.0) * PHASES
    density = gaussian_filter1d(
        np.bincount(phases.astype(int) % PHASES, minlength=PHASES).astype(float), SAME, mode="wrap"
    )
    best = int(density.argmax())
    return float(density[best]), (best + 0.5) / PHASES * period, period

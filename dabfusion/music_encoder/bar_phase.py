"""Which of the half beats are the beats, and which beat begins the bar: what low, middle and high onsets tell.

A song's onsets are folded over the bar: sixteen sixteenths, three bands. A template says how typical an onset of a band
is at each sixteenth (kicks on the one, snares and claps on two and four, few sounds right after the one). Of the eight
half-beat shifts the one whose profile fits the template best is the bar; a grid whose best shift is an odd number of
half beats is half a beat off. The template was fitted to Studio's songs (``training/fit_bar_template.py``); songs with
a backbeat follow it, music without one may not.
"""

from __future__ import annotations

import numpy as np

from .onsets import ONSET_DELAY, Onsets, pool

BEATS_PER_BAR = 4
STEPS = 16
SHIFTS = 8  # half beats in a bar
#: Seconds within which onsets count for a sixteenth (the reach of the rhythm tower's rows, on which this was fitted).
REACH = 1 / 15
#: Beats below which a song is too short to be folded.
FEWEST_BEATS = 8
#: Log odds from which on a grid is moved by half a beat.
SURE = 1.0
#: Log odds of an onset at each sixteenth of the bar: low, middle, high band.
TEMPLATE = np.array([
    [0.71, -0.05, -0.43, 0.21, -0.61, -0.66, 0.05, -0.06, 0.17, 0.05, 0.28, 0.14, 0.08, 0.13, -0.27, 0.23],
    [-0.20, -0.17, -0.71, 0.30, 0.57, -0.35, 0.06, 0.03, -0.60, -0.28, -0.27, 0.03, 0.85, 0.16, 0.28, 0.27],
    [0.16, 0.36, -0.37, 0.39, 0.57, -0.30, -0.24, -0.03, -0.43, -0.32, -0.31, 0.02, 0.42, -0.01, 0.20, -0.11],
])  # fmt: skip


def bar_profile(strength: np.ndarray) -> np.ndarray:
    """Onset strengths (N, 3) at consecutive sixteenths, folded over the bar: (3, 16), relative to each band's mean."""
    bars = max(len(strength) // STEPS, 1)
    mean = strength[: bars * STEPS].reshape(-1, STEPS, 3).mean(0).T
    return np.asarray(mean / mean.mean(1, keepdims=True).clip(1e-3) - 1)


def shift_scores(profile: np.ndarray) -> np.ndarray:
    """Log probability (8,) that the grid's first sixteenth lies 0, 1, ... 7 half beats after the bar's beginning."""
    fit = np.array([(np.roll(profile, 2 * k, axis=1) * TEMPLATE).sum() for k in range(SHIFTS)])
    return np.asarray(fit - fit.max() - np.log(np.exp(fit - fit.max()).sum()))


def grid_scores(onsets: Onsets, beats: np.ndarray) -> np.ndarray:
    """:func:`shift_scores` of a song on a grid of beats (B,) in seconds; all alike for fewer than 8 beats."""
    if len(beats) < FEWEST_BEATS:
        return np.full(SHIFTS, -np.log(SHIFTS))
    sixteenths = np.interp(np.arange((len(beats) - 1) * 4) / 4, np.arange(len(beats)), beats)
    return shift_scores(bar_profile(pool(onsets.strength[:, 1:], sixteenths + ONSET_DELAY, REACH)))


def half_beat_odds(scores: np.ndarray) -> float:
    """Log odds that a grid with these scores (8,) lies half a beat off."""
    return float(np.logaddexp.reduce(scores[1::2]) - np.logaddexp.reduce(scores[0::2]))


def on_the_beat(onsets: Onsets, beats: np.ndarray) -> np.ndarray:
    """The grid (B,) in seconds, moved by half a beat if that fits the template clearly better."""
    if half_beat_odds(grid_scores(onsets, beats)) < SURE:
        return beats
    return beats[:-1] + np.diff(beats) / 2


def first_count(onsets: Onsets, beats: np.ndarray) -> int:
    """The beat of the bar, 0 to 3, on which a grid begins; 0 where there is nothing to tell it by."""
    return int(grid_scores(onsets, beats)[0::2].argmax()) if len(beats) >= FEWEST_BEATS else 0

"""Where in the beat a grid lies, and which beat begins the bar: what low, middle and high onsets tell.

A song's onsets are folded over the bar: sixteen sixteenths, three bands. A template says how typical an onset of a band
is at each sixteenth (kicks on the one, snares and claps on two and four, few sounds right after the one). Of the
shifts of the grid against the bar the one whose profile fits the template best is believed: by whole beats it tells the
bar, by half beats (or, rarely, quarters) that the grid lies beside the beat. A few seconds of music tell little, so
there the first sound after silence counts, too: music seldom begins off the beat. The template was fitted to Studio's
songs (``training/fit_bar_template.py``); songs with a backbeat follow it, music without one may not.
"""

from __future__ import annotations

import numpy as np

from .onsets import GRID_RATE, ONSET_DELAY, Onsets, pool

BEATS_PER_BAR = 4
STEPS = 16
PER_BEAT = STEPS // BEATS_PER_BAR
SHIFTS = 8  # half beats in a bar
#: Seconds within which onsets count for a sixteenth (the reach of the rhythm tower's rows, on which this was fitted).
REACH = 1 / 15
#: Beats below which a song is too short to tell its bars, and even its beats from what lies between them.
FEWEST_BEATS, FEWEST_TOLD = 8, 3
#: Beats of a flat rhythm that are thought to have been heard as well: they keep short songs from being sure.
FLAT_BEATS = 4
#: Log odds from which on a grid is moved by 0, 1/4, 2/4, 3/4 of a beat: it often lies a half off, seldom a quarter.
SURE = np.array([0.0, 1.5, 0.1, 1.5])
#: Log odds that a song's first sound is on a beat, and how close to one (beats): 8 of 8 dance songs that were looked
#: at began so, hence 9 to 1.
BEGINS_ON_BEAT, BEGINS_WITHIN = float(np.log(9.0)), 0.08
#: A song begins out of silence if it starts below this amplitude over its loud level, with an attack at least this
#: strong over its strongest, within this time of the first sound (s).
QUIET, ATTACK, ATTACK_TIME = 0.03, 0.3, 0.07
#: Log odds of an onset at each sixteenth of the bar: low, middle, high band.
TEMPLATE = np.array([
    [0.71, -0.05, -0.43, 0.21, -0.61, -0.66, 0.05, -0.06, 0.17, 0.05, 0.28, 0.14, 0.08, 0.13, -0.27, 0.23],
    [-0.20, -0.17, -0.71, 0.30, 0.57, -0.35, 0.06, 0.03, -0.60, -0.28, -0.27, 0.03, 0.85, 0.16, 0.28, 0.27],
    [0.16, 0.36, -0.37, 0.39, 0.57, -0.30, -0.24, -0.03, -0.43, -0.32, -0.31, 0.02, 0.42, -0.01, 0.20, -0.11],
])  # fmt: skip


def bar_profile(strength: np.ndarray) -> np.ndarray:
    """Onset strengths (N, 3) at consecutive sixteenths, folded over the bar: (3, 16), relative to each band's mean.

    The last bar need not be whole; of a sixteenth that was never heard nothing is told (0).
    """
    place = np.arange(len(strength)) % STEPS
    heard = np.bincount(place, minlength=STEPS)
    total = np.stack([np.bincount(place, band, STEPS) for band in strength.T])
    mean = total / heard.clip(1)
    level = mean.sum(1, keepdims=True) / max(int((heard > 0).sum()), 1)
    return np.asarray(np.where(heard > 0, mean / level.clip(1e-3) - 1, 0.0))


def shift_scores(profile: np.ndarray) -> np.ndarray:
    """Log probability (8,) that the grid's first sixteenth lies 0, 1, ... 7 half beats after the bar's beginning."""
    fit = _fit(profile)[:: STEPS // SHIFTS]
    return np.asarray(fit - np.logaddexp.reduce(fit))


def quarter_scores(onsets: Onsets, beats: np.ndarray) -> np.ndarray:
    """Log odds (4,) that a grid of beats (B,) in seconds, B >= 2, lies 0, 1, 2, 3 quarters of a beat late.

    Over those of lying on the beat, so the first one is 0.
    """
    longer = np.append(beats, 2 * beats[-1] - beats[-2])  # the last beat's sixteenths count, too
    fit = _fit(bar_profile(_at_sixteenths(onsets, longer)))
    told = np.array([np.logaddexp.reduce(fit[late::PER_BEAT]) for late in range(PER_BEAT)])
    return np.asarray((told - told[0]) * len(beats) / (len(beats) + FLAT_BEATS))


def beginning_scores(onsets: Onsets, beats: np.ndarray) -> np.ndarray:
    """What the first sound tells of the same (4,); zeros where the song does not begin out of silence."""
    begin = first_sound(onsets)
    if begin is None:
        return np.zeros(PER_BEAT)
    counts = (begin - beats[0]) / np.median(np.diff(beats)) + np.arange(PER_BEAT) / PER_BEAT
    beside = counts - np.round(counts)
    return np.asarray(BEGINS_ON_BEAT * np.exp(-0.5 * (beside / BEGINS_WITHIN) ** 2))


def first_sound(onsets: Onsets) -> float | None:
    """Seconds at which a song begins; None where it is under way when the file begins, or fades in."""
    sounding = onsets.energy[:, 0] >= QUIET
    if onsets.silent or sounding[0] or not sounding.any():
        return None
    first = int(sounding.argmax())
    strength = onsets.strength[:, 0]
    attack = first + int(strength[first : first + int(ATTACK_TIME * GRID_RATE)].argmax())
    return attack / GRID_RATE - ONSET_DELAY if strength[attack] >= ATTACK * strength.max() else None


def on_the_beat(onsets: Onsets, beats: np.ndarray) -> np.ndarray:
    """The grid (B,) in seconds, moved by half a beat (or a quarter) if another place in the beat fits better."""
    if len(beats) < FEWEST_TOLD:
        return beats
    late = int((quarter_scores(onsets, beats) + beginning_scores(onsets, beats) - SURE).argmax())
    gaps = np.append(np.diff(beats), beats[-1] - beats[-2])
    return np.asarray(beats - gaps * (0, 1, 2, -1)[late] / PER_BEAT)


def first_count(onsets: Onsets, beats: np.ndarray) -> int:
    """The beat of the bar, 0 to 3, on which a grid begins; 0 where there is nothing to tell it by."""
    if len(beats) < FEWEST_BEATS:
        return 0
    return int(shift_scores(bar_profile(_at_sixteenths(onsets, beats)))[0::2].argmax())


def _at_sixteenths(onsets: Onsets, beats: np.ndarray) -> np.ndarray:
    """Onset strengths (4 (B - 1), 3) of the bands at the sixteenths between beats (B,)."""
    times = np.interp(np.arange((len(beats) - 1) * PER_BEAT) / PER_BEAT, np.arange(len(beats)), beats)
    return pool(onsets.strength[:, 1:], times + ONSET_DELAY, REACH)


def _fit(profile: np.ndarray) -> np.ndarray:
    """How well a profile fits (16,) if its first sixteenth is number 0, 1, ... 15 of the bar: log, unnormalised."""
    return np.array([(np.roll(profile, shift, axis=1) * TEMPLATE).sum() for shift in range(STEPS)])

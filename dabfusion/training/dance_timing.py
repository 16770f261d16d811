"""Time as augmentation: windows of dances at other tempi, and with breaks in which the dancer holds.

A window is described by three running times, in rows of the dance that it is cut from: where its beats are read, where
its poses are, and where its sound is. At another tempo all three run faster or slower. In a break the beats run on, the
sound is silent, and the poses hold until one beat before the break's end; then they go on as if nothing had been, so
every later pose is still on its beat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.ndimage import uniform_filter1d

from dabfusion.config import CODE_FPS
from dabfusion.music_encoder.beats import BEAT_FEATURES, CEILING, PULSE_WIDTH, REFERENCE_TEMPO

#: Beats of the count, the longest cycle of the tower "beats".
_COUNT = 8
#: Columns of the tower "rhythm" that are onset strengths, and those that are energies.
_ONSETS, _ENERGIES = [0, 5, 6, 7], slice(1, 5)
#: How fast onsets die away in a break, s.
_ONSETS_DIE = 0.06


@dataclass(frozen=True)
class Timing:
    """Running times (T,) in rows of the dance, and which frames are ``silent`` (T,) bool: see the top of this file."""

    beats: np.ndarray
    poses: np.ndarray
    sound: np.ndarray
    silent: np.ndarray

    @property
    def factor(self) -> float:
        """How much faster than the dance itself the window runs."""
        return float(self.beats[1] - self.beats[0]) if len(self.beats) > 1 else 1.0

    @property
    def is_plain(self) -> bool:
        """Whether the window is rows of the dance as they are."""
        return self.factor == 1.0 and not self.silent.any()

    @property
    def plain_rows(self) -> slice:
        """The rows of a plain window."""
        first = int(self.poses[0])
        return slice(first, first + len(self.poses))


def steady(begin: float, length: int, factor: float) -> Timing:
    """``length`` frames from row ``begin`` on, at ``factor`` times the tempo."""
    rows = begin + factor * np.arange(length)
    return Timing(rows, rows, rows, np.zeros(length, bool))


def beat_count(music: np.ndarray) -> np.ndarray:
    """The running beat count (T,) of music features (T, D), continuous; whole numbers are beats."""
    angle = np.unwrap(np.arctan2(music[:, 4].astype(np.float64), music[:, 5].astype(np.float64)))
    return angle / (2 * np.pi) * _COUNT


def has_beats(music: np.ndarray) -> bool:
    """Whether music features (T, D) tell of beats at all."""
    return bool(np.abs(music[:, :2]).max(initial=0.0) > 0)


def with_break(timing: Timing, music: np.ndarray, beats: int, rng: np.random.Generator) -> Timing:
    """The timing with a break of ``beats`` beats (2 or more) on one of its beats; unchanged where there is no room.

    Args:
        timing: of an unbroken window.
        music: (T, D) features of the dance that the window is cut from.
        beats: length of the break.
        rng: chooses the beat.
    """
    rows = np.arange(len(music))
    count = np.interp(timing.beats, rows, beat_count(music))
    whole = np.arange(np.ceil(count[0]), np.floor(count[-1]) + 1)
    at = np.interp(whole, count, np.arange(len(count)))  # frames of the window that are beats
    fits = [k for k in range(len(whole) - beats) if at[k] >= CODE_FPS / 2 and at[k + beats] <= len(count) - 2]
    if not fits:
        return timing
    k = fits[rng.integers(len(fits))]
    frames = np.arange(len(count))
    held = timing.factor * (at[k + beats - 1] - at[k])  # rows that the rest of the dance is late
    corners = [0.0, at[k], at[k + beats - 1], float(len(count) - 1)]
    first, rest = timing.poses[0], timing.factor * at[k]
    places = [first, first + rest, first + rest, timing.poses[-1] - held]
    poses = uniform_filter1d(np.interp(frames, corners, places), 3, mode="nearest")
    poses[[0, -1]] = places[0], places[-1]
    silent = (frames >= at[k]) & (frames < at[k + beats])
    sound = np.where(frames < at[k], timing.sound, timing.sound - held)
    return Timing(timing.beats, poses, sound, silent)


def retimed_poses(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Values (T, ...) at running times (F,) in rows: cubic splines through every row."""
    low = max(int(rows.min()) - 2, 0)
    high = min(int(rows.max()) + 4, len(values))
    spline = CubicSpline(np.arange(low, high), values[low:high].astype(np.float64))
    return spline(rows).astype(np.float32)


def retimed_music(music: np.ndarray, timing: Timing, rng: np.random.Generator) -> np.ndarray:
    """Music features (F, 16) of a window of a dance with features (T, 16).

    Beats are read as phases, so the pulse keeps its width in seconds; onsets that come faster keep their strength.
    """
    rows = np.arange(len(music))
    count = np.interp(timing.beats, rows, beat_count(music))
    columns = [turn(2 * np.pi * count / cycle) for cycle in (1, 2, _COUNT) for turn in (np.sin, np.cos)]
    pace = np.gradient(count) * CODE_FPS  # beats a second
    away = np.abs(count - np.round(count)) / pace.clip(0.1)
    tempo = np.interp(timing.beats, rows, music[:, 7].astype(np.float64)) + np.log2(timing.factor)
    pulse = np.stack([*columns, np.exp(-0.5 * (away / PULSE_WIDTH) ** 2), tempo], 1)
    rhythm = _retimed_rhythm(music[:, BEAT_FEATURES:].astype(np.float64), timing)
    if timing.silent.any():
        rhythm = _silenced(rhythm, timing.silent, rng)
    return np.concatenate([pulse, rhythm], 1).astype(np.float32)


def _retimed_rhythm(rhythm: np.ndarray, timing: Timing) -> np.ndarray:
    """Rhythm (T, 8) at the running times of the sound: averaged over what a frame covers, onsets at their height."""
    grid = np.arange(len(rhythm))
    reach = max(timing.factor - 1, 0.0) / 2
    parts = [
        np.stack([np.interp((timing.sound + shift).clip(0, grid[-1]), grid, c) for c in rhythm.T], 1)
        for shift in (-reach, 0.0, reach)
    ]
    out = np.mean(parts, 0)
    out[:, _ONSETS] = 0.5 * out[:, _ONSETS] + 0.5 * np.max(parts, 0)[:, _ONSETS]
    return out.clip(0, CEILING)


def _silenced(rhythm: np.ndarray, silent: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rhythm (F, 8) whose sound dies away where it is ``silent``, in a room and over noise of some loudness."""
    out = rhythm.copy()
    first = int(np.argmax(silent))
    gone = (np.arange(len(silent)) - first + 1)[silent, None] / CODE_FPS
    before = rhythm[max(first - 1, 0)]
    out[silent] = before * np.exp(-gone / _ONSETS_DIE)
    floor = rng.uniform(0, 0.18) * rng.random(4) * (rng.random() < 0.8)
    dying = before[_ENERGIES] * np.exp(-gone / rng.uniform(0.05, 0.4))
    out[silent, _ENERGIES] = np.maximum(dying, floor)
    return out


def tempo_factor(music: np.ndarray, low: float, high: float, slowest: float, fastest: float, rng: np.random.Generator
                 ) -> float:  # fmt: skip
    """A factor from ``low`` to ``high``, evenly by ratio, that keeps the tempo from ``slowest`` to ``fastest`` BPM."""
    own = REFERENCE_TEMPO * 2.0 ** float(music[:, 7].astype(np.float64).mean())
    a, b = max(low, slowest / own), min(high, fastest / own)
    return float(np.exp(rng.uniform(np.log(min(a, b)), np.log(b))))

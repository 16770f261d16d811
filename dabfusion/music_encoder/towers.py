"""The seam between a song and whatever listens to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .beats import BEAT_FEATURES, RHYTHM_FEATURES, beat_features, pool_rhythm
from .embedding import BEATS_TOWER
from .onsets import Onsets


@dataclass(frozen=True)
class Song:
    """A decoded song and what was measured on it once, for all towers.

    Attributes:
        audio: (N,) float32 mono.
        sample_rate: Hz.
        onsets: band energies and onset strengths on a fine grid.
        tempo: BPM; 0 where there is no beat.
        beat_times: (B,) ascending seconds.
        first_count: beat of the bar of ``beat_times[0]``.
    """

    audio: np.ndarray
    sample_rate: int
    onsets: Onsets
    tempo: float
    beat_times: np.ndarray
    first_count: int = 0

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.audio) / self.sample_rate


class Tower(Protocol):
    """One part of the music embedding: a frozen listener."""

    @property
    def name(self) -> str:
        """The name under which checkpoints ask for it."""

    @property
    def width(self) -> int:
        """Numbers per frame."""

    def encode(self, song: Song, frames: int, fps: float) -> np.ndarray:
        """(frames, width) float32; row i stands for the time i / fps of the song."""


class BeatsTower:
    """Where each frame lies between the beats; see :mod:`.beats`."""

    name = BEATS_TOWER
    width = BEAT_FEATURES

    def encode(self, song: Song, frames: int, fps: float) -> np.ndarray:
        """(frames, 8) float32; zeros where the song has no beat."""
        times = np.arange(frames) / fps
        return beat_features(times, song.beat_times, song.tempo, count_offset=song.first_count)


class RhythmTower:
    """Loudness and onsets of each frame; see :mod:`.beats`."""

    name = "rhythm"
    width = RHYTHM_FEATURES

    def encode(self, song: Song, frames: int, fps: float) -> np.ndarray:
        """(frames, 8) float32 in [0, 1.5]; zeros for silence."""
        return pool_rhythm(song.onsets, frames, fps)

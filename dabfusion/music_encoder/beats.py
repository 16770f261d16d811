"""The beats and rhythm towers: what every frame knows about the pulse of the song.

Notation: t a time in seconds, p(t) the running beat count at t (0 on the first beat, 1 on the second, ...), linear
between beats.

The `beats` tower, 8 numbers: sin 2 pi p, cos 2 pi p | sin 2 pi p/2, cos 2 pi p/2 | sin 2 pi p/8, cos 2 pi p/8 |
exp(-(d / 50 ms)^2 / 2) with d the distance to the nearest beat | log2(tempo / 120).
The `rhythm` tower, 8 numbers: onset strength, loudness, energy of the low, mid and high band, onset strength of the
low, mid and high band, all relative to the song's own level.
"""

from __future__ import annotations

import numpy as np

from .beat_tracker import extend_beats, track_beats
from .onsets import ONSET_DELAY, WEAKEST_ONSET, Onsets, measure_onsets, pool

__all__ = ["beat_features", "extend_beats", "frame_count", "pool_rhythm", "rhythm_features", "track_beats"]

BEAT_FEATURES = 8
RHYTHM_FEATURES = 8
PULSE_WIDTH = 0.05  # s, standard deviation of the pulse around a beat
REFERENCE_TEMPO = 120.0  # BPM
#: Rhythm numbers are clipped here; 1.0 is the song's own loud level.
CEILING = 1.5


def frame_count(duration: float, fps: float) -> int:
    """Frames that a song of ``duration`` seconds has at ``fps``: the nearest whole number, at least 1."""
    return max(int(np.floor(duration * fps + 0.5)), 1)


def beat_features(times: np.ndarray, beat_times: np.ndarray, tempo: float, *, count_offset: int = 0) -> np.ndarray:
    """Where each time lies between the beats.

    Args:
        times: (T,) seconds.
        beat_times: (B,) ascending seconds of the beats, same clock; the grid goes on beyond both ends at the pace
            of the nearest beats.
        tempo: BPM, for the last number and for the pace where there is only one beat.
        count_offset: beats to add to the count, so that ``beat_times[0]`` is count ``count_offset`` of the 8.

    Returns:
        (T, 8) float32, see the top of this file; zeros where there are no beats.
    """
    t = np.asarray(times, np.float64)
    features = np.zeros((len(t), BEAT_FEATURES), np.float32)
    if len(beat_times) == 0 or (len(beat_times) == 1 and tempo <= 0):
        return features
    beats = extend_beats(beat_times, tempo, t.min(initial=0.0) - 1e-3, t.max(initial=0.0) + 1e-3)
    first = int(np.argmin(np.abs(beats - beat_times[0])))
    index = np.arange(len(beats)) - first + count_offset
    p = np.interp(t, beats, index)
    distance = np.abs(t[:, None] - beats[None]).min(1) if len(beats) < 64 else _nearest(t, beats)
    for column, beats_per_cycle in enumerate((1, 2, 8)):
        angle = 2 * np.pi * p / beats_per_cycle
        features[:, 2 * column], features[:, 2 * column + 1] = np.sin(angle), np.cos(angle)
    features[:, 6] = np.exp(-0.5 * (distance / PULSE_WIDTH) ** 2)
    features[:, 7] = np.log2(tempo / REFERENCE_TEMPO) if tempo > 0 else 0.0
    return features


def rhythm_features(audio: np.ndarray, sample_rate: int, fps: float) -> np.ndarray:
    """Loudness and onsets per frame.

    Args:
        audio: (N,) mono samples.
        sample_rate: Hz.
        fps: frames a second; frame i stands for the time i / fps.

    Returns:
        (T, 8) float32 in [0, 1.5], T = :func:`frame_count` of the duration; zeros for silence.
    """
    return pool_rhythm(measure_onsets(audio, sample_rate), frame_count(len(audio) / sample_rate, fps), fps)


def pool_rhythm(onsets: Onsets, frames: int, fps: float) -> np.ndarray:
    """The rhythm tower (frames, 8) from measurements already made; see :func:`rhythm_features`."""
    if onsets.silent:
        return np.zeros((frames, RHYTHM_FEATURES), np.float32)
    times = np.arange(frames) / fps
    energy = np.sqrt(pool(onsets.energy, times, 1 / fps))  # (T, 4), compressed: quiet parts stay visible
    strength = pool(onsets.strength, times + ONSET_DELAY, 1 / fps)  # (T, 4)
    strength = strength / np.maximum(np.percentile(strength, 98, axis=0), WEAKEST_ONSET)
    columns = np.concatenate([strength[:, :1], energy, strength[:, 1:]], 1)
    return np.clip(columns, 0.0, CEILING).astype(np.float32)


def _nearest(times: np.ndarray, beats: np.ndarray) -> np.ndarray:
    """Distance (T,) from each time to the nearest of the ascending beats."""
    right = np.clip(np.searchsorted(beats, times), 1, len(beats) - 1)
    return np.minimum(np.abs(times - beats[right - 1]), np.abs(times - beats[right]))

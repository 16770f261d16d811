"""Beats by somebody else: librosa's tracker (Ellis 2007), as a check on our own, which the dance model hears, too."""

from __future__ import annotations

import librosa
import numpy as np


def librosa_beats(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Times (B,) in seconds of the beats that librosa tracks in (N,) mono samples; none in silence."""
    if audio.size == 0 or not np.abs(audio).max() > 0:
        return np.zeros(0)
    _, beats = librosa.beat.beat_track(y=audio, sr=sample_rate, units="time", trim=False)
    return np.asarray(beats, np.float64)

"""AV-Align (Yariv et al. 2023, TempoTokens): do peaks of picture motion fall on onsets of the sound?

Picture: Farneback flow, mean magnitude per frame, strict local maxima of at least 0.1 px. Sound: librosa's onsets.
A pair matches when it is less than one frame apart, each picture peak used once.
AV-Align = m / (A + V - m); 0 where both are empty.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import librosa
import numpy as np

WEAKEST = 0.1  #: px a frame


def flow_strength(frames: np.ndarray) -> np.ndarray:
    """Mean flow magnitude (F - 1,) in px from each frame of (F, H, W, 3) uint8 to the next."""
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    flows = (
        cv2.calcOpticalFlowFarneback(a, b, np.zeros((*a.shape, 2), np.float32), 0.5, 3, 15, 3, 5, 1.2, 0)
        for a, b in pairwise(grey)
    )
    return np.array([float(np.linalg.norm(flow, axis=-1).mean()) for flow in flows])


def motion_peaks(strength: np.ndarray, fps: float) -> np.ndarray:
    """Times (s) of the strict local maxima of (N,) that reach WEAKEST; entry n belongs to frame n + 1."""
    if len(strength) < 3:
        return np.zeros(0)
    at = strength[1:-1]
    peak = (at > strength[:-2]) & (at > strength[2:]) & (at >= WEAKEST)
    return (np.nonzero(peak)[0] + 2) / fps


def onset_times(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Onsets (s) of (N,) samples; none in silence."""
    if audio.size == 0 or not np.abs(audio).max() > 0:
        return np.zeros(0)
    return np.asarray(librosa.onset.onset_detect(y=audio, sr=sample_rate, units="time"), np.float64)


def peak_overlap(onsets: np.ndarray, peaks: np.ndarray, fps: float) -> float:
    """Intersection over union of two lists of times (s), each picture peak used once."""
    unused = list(peaks)
    matches = 0
    for onset in onsets:
        hit = next((p for p in unused if abs(p - onset) < 1 / fps), None)
        if hit is not None:
            matches += 1
            unused.remove(hit)
    union = len(onsets) + len(peaks) - matches
    return matches / union if union else 0.0


def av_align(frames: np.ndarray, fps: float, audio: np.ndarray, sample_rate: int) -> float:
    """AV-Align in [0, 1] of a video (F, H, W, 3) uint8 and its sound (N,)."""
    return peak_overlap(onset_times(audio, sample_rate), motion_peaks(flow_strength(frames), fps), fps)

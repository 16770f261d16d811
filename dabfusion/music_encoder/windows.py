"""Learned towers listen to windows of sound: cutting them, and spreading what they say over the frames."""

from __future__ import annotations

from collections.abc import Callable

import librosa
import numpy as np
import torch
from torch import Tensor

BATCH = 8  # windows at a time, which bounds the memory for long songs


def window_embeddings(
    audio: np.ndarray,
    sample_rate: int,
    listen: Callable[[Tensor], Tensor],
    *,
    rate: int,
    window: float,
    hop: float,
) -> tuple[np.ndarray, np.ndarray]:
    """What a network says about each window of a song.

    Args:
        audio: (N,) float32 mono.
        sample_rate: Hz of ``audio``.
        listen: (B, n) float32 samples at ``rate`` -> (B, width).
        rate: Hz at which the network listens.
        window: seconds of a window; windows reach beyond the song's ends into silence.
        hop: seconds between two windows.

    Returns:
        (W,) seconds of the windows' middles, and (W, width) float32.
    """
    signal = np.asarray(audio, np.float32)
    if sample_rate != rate and signal.size:
        signal = librosa.resample(signal, orig_sr=sample_rate, target_sr=rate)
    size = round(window * rate)
    middles = np.arange(0.0, max(len(audio) / sample_rate, hop), hop)
    padded = np.pad(signal, (size // 2, size + round(hop * rate)))
    said = []
    with torch.inference_mode():
        for first in range(0, len(middles), BATCH):
            begins = np.round(middles[first : first + BATCH] * rate).astype(int)
            batch = np.stack([padded[b : b + size] for b in begins])  # (B, n)
            said.append(listen(torch.from_numpy(batch)).float().cpu().numpy())
    return middles, np.concatenate(said).astype(np.float32)


def spread(middles: np.ndarray, embeddings: np.ndarray, frames: int, fps: float) -> np.ndarray:
    """Embeddings (W, width) said at ``middles`` (W,), linearly between them at the frames' times: (frames, width)."""
    at = np.clip(np.interp(np.arange(frames) / fps, middles, np.arange(len(middles))), 0, len(middles) - 1)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, len(middles) - 1)
    part = (at - low)[:, None]
    return ((1 - part) * embeddings[low] + part * embeddings[high]).astype(np.float32)

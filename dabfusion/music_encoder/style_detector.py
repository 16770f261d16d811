"""Which dance style a song asks for: a guess from its tempo and rhythm, for the page to propose.

A song is described by numbers that do not depend on where its bars begin: tempo, loudness of the bands, how their
onsets lie within the beat, and how strongly they repeat after each fraction of a bar. A small network that was trained
on Studio's songs (``training/train_song_style.py``) turns them into probabilities. It knows the genres as Studio plays
them; real songs are more varied, and it says so by its confidence only in part: see ``checkpoints/song-style``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..checkpoint import open_checkpoint
from ..config import AUTO_STYLE, CHECKPOINTS, STYLES
from .embedding import BEATS_TOWER, MusicEmbedding

DEFAULT_FOLDER = CHECKPOINTS / "song-style"
WEIGHTS = "style_detector"
RHYTHM_TOWER = "rhythm"
#: Onset columns of the rhythm tower: all, low, mid, high band.
_ONSETS = (0, 5, 6, 7)
_PARTS = 8  # parts of a beat
_PERIODS = np.arange(0.25, 4.01, 0.25)  # beats after which a band may repeat itself
_FEWEST_ROWS = 45  # 3 s
DESCRIPTION_SIZE = 1 + 3 * 8 + len(_ONSETS) * (_PARTS + len(_PERIODS))


class StyleDetector(nn.Module):
    """Descriptions (B, :data:`DESCRIPTION_SIZE`) to logits of the styles (B, 11)."""

    mean: Tensor
    std: Tensor

    def __init__(self, hidden: int = 48) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(DESCRIPTION_SIZE))
        self.register_buffer("std", torch.ones(DESCRIPTION_SIZE))
        self.enter = nn.Linear(DESCRIPTION_SIZE, hidden)
        self.drop = nn.Dropout(0.4)
        self.leave = nn.Linear(hidden, len(STYLES))

    def fit(self, descriptions: Tensor) -> None:
        """Takes mean and spread of descriptions (N, :data:`DESCRIPTION_SIZE`)."""
        self.mean.copy_(descriptions.mean(0))
        self.std.copy_(descriptions.std(0).clamp(min=1e-3))

    def forward(self, descriptions: Tensor) -> Tensor:
        h = ((descriptions - self.mean) / self.std).clamp(-4, 4)
        return self.leave(self.drop(nn.functional.gelu(self.enter(h))))


def detect_style(embedding: MusicEmbedding, folder: Path = DEFAULT_FOLDER) -> tuple[str, float]:
    """The style that a song asks for most, one of ``config.STYLES``, and how sure that is (0 to 1).

    Args:
        embedding: a whole song, or some seconds of it, with the towers "beats" and "rhythm".
        folder: checkpoint of the detector.

    Returns:
        ``("auto", 0.0)`` for a song without beats, without those towers, or shorter than three seconds.

    Raises:
        CheckpointError: the checkpoint is missing or changed.
    """
    has_towers = BEATS_TOWER in embedding.towers and RHYTHM_TOWER in embedding.towers
    if embedding.tempo <= 0 or not has_towers or len(embedding.features) < _FEWEST_ROWS:
        return AUTO_STYLE, 0.0
    detector = StyleDetector()
    open_checkpoint(folder).load_into(detector, WEIGHTS)
    with torch.no_grad():
        chances = detector.eval()(torch.from_numpy(describe_song(embedding))[None])[0].softmax(-1)
    best = int(chances.argmax())
    return STYLES[best], float(chances[best])


def describe_song(embedding: MusicEmbedding) -> np.ndarray:
    """The numbers (:data:`DESCRIPTION_SIZE`,) float32 that the detector looks at; the song must have a tempo."""
    pulse, rhythm = embedding.tower(BEATS_TOWER), embedding.tower(RHYTHM_TOWER).astype(np.float64)
    heard = rhythm[:, 1] > 0.05 * max(float(rhythm[:, 1].max()), 1e-6)  # breaks say nothing
    kept = rhythm[heard] if heard.sum() >= _FEWEST_ROWS else rhythm
    levels = np.concatenate([kept.mean(0), kept.std(0), np.percentile(kept, 90, axis=0)])
    phase = np.arctan2(pulse[:, 0], pulse[:, 1]) / (2 * np.pi) % 1.0  # 0 on the beat
    beats_a_row = embedding.tempo / 60 / embedding.fps
    parts = [np.array([np.log2(embedding.tempo / 120)]), levels]
    for column in _ONSETS:
        parts += [_within_beat(rhythm[:, column], phase), _repeats(rhythm[:, column], beats_a_row)]
    return np.concatenate(parts).astype(np.float32)


def _within_beat(onsets: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """Mean onset strength (T,) in each of the beat's parts, over its mean."""
    near = 1 - np.abs((phase[:, None] * _PARTS - np.arange(_PARTS) + _PARTS / 2) % _PARTS - _PARTS / 2)
    weight = near.clip(0)  # (T, parts), triangles that add to 1
    mean = (weight * onsets[:, None]).sum(0) / weight.sum(0).clip(1e-6)
    return np.asarray(mean / max(float(onsets.mean()), 1e-3))


def _repeats(onsets: np.ndarray, beats_a_row: float) -> np.ndarray:
    """How like itself (T,) onsets are each of the periods later: correlation coefficients."""
    v = onsets - onsets.mean()
    power = max(float((v * v).mean()), 1e-9)
    lags = _PERIODS / beats_a_row
    longest = min(int(lags[-1]) + 2, len(v) - 2)
    likeness = np.array([(v[: len(v) - lag] * v[lag:]).mean() / power for lag in range(longest)])
    return np.interp(lags, np.arange(longest), likeness, right=0.0)

"""A stand-in for the rhythm tower where a dance's song was not rendered: a random drum pattern, as it would be heard.

Columns as in :mod:`dabfusion.music_encoder.beats`: onset strength, loudness, low, mid, high energy, and the onset
strength of the three bands. What matters is kept true: events on the grid's sixteenths, louder where the song is
active, silence in its breaks. The patterns vary far more than any genre's, so that the model leans on what all music
shares.
"""

from __future__ import annotations

import numpy as np

STEPS = 16  # sixteenths in a bar
_DECAY = np.array([0.16, 0.11, 0.07])  # s, of a low, mid and high event


def drum_pattern(rng: np.random.Generator) -> np.ndarray:
    """Loudness (3, 16) of the events of a bar: low (kick), mid (snare, chords), high (hats)."""
    pattern = np.zeros((3, STEPS))
    pattern[0, ::4] = rng.uniform(0.5, 1.0) * (rng.random(4) < rng.choice([0.5, 0.75, 1.0]))
    pattern[0, 0] = rng.uniform(0.7, 1.0)
    pattern[1, 4::8] = rng.uniform(0.4, 1.0)
    pattern[2, :: int(rng.choice([2, 2, 4, 1]))] = rng.uniform(0.3, 1.0)
    extra = rng.random((3, STEPS)) < rng.uniform(0, 0.2)
    return np.maximum(pattern, extra * rng.uniform(0.2, 0.8, (3, STEPS)))


def stand_in_rhythm(counts: np.ndarray, energy: np.ndarray, fps: float, rng: np.random.Generator) -> np.ndarray:
    """Rhythm features (T, 8) of a song that was never heard.

    Args:
        counts: (T,) dance counts (1 on the first beat).
        energy: (T,) how active the song is, 0 to 1.
        fps: rows a second.
        rng: fixes the pattern.
    """
    pattern = drum_pattern(rng)
    sixteenths = (np.asarray(counts) - 1) * 4
    step = np.ceil(sixteenths - 1e-6).astype(int)
    struck = np.diff(step, prepend=step[0] - 1) > 0  # a sixteenth began since the row before
    hits = pattern[:, (step % STEPS)] * struck * _heard(energy, rng)  # (3, T)
    tail = rng.uniform(0.1, 0.4) * _heard(energy, rng)  # what sounds on between the hits
    bands = np.empty_like(hits)
    for band, seconds in enumerate(_DECAY * rng.uniform(0.7, 1.6)):
        level, fade = 0.0, float(np.exp(-1 / (fps * seconds)))
        for n, hit in enumerate(hits[band]):
            level = max(level * fade, float(hit))
            bands[band, n] = max(level, float(tail[n]))
    leak = rng.uniform(0.1, 0.5)  # a frame's pool reaches into its neighbours
    strength = np.vstack([hits.mean(0), hits])  # (4, T): all, low, mid, high
    strength = strength + leak * (np.roll(strength, 1, 1) + np.roll(strength, -1, 1))
    strength = strength / np.percentile(strength, 98, axis=1, keepdims=True).clip(0.1) + rng.uniform(0, 0.1)
    energy_columns = np.sqrt(np.vstack([bands.mean(0) * 1.2, bands])) * rng.uniform(1.0, 1.4, (4, 1))
    columns = np.vstack([strength[:1], energy_columns, strength[1:]])
    noisy = columns * np.exp(rng.normal(0, 0.15, columns.shape)) * (np.asarray(energy) > 0)
    return noisy.T.clip(0, 1.5).astype(np.float32)


def _heard(energy: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Loudness (T,) of a song's activity: compressed by some amount, but silent in breaks."""
    return np.asarray(energy, np.float64).clip(0, 1) ** rng.uniform(0.3, 1.0)

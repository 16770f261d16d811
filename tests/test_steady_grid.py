"""One tempo through a whole song, on grids and songs written here."""

from __future__ import annotations

import numpy as np
import pytest
from test_music_encoder import distances, drum_song

from dabfusion.music_encoder.beat_tracker import _steadied, track_beats
from dabfusion.music_encoder.onsets import GRID_RATE
from dabfusion.music_encoder.steady_grid import steady_grid

PERIOD = 42.3  # measurements


def envelope_of(frames: np.ndarray) -> np.ndarray:
    """An onset at each of the frames, and a weaker one between any two."""
    at = np.arange(int(frames[-1]) + 100)
    events = np.concatenate([frames, frames[:-1] + np.diff(frames) / 2])
    height = np.concatenate([np.ones(len(frames)), np.full(len(frames) - 1, 0.9)])
    return np.asarray((height * np.exp(-0.5 * ((at[:, None] - events) / 1.5) ** 2)).sum(1))


@pytest.mark.parametrize("slip", [0.25, 0.5, -0.5])
def test_a_grid_that_slipped_is_brought_back(slip: float) -> None:
    true = 30.0 + PERIOD * np.arange(100)
    slipped = true + slip * PERIOD * np.clip((np.arange(100) - 60) / 10, 0, 1)
    jitter = np.random.default_rng(0).normal(0, 1.0, 100)
    even = _steadied(slipped + jitter, envelope_of(true))
    assert distances(even, true[1:-1]).max() < 1.0
    assert np.ptp(np.diff(even)) < 1e-6


@pytest.mark.parametrize("song", ["drifts", "jumps", "short"])
def test_songs_that_do_not_keep_one_tempo_stay_as_tracked(song: str) -> None:
    count = 12 if song == "short" else 100
    gaps = np.full(count, PERIOD) * (np.linspace(0.97, 1.03, count) if song == "drifts" else 1.0)
    gaps[60:61] *= 1.3 if song == "jumps" else 1.0
    frames = np.cumsum(gaps)
    np.testing.assert_array_equal(_steadied(frames, envelope_of(frames)), frames)


@pytest.mark.parametrize("count", [2, 3, 40, 1500])
def test_an_even_grid_stays_itself(count: int) -> None:
    frames = 17.0 + PERIOD * np.arange(count)
    even = steady_grid(frames)
    assert len(even) == count
    np.testing.assert_allclose(even, frames, atol=1e-3)


def test_a_song_without_drums_in_its_middle_keeps_its_beat() -> None:
    song, beats = drum_song(97.3, 40.0)
    song[15 * 22050 : 24 * 22050] = 0.0
    tempo, found = track_beats(song, 22050)
    assert tempo == pytest.approx(97.3, rel=1e-3)
    assert distances(found, beats).max() < 1.5 / GRID_RATE

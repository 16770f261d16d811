"""Beats and bars told by what bands sound where, on patterns written here."""

from __future__ import annotations

import numpy as np
import pytest

from dabfusion.music_encoder.bar_phase import (
    FEWEST_BEATS,
    STEPS,
    TEMPLATE,
    bar_profile,
    first_count,
    grid_scores,
    half_beat_odds,
    on_the_beat,
)
from dabfusion.music_encoder.onsets import GRID_RATE, ONSET_DELAY, Onsets
from dabfusion.training.build_songs import HeardSong, hear_song
from dabfusion.training.fit_bar_template import examples, fit_template, right

PERIOD = 0.5
BACKBEAT = {1: (0, 7, 8), 2: (4, 12), 3: (2, 6, 10, 14)}  # kicks, snares, and hats between the beats


def onsets_of(pattern: dict[int, tuple[int, ...]], bars: int, first: float = 0.3) -> tuple[Onsets, np.ndarray]:
    """Onset strengths of a pattern of sixteenths, and the true beats."""
    seconds = first + bars * 4 * PERIOD
    strength = np.full((int(seconds * GRID_RATE), 4), 0.02)
    time = np.arange(len(strength)) / GRID_RATE - ONSET_DELAY
    for band, steps in pattern.items():
        for bar in range(bars):
            for step in steps:
                at = first + (bar * 4 + step / 4) * PERIOD
                strength[:, band] += np.exp(-0.5 * ((time - at) / 0.012) ** 2)
    return Onsets(np.ones_like(strength), strength, False), first + np.arange(bars * 4) * PERIOD


def test_a_grid_between_the_beats_is_moved() -> None:
    onsets, beats = onsets_of(BACKBEAT, 12)
    np.testing.assert_array_equal(on_the_beat(onsets, beats), beats)
    moved = on_the_beat(onsets, beats + PERIOD / 2)
    np.testing.assert_allclose(np.abs(moved[:-1, None] - beats[None]).min(1), 0, atol=1e-9)
    assert half_beat_odds(grid_scores(onsets, beats)) < -1 < 1 < half_beat_odds(grid_scores(onsets, beats + PERIOD / 2))


@pytest.mark.parametrize("skipped", [0, 1, 2, 3])
def test_the_bar_is_found_wherever_the_grid_begins(skipped: int) -> None:
    pattern = {**BACKBEAT, 1: (0, 6, 7), 2: (4, 12)}  # a kick on one, none on three
    onsets, beats = onsets_of(pattern, 12)
    assert first_count(onsets, beats[skipped:]) == skipped


def test_nothing_is_told_of_few_beats_or_no_rhythm() -> None:
    onsets, beats = onsets_of(BACKBEAT, 4)
    few = beats[: FEWEST_BEATS - 1] + PERIOD / 2
    np.testing.assert_array_equal(on_the_beat(onsets, few), few)
    assert first_count(onsets, few) == 0
    flat = Onsets(onsets.energy, np.full_like(onsets.strength, 0.1), False)
    np.testing.assert_array_equal(on_the_beat(flat, beats + 0.1), beats + 0.1)


def test_profile_is_relative_to_each_band() -> None:
    strength = np.tile(np.arange(STEPS, dtype=float)[:, None] * [1.0, 2.0, 0.0], (3, 1))
    profile = bar_profile(strength)
    assert profile.shape == TEMPLATE.shape
    np.testing.assert_allclose(profile[0], profile[1])
    np.testing.assert_allclose(profile[0].mean(), 0, atol=1e-12)
    assert np.abs(profile[2] + 1).max() < 1e-9  # a silent band is as far below its mean as can be, everywhere


def test_a_template_can_be_fitted_again() -> None:
    songs: list[HeardSong] = [hear_song(style, 40 + k) for k, style in enumerate(("waack", "krump", "pop"))]
    profiles, shifts = examples(songs, 3, np.random.default_rng(0))
    template = fit_template(profiles, shifts)
    assert template.shape == TEMPLATE.shape
    assert right(profiles, shifts, template)[0] >= right(profiles, shifts, template * 0)[0]
    assert right(profiles, shifts, template)[0] == 1.0

"""Beats and bars told by what bands sound where, on patterns written here."""

from __future__ import annotations

import numpy as np
import pytest

from dabfusion.music_encoder.bar_phase import (
    FEWEST_BEATS,
    FEWEST_TOLD,
    STEPS,
    TEMPLATE,
    bar_profile,
    first_count,
    first_sound,
    on_the_beat,
    quarter_scores,
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


@pytest.mark.parametrize("bars", [2, 12])
@pytest.mark.parametrize("late", [0.0, 0.25, 0.5, 0.75])
def test_a_grid_beside_the_beats_is_moved(late: float, bars: int) -> None:
    onsets, beats = onsets_of(BACKBEAT, bars)
    scores = quarter_scores(onsets, beats + late * PERIOD)
    assert scores.argmax() == 4 * late and np.sort(scores)[-1] > np.sort(scores)[-2] + 1
    moved = on_the_beat(onsets, beats + late * PERIOD)
    np.testing.assert_allclose(np.abs(moved[:-1, None] - beats[None]).min(1), 0, atol=1e-9)


def test_a_few_beats_tell_less_than_many() -> None:
    (short, few), (long, many) = (onsets_of(BACKBEAT, bars) for bars in (1, 12))
    assert -quarter_scores(short, few)[1:].max() < -0.8 * quarter_scores(long, many)[1:].max()


def rising(first: float, seconds: float = 3.0) -> Onsets:
    """Silence, then even loudness with one attack; no rhythm."""
    time = np.arange(int(seconds * GRID_RATE)) / GRID_RATE
    energy = np.tile((time >= first)[:, None] * 1.0, (1, 4))
    strength = np.tile(np.exp(-0.5 * ((time - ONSET_DELAY - first) / 0.01) ** 2)[:, None], (1, 4))
    return Onsets(energy, np.where(strength > 1e-3, strength, 0.0), False)


@pytest.mark.parametrize("late", [0.0, 0.5])
def test_where_nothing_else_tells_music_begins_on_the_beat(late: float) -> None:
    onsets, beats = rising(0.5), np.arange(0.5, 2.9, PERIOD)
    bands = onsets.strength.copy()
    bands[:, 1:] = 0.1  # a flat rhythm in every band: the first sound alone tells
    flat = Onsets(onsets.energy, bands, False)
    moved = on_the_beat(flat, beats + late * PERIOD)
    assert np.abs(moved - 0.5).min() < 1e-6


def test_first_sound_is_heard_after_silence_alone() -> None:
    found = first_sound(rising(0.5))
    assert found is not None and abs(found - 0.5) < 0.012
    assert first_sound(rising(-0.1)) is None  # under way when the file begins
    faded = rising(0.5)
    slow = np.full_like(faded.strength, 0.01)
    slow[150] = 1.0
    assert first_sound(Onsets(faded.energy, slow, False)) is None
    assert first_sound(Onsets(faded.energy * 0, faded.strength * 0, True)) is None


@pytest.mark.parametrize("skipped", [0, 1, 2, 3])
def test_the_bar_is_found_wherever_the_grid_begins(skipped: int) -> None:
    pattern = {**BACKBEAT, 1: (0, 6, 7), 2: (4, 12)}  # a kick on one, none on three
    onsets, beats = onsets_of(pattern, 12)
    assert first_count(onsets, beats[skipped:]) == skipped


def test_nothing_is_told_of_few_beats_or_no_rhythm() -> None:
    onsets, beats = onsets_of(BACKBEAT, 4)
    few = beats[: FEWEST_TOLD - 1] + PERIOD / 2
    np.testing.assert_array_equal(on_the_beat(onsets, few), few)
    assert first_count(onsets, beats[1:FEWEST_BEATS]) == 0
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


def test_a_bar_need_not_be_whole() -> None:
    strength = np.random.default_rng(0).random((STEPS, 3))
    part = bar_profile(strength[:10])
    assert part.shape == TEMPLATE.shape and not part[:, 10:].any()
    np.testing.assert_allclose(part[:, :10], (strength[:10] / strength[:10].mean(0) - 1).T)

"""Windows at other tempi and with breaks: beats, poses and sound stay together."""

from __future__ import annotations

import numpy as np
import pytest

from dabfusion.music_encoder.beats import beat_features
from dabfusion.training.dance_timing import (
    beat_count,
    retimed_music,
    retimed_poses,
    steady,
    tempo_factor,
    with_break,
)

TEMPO = 110.0
BEATS = 0.21 + np.arange(60) * 60 / TEMPO


def music(count: int = 300) -> np.ndarray:
    """Features (count, 16) of a click on every beat, and of a tone that gets louder."""
    pulse = beat_features(np.arange(count) / 15, BEATS, TEMPO, count_offset=3)
    rhythm = np.repeat(np.linspace(0.2, 0.8, count)[:, None], 8, 1)
    rhythm[:, [0, 5, 6, 7]] = pulse[:, 6:7]
    return np.concatenate([pulse, rhythm], 1).astype(np.float16)


@pytest.mark.parametrize("factor", [0.65, 0.9, 1.3, 1.6])
def test_another_tempo_is_told_as_the_encoder_tells_it(factor: float) -> None:
    found = retimed_music(music(), steady(40, 90, factor), np.random.default_rng(0))
    beats = (BEATS - 40 / 15) / factor
    expected = beat_features(np.arange(90) / 15, beats, factor * TEMPO, count_offset=3)
    np.testing.assert_allclose(found[:, :6], expected[:, :6], atol=0.02)
    np.testing.assert_allclose(found[:, 6], expected[:, 6], atol=0.06)
    np.testing.assert_allclose(found[:, 7], np.log2(factor * TEMPO / 120), atol=0.005)


@pytest.mark.parametrize("factor", [0.65, 1.6])
def test_onsets_stay_on_the_beat_and_strong_at_another_tempo(factor: float) -> None:
    found = retimed_music(music(), steady(40, 90, factor), np.random.default_rng(0))
    for onsets in (found[:, 8], found[:, 13]):
        on_beat = onsets[found[:, 6] > 0.7]
        assert on_beat.mean() > 0.55 and onsets[found[:, 6] < 0.01].mean() < 0.2


def test_poses_between_rows_follow_the_curve() -> None:
    rows = np.arange(300)
    wave = np.stack([np.sin(rows / 4), np.cos(rows / 7)], 1)
    at = np.linspace(20.3, 210.7, 90)
    np.testing.assert_allclose(retimed_poses(wave, at), np.stack([np.sin(at / 4), np.cos(at / 7)], 1), atol=2e-3)


@pytest.mark.parametrize("factor", [1.0, 1.4])
@pytest.mark.parametrize("beats", [2, 4])
def test_in_a_break_the_dancer_holds_and_is_back_on_the_beat(beats: int, factor: float) -> None:
    song = music()
    count = beat_count(song)
    for seed in range(5):
        timing = with_break(steady(50, 90, factor), song, beats, np.random.default_rng(seed))
        told = retimed_music(song, timing, np.random.default_rng(seed))
        danced = np.interp(timing.poses, np.arange(300), count)
        frames = np.flatnonzero(timing.silent)
        assert abs(len(frames) - beats * 60 / (factor * TEMPO) * 15) < 1.5
        beat = 15 * 60 / (factor * TEMPO)
        held = timing.poses[frames[1] + 1 : int(frames[-1] - beat)]
        assert np.ptp(held) < 0.02  # stands, until one beat before the end
        assert np.diff(timing.poses).min() > -1e-9  # and never dances backwards
        after = slice(frames[-1] + 2, None)
        behind = np.interp(timing.beats, np.arange(300), count)[after] - danced[after]
        np.testing.assert_allclose(behind, beats - 1, atol=0.02)  # whole beats: every later step is on its beat
        assert told[frames[3:], 8].max() < 0.05 and told[frames[-1], 9] < 0.35
        loudness = np.interp(timing.poses[after], np.arange(300), song[:, 9].astype(float))
        np.testing.assert_allclose(told[after, 9], loudness, atol=0.01)  # the sound goes on with the dance
        again = told[after][told[after][:, 6] > 0.9, 8]
        assert again.min(initial=1.0) > 0.5  # and hears the beat again


def test_a_window_without_room_stays_unbroken() -> None:
    timing = steady(10, 20, 1.0)
    assert with_break(timing, music(), 8, np.random.default_rng(0)) is timing


def test_tempi_stay_in_their_range() -> None:
    rng = np.random.default_rng(0)
    factors = [tempo_factor(music(), 0.65, 1.6, 80.0, 150.0, rng) for _ in range(200)]
    assert min(factors) == pytest.approx(80 / TEMPO, abs=0.02) and max(factors) == pytest.approx(150 / TEMPO, abs=0.02)

"""Accents: time lingers on the beats, and nothing else is changed."""

from __future__ import annotations

import numpy as np
import pytest

from dabfusion.accents import SETTING_IN, accented_codes, accented_times
from dabfusion.config import CODE_FPS
from dabfusion.long_video import upsample_codes
from dabfusion.music_encoder.beats import beat_features
from dabfusion.skeleton import CODE_SIZE

TEMPO, FIRST, SECONDS = 110.0, 0.23, 6.0
BEATS = np.arange(FIRST, SECONDS, 60 / TEMPO)
ROWS = np.arange(round(SECONDS * CODE_FPS)) / CODE_FPS
FINE = np.arange(0, SECONDS - 0.2, 0.001)


def music(beats: np.ndarray = BEATS) -> np.ndarray:
    return np.concatenate([beat_features(ROWS, beats, TEMPO), np.zeros((len(ROWS), 8), np.float32)], 1)


@pytest.mark.parametrize("accent", [0.2, 0.4, 0.8])
def test_a_dance_is_slow_on_beats_and_quick_between(accent: float) -> None:
    shown = accented_times(FINE, music(), accent)
    pace = np.gradient(shown, FINE)
    on = [np.argmin(np.abs(FINE - beat)) for beat in BEATS if SETTING_IN < beat < FINE[-1] - 0.3]
    between = [np.argmin(np.abs(FINE - beat - 30 / TEMPO)) for beat in BEATS if SETTING_IN < beat < FINE[-1] - 0.6]
    np.testing.assert_allclose(pace[on], 1 - accent, atol=0.02)
    np.testing.assert_allclose(pace[between], 1 + accent, atol=0.02)


def test_beats_and_the_beginning_stay_where_they_are() -> None:
    shown = accented_times(FINE, music(), 0.4)
    near = np.abs(FINE[:, None] - BEATS).min(1) < 0.001
    np.testing.assert_allclose(shown[near], FINE[near], atol=0.002)
    assert shown[0] == 0 and (np.diff(shown) >= 0).all()
    assert np.abs(shown - FINE).max() == pytest.approx(0.4 / (2 * np.pi) * 60 / TEMPO, abs=0.003)


def test_the_strongest_accent_never_runs_backwards() -> None:
    assert (np.diff(accented_times(FINE, music(), 1.0)) >= 0).all()


def test_without_beats_or_accent_nothing_changes() -> None:
    np.testing.assert_array_equal(accented_times(FINE, music(np.zeros(0)), 0.4), FINE)
    np.testing.assert_array_equal(accented_times(FINE, music(), 0.0), FINE)
    np.testing.assert_array_equal(accented_times(FINE[:2], music()[:1], 0.4), FINE[:2])


def test_codes_are_those_of_the_dance_at_other_moments() -> None:
    codes = np.cumsum(np.random.default_rng(0).normal(0, 0.01, (len(ROWS), CODE_SIZE)), 0).astype(np.float32)
    codes[:, :114] += np.tile([1, 0, 0, 0, 1, 0], 19)
    plain, accented = upsample_codes(codes, CODE_FPS, 30), accented_codes(codes, music(), 30, 2 * len(ROWS), 0.4)
    assert accented.shape == plain.shape
    np.testing.assert_allclose(accented[0], plain[0], atol=1e-6)
    np.testing.assert_allclose(accented_codes(codes, music(), 30, 2 * len(ROWS), 0.0), plain)
    assert np.abs(accented - plain).max() > 0.005

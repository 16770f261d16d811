"""Breaks are heard in the features, and dances hold in them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from random_models import random_flow_diffusion

from dabfusion.flow_diffusion import FlowDiffusion
from dabfusion.long_video import DanceOptions, dance_codes
from dabfusion.music_encoder.beats import beat_features
from dabfusion.rests import BREATH, SETTING_OUT, SETTLING, Rest, at_rest, rests_of
from dabfusion.skeleton import CODE_SIZE

FPS = 15
BEAT = 9  # frames at 100 BPM
BREAK = (54, 81)  # three beats


def song(loudness: float = 0.8, onsets: float = 0.7) -> np.ndarray:
    """Features (150, 16) of a song at 100 BPM with an onset on every half beat, and a break."""
    times = np.arange(150) / FPS
    pulse = beat_features(times, np.arange(0, 12, BEAT / FPS), 100.0)
    rhythm = np.full((150, 8), loudness, np.float32)
    half_beats = np.abs((np.arange(150) * 2 / BEAT + 0.5) % 1 - 0.5) < 0.2
    rhythm[:, [0, 5, 6, 7]] = np.where(half_beats, onsets, 0.15 * onsets)[:, None]
    silent = slice(*BREAK)
    dying = np.exp(-np.arange(BREAK[1] - BREAK[0]) / 3)[:, None]
    rhythm[silent] = rhythm[BREAK[0] - 1] * dying
    rhythm[silent, 0] = 0.02
    return np.concatenate([pulse, rhythm], 1).astype(np.float32)


def test_a_break_is_heard_until_a_beat_before_its_end() -> None:
    (rest,) = rests_of(song(), FPS)
    assert abs(rest.first - BREAK[0]) <= 1 and abs(rest.last - (BREAK[1] - BEAT)) <= 1


def test_music_without_a_break_has_no_rests() -> None:
    steady = song()
    steady[slice(*BREAK), 8:] = steady[: BREAK[1] - BREAK[0], 8:]
    assert rests_of(steady, FPS) == []
    soft = song(loudness=0.35, onsets=0.14)  # a soft introduction with a pause in it
    assert rests_of(soft, FPS) == []
    held = song()
    held[slice(*BREAK), 9] = 0.7  # a long chord
    assert rests_of(held, FPS) == []
    short = song()
    short[BREAK[0] + 6 : BREAK[1], 8:] = 0.7  # less than a beat
    assert rests_of(short, FPS) == []
    assert rests_of(np.zeros((60, 16), np.float32), FPS) == []  # silence
    assert rests_of(song()[60:], FPS) == [] and rests_of(song()[:70], FPS) == []  # silent at the beginning, at the end


def test_codes_at_rest_stand_still_between_eased_borders() -> None:
    codes = torch.randn(60, CODE_SIZE)
    out = at_rest(codes, [Rest(20, 35)])
    held = out[20:35]
    mean = codes[20:35].mean(0)
    torch.testing.assert_close(held - mean, BREATH * (codes[20:35] - mean))
    torch.testing.assert_close(out[: 20 - SETTLING], codes[: 20 - SETTLING])
    torch.testing.assert_close(out[35 + SETTING_OUT :], codes[35 + SETTING_OUT :])
    distance = (out - mean).norm(dim=1) / (codes - mean).norm(dim=1)
    assert (distance[20 - SETTLING : 21].diff() < 0).all() and (distance[34 : 36 + SETTING_OUT].diff() > 0).all()
    torch.testing.assert_close(at_rest(codes, []), codes)
    assert at_rest(codes[:22], [Rest(20, 22)]).shape == (22, CODE_SIZE)  # a rest may touch the end


@pytest.fixture(scope="module")
def model() -> FlowDiffusion:
    return random_flow_diffusion(window=45, spread=0.08)


def speed(codes: np.ndarray) -> np.ndarray:
    return np.abs(np.diff(codes, axis=0)).mean(1)


def test_a_dancer_holds_in_the_break_and_dances_around_it(model: FlowDiffusion) -> None:
    start = np.tile(np.float32([1, 0, 0, 0, 1, 0]), 19)
    start = np.concatenate([start, np.zeros(3, np.float32)])
    codes = dance_codes(model, start, song(), DanceOptions(seed=1, steps=6))
    rest = speed(codes)[BREAK[0] + 1 : BREAK[1] - BEAT - 2]
    dancing = np.r_[speed(codes)[20 : BREAK[0] - 4], speed(codes)[BREAK[1] :]]
    assert rest.mean() < 0.25 * dancing.mean()

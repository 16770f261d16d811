"""Whole songs from windows: coverage, agreement in overlaps, determinism, exact counts, interpolation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from random_models import random_flow_diffusion

from dabfusion.errors import OptionError
from dabfusion.flow_diffusion import FlowDiffusion
from dabfusion.flow_diffusion.normalise import proper_codes
from dabfusion.long_video import (
    EASE_FRAMES,
    DanceOptions,
    _add_windows,
    chain_codes,
    dance_codes,
    ease_from,
    song_denoiser,
    upsample_codes,
    window_starts,
    window_weights,
)
from dabfusion.skeleton import CODE_SIZE

OPTIONS = DanceOptions(seed=5, steps=4)


@pytest.fixture(scope="module")
def model() -> FlowDiffusion:
    return random_flow_diffusion(window=12, spread=0.05)


@pytest.fixture
def start() -> np.ndarray:
    code = proper_codes(torch.randn(CODE_SIZE, generator=torch.Generator().manual_seed(1))).numpy()
    code[-3:] = 0
    return code


def music(frames: int) -> np.ndarray:
    return np.random.default_rng(2).normal(size=(frames, 16)).astype(np.float32)


@pytest.mark.parametrize("total", [1, 11, 12, 13, 18, 19, 24, 50, 2700])
def test_windows_cover_every_frame_with_weights_that_add_to_one(total: int) -> None:
    starts = window_starts(total, 12)
    assert starts[0] == 0 and max(starts) + min(12, total) == total
    assert all(0 < b - a <= 6 for a, b in itertools.pairwise(starts))
    weights = window_weights(starts, 12, total)
    assert (weights >= 0).all()
    torch.testing.assert_close(_add_windows(weights[..., None], starts, total), torch.ones(total, 1))


def test_windows_that_agree_are_joined_without_a_trace(model: FlowDiffusion) -> None:
    """A denoiser that works frame by frame must give the same through windows as over the whole song at once."""
    truth = torch.randn(1, 40, CODE_SIZE)
    starts = window_starts(40, 12)
    weights = window_weights(starts, 12, 40)[..., None]
    parts = torch.stack([truth[0, s : s + 12] for s in starts])
    torch.testing.assert_close(_add_windows(parts * weights, starts, 40), truth[0])


def test_song_denoiser_blends_neighbours_linearly_in_their_overlap(model: FlowDiffusion) -> None:
    heard = torch.from_numpy(music(18))
    start_code = torch.zeros(CODE_SIZE)
    x = torch.randn(1, 18, CODE_SIZE)
    whole = song_denoiser(model, start_code, heard, OPTIONS)(x, 500.0)[0]
    alone = song_denoiser(model, start_code, heard[:12], OPTIONS)(x[:, :12], 500.0)[0]
    torch.testing.assert_close(whole[:6], alone[:6])  # before the overlap: the first window's own
    assert not torch.allclose(whole[7:12], alone[7:12])


@pytest.mark.parametrize("frames", [1, 5, 12, 13, 31])
def test_dance_has_a_code_per_music_frame_and_begins_in_the_start_pose(
    model: FlowDiffusion, start: np.ndarray, frames: int
) -> None:
    codes = dance_codes(model, start, music(frames), OPTIONS)
    assert codes.shape == (frames, CODE_SIZE) and codes.dtype == np.float32
    np.testing.assert_allclose(codes[0], start, atol=1e-5)


def test_the_same_seed_dances_the_same_and_another_does_not(model: FlowDiffusion, start: np.ndarray) -> None:
    first = dance_codes(model, start, music(30), OPTIONS)
    np.testing.assert_array_equal(first, dance_codes(model, start, music(30), OPTIONS))
    assert np.abs(first - dance_codes(model, start, music(30), DanceOptions(seed=6, steps=4))).max() > 0.01


def test_style_is_guided_further_than_the_music_and_not_at_all_where_nothing_is() -> None:
    assert DanceOptions(guidance=1.0).style_guidance == 1.0
    assert DanceOptions(guidance=2.0, style_share=1.0).style_guidance == 2.0
    assert DanceOptions().style_guidance > DanceOptions().guidance


def test_other_music_is_danced_differently(model: FlowDiffusion, start: np.ndarray) -> None:
    one, other = (dance_codes(model, start, heard, OPTIONS) for heard in (music(20), -music(20)))
    assert np.abs(one - other).max() > 1e-3


def test_music_that_the_model_cannot_hear_is_refused(model: FlowDiffusion, start: np.ndarray) -> None:
    with pytest.raises(OptionError, match="16 music features"):
        dance_codes(model, start, np.zeros((10, 3), np.float32), OPTIONS)
    with pytest.raises(OptionError, match="empty"):
        dance_codes(model, start, np.zeros((0, 16), np.float32), OPTIONS)


def test_chaining_gives_every_frame_and_joins_at_the_last_code(model: FlowDiffusion, start: np.ndarray) -> None:
    codes = chain_codes(model, start, music(30), OPTIONS)
    assert codes.shape == (30, CODE_SIZE)
    np.testing.assert_allclose(codes[0], start, atol=1e-5)
    first = dance_codes(model, start, music(30)[:12], DanceOptions(seed=6, steps=4))
    np.testing.assert_allclose(codes[:12], first, atol=1e-5)


def test_easing_is_exact_at_the_start_and_gone_after_its_frames() -> None:
    codes, start = torch.randn(10, 4), torch.randn(4)
    eased = ease_from(codes, start)
    torch.testing.assert_close(eased[0], start)
    torch.testing.assert_close(eased[EASE_FRAMES:], codes[EASE_FRAMES:])


@pytest.mark.parametrize("seconds", [0.2, 1.0, 3.4, 7.333])
def test_upsampling_gives_exact_counts_and_keeps_the_knots(seconds: float) -> None:
    count = round(seconds * 15)
    codes = proper_codes(torch.randn(count, CODE_SIZE)).numpy()
    up = upsample_codes(codes, 15, 30, round(seconds * 30))
    assert up.shape == (round(seconds * 30), CODE_SIZE)
    shared = min(len(up[::2]), count)
    np.testing.assert_allclose(up[::2][:shared], codes[:shared], atol=1e-5)
    assert len(upsample_codes(codes, 15, 30)) == 2 * count


def test_upsampling_follows_a_smooth_turn_between_the_knots() -> None:
    def turn(t: np.ndarray) -> np.ndarray:
        codes = np.tile(np.array([1, 0, 0, 0, 1, 0], np.float32), (len(t), 19)).reshape(len(t), 114)
        codes[:, 0], codes[:, 1], codes[:, 3], codes[:, 4] = np.cos(t), np.sin(t), -np.sin(t), np.cos(t)
        return np.concatenate([codes, np.sin(t)[:, None].repeat(3, 1)], 1).astype(np.float32)

    slow, fast = np.arange(30) / 15, np.arange(59) / 30
    up = upsample_codes(turn(slow), 15, 30)[:59]
    assert np.abs(up - turn(fast))[4:-4].max() < 1e-4


def test_one_code_is_held() -> None:
    code = proper_codes(torch.randn(1, CODE_SIZE)).numpy()
    np.testing.assert_array_equal(upsample_codes(code, 15, 30, 5), np.repeat(code, 5, 0))

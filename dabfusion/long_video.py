"""A whole song's dance from windows of a few seconds.

Windows overlap by half and are denoised *together*: there is one noisy sequence for the whole song; at every step each
window estimates its part of x_0, the estimates are blended by linear ramps where windows overlap, and one solver step
moves the whole sequence. So windows agree wherever they overlap, and every frame stays relative to the one start frame
(the idea of EDGE's long sequences, Tseng et al. 2023, and of MultiDiffusion, Bar-Tal et al. 2023). In the song's breaks
each estimate is drawn towards standing still (:mod:`.rests`). DabFusion's own way,
each window starting from the last frame of the one before, is kept as :func:`chain_codes`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from scipy.interpolate import CubicSpline
from torch import Tensor

from dabfusion.config import CODE_FPS
from dabfusion.errors import OptionError
from dabfusion.flow_diffusion import Condition, FlowDiffusion
from dabfusion.flow_diffusion.normalise import proper_codes
from dabfusion.flow_diffusion.sampling import Denoise, Progress, ShouldStop, sample, seeded_noise
from dabfusion.rests import at_rest, rests_of
from dabfusion.skeleton import CODE_SIZE, ROTATION_SIZE

#: Frames over which the video leaves the photo's own pose (0.4 s at 15 codes a second).
EASE_FRAMES = 6
#: Steps in a unit of a music feature that the noise tells apart.
HEARING_LEVELS = 4
#: How much more than the music the style is guided: a song says loudly what it is, a style token is soon drowned.
STYLE_SHARE = 2.0
#: Windows denoised at once: bounds memory, whatever the song's length.
WINDOWS_AT_ONCE = 8


@dataclass(frozen=True)
class DanceOptions:
    """How to sample a dance.

    Attributes:
        seed: of the noise.
        steps: of the solver.
        guidance: on the music; 1 is none.
        style: a name, or "auto" for none.
        style_share: where a style is asked for, it is guided so many times as far beyond 1 as the music.
    """

    seed: int = 0
    steps: int = 20
    guidance: float = 2.0
    style: str = "auto"
    style_share: float = STYLE_SHARE

    @property
    def style_guidance(self) -> float:
        """Guidance on the style."""
        return 1 + self.style_share * (self.guidance - 1)


class SampleCodes(Protocol):
    """A way to sample a dance: :func:`dance_codes` or :func:`chain_codes`, whose arguments these are."""

    def __call__(
        self,
        model: FlowDiffusion,
        start_code: np.ndarray,
        music: np.ndarray,
        options: DanceOptions,
        progress: Progress | None = None,
        should_stop: ShouldStop | None = None,
    ) -> np.ndarray:
        """Codes (T, 117)."""


def song_noise(music: np.ndarray, seed: int) -> Tensor:
    """The noise that a dance is denoised from, (1, T, 117): it follows from the seed *and* the song.

    Were it the seed's alone, one seed would do the same moves to every song. Each second has noise of its own, from
    the seed, the second's number, and what is heard in it, coarsely (:data:`HEARING_LEVELS`). So the beginning of a
    dance does not depend on its length, and the same song gives the same dance.

    Args:
        music: (T, D) music features.
        seed: of the dance.
    """
    blocks = []
    for first in range(0, len(music), CODE_FPS):
        heard = np.round(music[first : first + CODE_FPS].mean(0) * HEARING_LEVELS).astype(np.int16)
        digest = hashlib.sha256(f"{seed} {first}".encode() + heard.tobytes()).digest()
        blocks.append(seeded_noise((CODE_FPS, CODE_SIZE), int.from_bytes(digest[:7], "little")))
    return torch.cat(blocks)[None, : len(music)]


def window_starts(total: int, window: int) -> list[int]:
    """First frames of windows that cover ``total`` frames, half overlapping; the last one ends with the song."""
    if total <= window:
        return [0]
    starts = list(range(0, total - window, window // 2))
    return [*starts, total - window]


def window_weights(starts: list[int], window: int, total: int) -> Tensor:
    """Blend weights (len(starts), min(window, total)): linear ramps over the overlaps; they add to 1 on every frame."""
    length = min(window, total)
    weights = torch.ones(len(starts), length)
    for k in range(1, len(starts)):
        overlap = starts[k - 1] + length - starts[k]
        ramp = (torch.arange(overlap) + 0.5) / overlap
        weights[k, :overlap] *= ramp
        weights[k - 1, length - overlap :] *= 1 - ramp
    total_weight = _add_windows(weights[..., None], starts, total)  # (total, 1)
    return weights / torch.stack([total_weight[s : s + length, 0] for s in starts])


def _add_windows(windows: Tensor, starts: list[int], total: int) -> Tensor:
    """Sum of windows (N, L, C) at their places in (total, C)."""
    out = windows.new_zeros(total, windows.shape[-1])
    for s, part in zip(starts, windows, strict=True):
        out[s : s + len(part)] += part
    return out


def ease_from(codes: Tensor, start: Tensor, frames: int = EASE_FRAMES) -> Tensor:
    """Codes (T, C) whose frame 0 is ``start`` (C,): the difference fades over ``frames`` frames (smooth step)."""
    reach = min(frames, len(codes))
    x = torch.arange(reach, device=codes.device) / max(frames, 1)
    fade = 1 - x * x * (3 - 2 * x)  # 1 at frame 0
    out = codes.clone()
    out[:reach] += fade[:, None] * (start - codes[0])
    return out


def song_denoiser(model: FlowDiffusion, start: Tensor, music: Tensor, options: DanceOptions) -> Denoise:
    """A denoiser of a whole song's normalised codes (1, T, 117), made of windows.

    Args:
        model: the dance model.
        start: (117,) code of the start frame.
        music: (T, D) music features, one row a code frame.
        options: guidance and style.
    """
    total, window = len(music), model.config.window
    starts = window_starts(total, window)
    length = min(window, total)
    weights = window_weights(starts, window, total).to(music.device)[..., None]  # (N, L, 1)
    condition = Condition.given(
        start.expand(len(starts), -1),
        torch.tensor([s == 0 for s in starts], device=music.device),
        torch.stack([music[s : s + length] for s in starts]),
        torch.full((len(starts),), model.style_number(options.style), device=music.device),
    )
    pinned = model.normaliser(start)
    rests = rests_of(music.cpu().numpy(), model.config.fps) if model.hears_breaks else []

    def denoise(x: Tensor, t: float) -> Tensor:
        noisy = torch.stack([x[0, s : s + length] for s in starts])  # (N, L, 117)
        parts = []
        for k in range(0, len(starts), WINDOWS_AT_ONCE):
            some = slice(k, k + WINDOWS_AT_ONCE)
            denoiser = model.guided_denoiser(condition.rows(some), options.guidance, options.style_guidance)
            parts.append(denoiser(noisy[some], t))
        whole = _add_windows(torch.cat(parts).float() * weights, starts, total)
        return ease_from(at_rest(whole, rests), pinned)[None]

    return denoise


@torch.no_grad()
def dance_codes(
    model: FlowDiffusion,
    start_code: np.ndarray,
    music: np.ndarray,
    options: DanceOptions,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
    noise: Tensor | None = None,
) -> np.ndarray:
    """The flow codes of a dance to a whole piece of music; the same seed and music give the same dance.

    Args:
        model: the dance model.
        start_code: (117,) code of the start frame; its hip displacement must be 0.
        music: (T, D) features at the model's code rate.
        options: seed, steps, guidance, style.
        progress: called with (steps done, steps).
        should_stop: asked before each step.

    Returns:
        (T, 117) float32; frame 0 is the start frame's code.

    Raises:
        OptionError: if the music is empty or not what the model was trained with.
        Cancelled: when ``should_stop`` says so.
    """
    _check_music(model, music)
    start = torch.as_tensor(start_code, dtype=torch.float32, device=model.device)
    features = torch.as_tensor(music, dtype=torch.float32, device=model.device)
    noise = (song_noise(music, options.seed) if noise is None else noise).to(model.device)
    denoise = song_denoiser(model, start, features, options)
    x = sample(denoise, noise, options.steps, progress=progress, should_stop=should_stop)
    codes = proper_codes(ease_from(model.normaliser.undo(x[0]), start))
    return codes.cpu().numpy()


def chain_codes(
    model: FlowDiffusion,
    start_code: np.ndarray,
    music: np.ndarray,
    options: DanceOptions,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> np.ndarray:
    """Last-frame chaining, DabFusion's way to long videos, as a baseline: arguments and result as :func:`dance_codes`.

    Each window starts from the last code of the one before; hip displacements add up. Progress is told window by
    window.
    """
    window = model.config.window
    out = [np.asarray(start_code, np.float32)[None]]
    done = 1
    while done < len(music):
        first = out[-1][-1].copy()
        moved = first[ROTATION_SIZE:].copy()
        first[ROTATION_SIZE:] = 0
        piece = music[done - 1 : done - 1 + window]
        chained = replace(options, seed=options.seed + done)
        codes = dance_codes(model, first, piece, chained, progress, should_stop)[1:]
        codes[:, ROTATION_SIZE:] += moved
        out.append(codes)
        done += len(codes)
    return np.concatenate(out)[: len(music)]


def codes_at(codes: np.ndarray, fps: float, times: np.ndarray) -> np.ndarray:
    """A dance's codes at any moments: cubic spline through every given code, rotations made proper again.

    Args:
        codes: (T, 117) at ``fps`` a second, T >= 1.
        fps: codes per second.
        times: (F,) seconds; after the last code it is held.

    Returns:
        (F, 117) float32; equal to the given codes where the times coincide.
    """
    if len(codes) == 1:
        return np.repeat(codes.astype(np.float32), len(times), 0)
    spline = CubicSpline(np.arange(len(codes)) / fps, codes.astype(np.float64), bc_type="natural")
    return proper_codes(torch.from_numpy(spline(np.clip(times, 0, (len(codes) - 1) / fps)))).float().numpy()


def upsample_codes(codes: np.ndarray, fps_in: float, fps_out: float, count: int | None = None) -> np.ndarray:
    """Codes (T, 117) at another frame rate (:func:`codes_at`): (count, 117), or round(T / fps_in * fps_out) of them."""
    total = round(len(codes) / fps_in * fps_out) if count is None else count
    return codes_at(codes, fps_in, np.arange(total) / fps_out)


def _check_music(model: FlowDiffusion, music: np.ndarray) -> None:
    if music.ndim != 2 or music.shape[1] != model.config.music_size:
        raise OptionError(f"This model hears {model.config.music_size} music features a frame, not {music.shape}.")
    if len(music) == 0:
        raise OptionError("The chosen part of the song is empty; choose a longer one.")

"""Breaks in a song, heard in its music features, and dances that hold in them.

A break is a stretch of at least a beat in which nothing sets in and what still sounds has died away, between loud music
before and after; a soft introduction is none. While a dance is denoised, its estimate is projected there, at every
step, towards the nearest motion that stands still (the mean pose of the stretch), so that what comes before leads to
that pose and what comes after leaves it. One beat before the break ends the dancer sets out again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dabfusion.music_encoder.beats import BEAT_FEATURES, REFERENCE_TEMPO

#: Onset strength below which nothing sets in, and loudness below which what sounds has died away.
NO_ONSET, FAINT = 0.1, 0.3
#: Loudness that the music reaches within two beats before a break and within a beat after it.
LOUD = 0.5
#: A break is at least this long, beats and seconds.
SHORTEST_BEATS, SHORTEST = 1.0, 0.55
#: Frames over which the dancer comes to rest, and sets out.
SETTLING, SETTING_OUT = 3, 3
#: Share of the movement that stays: nobody stands like a statue.
BREATH = 0.1


@dataclass(frozen=True)
class Rest:
    """Frames ``first`` to before ``last`` in which the dancer stands."""

    first: int
    last: int


def rests_of(music: np.ndarray, fps: float) -> list[Rest]:
    """Where a dancer to music features (T, 16) at ``fps`` rows a second stands still, in order.

    The song's beginning and end are no breaks, and music without beats or sound has none.
    """
    onsets, loudness = music[:, BEAT_FEATURES], music[:, BEAT_FEATURES + 1]
    found = []
    for first, last in _runs(onsets < NO_ONSET):
        beat = fps * 60 / (REFERENCE_TEMPO * 2.0 ** float(music[first:last, 7].mean()))
        if first == 0 or last == len(music) or last - first < max(SHORTEST_BEATS * beat, SHORTEST * fps):
            continue
        faint = loudness[first : last - 1] < FAINT  # the frame before an onset may hear it
        before, after = loudness[max(first - round(2 * beat), 0) : first], loudness[last : last + round(beat)]
        if faint[-round(0.5 * beat) :].all() and min(before.max(), after.max()) > LOUD:
            found.append(Rest(first, max(round(last - beat), first + 2)))
    return found


def _runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """First and past-the-last index of each stretch of True in (T,)."""
    edges = np.flatnonzero(np.diff(np.r_[False, mask, False].astype(int)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def at_rest(codes: Tensor, rests: list[Rest]) -> Tensor:
    """Codes (T, C) that stand still in the rests but for :data:`BREATH`, with eased borders."""
    out = codes.clone()
    for rest in rests:
        low, high = max(rest.first - SETTLING, 0), min(rest.last + SETTING_OUT, len(codes))
        held = codes[rest.first : rest.last].mean(0)
        weight = (1 - BREATH) * _ramp(low, high, rest, codes)[:, None]
        out[low:high] = torch.lerp(out[low:high], held.expand(high - low, -1), weight)
    return out


def _ramp(low: int, high: int, rest: Rest, like: Tensor) -> Tensor:
    """(high - low,): 1 in the rest, smoothly from and to 0 around it."""
    frames = torch.arange(low, high, device=like.device, dtype=like.dtype)
    before = (rest.first - frames).clamp_min(0) / (SETTLING + 1)
    after = (frames - (rest.last - 1)).clamp_min(0) / (SETTING_OUT + 1)
    u = 1 - torch.maximum(before, after).clamp(max=1)
    return u * u * (3 - 2 * u)

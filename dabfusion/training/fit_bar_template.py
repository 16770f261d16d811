"""Fits the template of :mod:`dabfusion.music_encoder.bar_phase` to heard songs and prints it.

    python -m dabfusion.training.fit_bar_template --songs songs/ --held-out songs-test/

A softmax over the eight half-beat shifts, linear in the folded onsets; whole songs and random pieces of at least
eight beats.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dabfusion.music_encoder.bar_phase import FEWEST_BEATS, SHIFTS, STEPS

from .build_songs import HeardSong, read_songs

PIECES = 6
_STEPS, _RATE, _DECAY = 400, 0.05, 0.01
#: How much it counts to find the very shift, beside finding on-beat or off-beat.
_BAR = 0.3


def shift_of(song: HeardSong) -> int | None:
    """Half beats from the bar's beginning to the first tracked beat; None where the tracker found another tempo."""
    if len(song.beats) < 2 * FEWEST_BEATS or abs(song.tempo / song.plan.tempo - 1) > 0.03:
        return None
    late = song.plan.counts(song.beats + song.start) - 1 - np.arange(len(song.beats))
    halves = np.median(late) * 2
    return int(np.round(halves)) % SHIFTS if abs(halves - np.round(halves)) < 0.5 else None


def examples(songs: list[HeardSong], pieces: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Profiles (N, 3, 16) of whole songs and of ``pieces`` pieces of each, and their shifts (N,)."""
    profiles, shifts = [], []
    for song in songs:
        shift = shift_of(song)
        if shift is None:
            continue
        for piece in range(pieces + 1):
            total = len(song.beats)
            count = total if piece == 0 else int(rng.integers(FEWEST_BEATS, total + 1))
            first = int(rng.integers(total - count + 1)) // 4 * 4
            profiles.append(song.bar_profile(first, count))
            shifts.append(shift)
    return torch.tensor(np.stack(profiles), dtype=torch.float32), torch.tensor(shifts)


def scores(profiles: Tensor, template: Tensor) -> Tensor:
    """Log probabilities (N, 8) of the shifts."""
    fit = torch.stack([(torch.roll(profiles, 2 * k, 2) * template).sum((1, 2)) for k in range(SHIFTS)], 1)
    return fit.log_softmax(1)


def fit_template(profiles: Tensor, shifts: Tensor) -> Tensor:
    """The template (3, 16)."""
    template = torch.zeros(3, STEPS, requires_grad=True)
    optimizer = torch.optim.Adam([template], _RATE)
    same_half = torch.arange(SHIFTS) % 2 == (shifts % 2)[:, None]
    for _ in range(_STEPS):
        chances = scores(profiles, template)
        half = chances.masked_fill(~same_half, -1e9).logsumexp(1).mean()
        bar = chances.gather(1, shifts[:, None]).mean()
        loss = -half - _BAR * bar + _DECAY * (template**2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return template.detach()


def right(profiles: Tensor, shifts: Tensor, template: Tensor) -> tuple[float, float]:
    """Share of grids told on-beat from off-beat, and of bars found."""
    best = scores(profiles, template).argmax(1)
    return float((best % 2 == shifts % 2).float().mean()), float((best == shifts).float().mean())


def main(arguments: list[str] | None = None) -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=Path, required=True, help="folder of heard songs (studio songs)")
    parser.add_argument("--held-out", type=Path, required=True, help="folder of heard songs of other seeds")
    args = parser.parse_args(sys.argv[1:] if arguments is None else arguments)
    rng = np.random.default_rng(0)
    template = fit_template(*examples(read_songs(args.songs), PIECES, rng))
    for row in template.tolist():
        sys.stdout.write("    [" + ", ".join(f"{v:.2f}" for v in row) + "],\n")
    beats, bars = right(*examples(read_songs(args.held_out), 0, rng), template)
    sys.stdout.write(f"held-out songs: beat or off-beat right in {beats:.3f}, bar found in {bars:.3f}\n")


if __name__ == "__main__":
    main()

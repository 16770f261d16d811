"""Trains the song-style detector on heard songs.

    python -m dabfusion.training.train_song_style --songs songs/ --held-out songs-test/ --out checkpoints/song-style

Half a minute on one core. Pieces of 8 to 60 s of every song, its tracked beats, and now and then its true ones.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from dabfusion.checkpoint import save_checkpoint
from dabfusion.config import CODE_FPS, STYLES
from dabfusion.music_encoder.beats import beat_features
from dabfusion.music_encoder.embedding import MusicEmbedding
from dabfusion.music_encoder.style_detector import WEIGHTS, StyleDetector, describe_song

from .build_songs import HeardSong, read_songs

log = logging.getLogger(__name__)
PIECES = 10
STEPS = 2500
_TRUE_BEATS = 0.3


def embedding_of(song: HeardSong, true_beats: bool = False) -> MusicEmbedding:
    """A heard song as the product's encoder gives it; ``true_beats``: with the true grid instead of the tracked."""
    beats, tempo = (song.true_beats, song.plan.tempo) if true_beats else (song.beats, song.tempo)
    times = np.arange(len(song.rhythm)) / CODE_FPS
    features = np.concatenate([beat_features(times, beats, tempo), song.rhythm], 1).astype(np.float32)
    return MusicEmbedding(features, CODE_FPS, tempo, beats, song.seconds, ("beats", "rhythm"), (8, 8))


def pieces(songs: list[HeardSong], rng: np.random.Generator, count: int = PIECES) -> tuple[Tensor, Tensor]:
    """Descriptions (N, D) of ``count`` random pieces of each song, and the numbers of their styles (N,)."""
    described, styles = [], []
    for song in songs:
        for _ in range(count):
            whole = embedding_of(song, bool(rng.random() < _TRUE_BEATS))
            length = float(rng.uniform(8, max(song.seconds, 8.1)))
            piece = whole.section(float(rng.uniform(0, max(song.seconds - length, 0.01))), length)
            if piece.tempo > 0:
                described.append(describe_song(piece))
                styles.append(STYLES.index(song.plan.style))
    return torch.from_numpy(np.stack(described)), torch.tensor(styles)


def train(songs: list[HeardSong], seed: int = 0) -> StyleDetector:
    """Trains a detector; the same songs and seed give the same one on the same machine."""
    torch.manual_seed(seed)
    x, y = pieces(songs, np.random.default_rng(seed))
    detector = StyleDetector()
    detector.fit(x)
    optimizer = torch.optim.AdamW(detector.parameters(), lr=2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=STEPS)
    for _ in range(STEPS):
        rows = torch.randint(len(x), (128,))
        noisy = x[rows] + 0.15 * detector.std * torch.randn(len(rows), x.shape[1])
        loss = nn.functional.cross_entropy(detector(noisy), y[rows], label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return detector.eval()


@torch.no_grad()
def accuracy(detector: StyleDetector, songs: list[HeardSong]) -> tuple[float, float]:
    """Share of whole songs whose style is the first guess, and is among the first two."""
    known = [song for song in songs if song.tempo > 0]
    chances = detector(torch.from_numpy(np.stack([describe_song(embedding_of(s)) for s in known])))
    order = chances.argsort(-1, descending=True)
    right = order == torch.tensor([STYLES.index(s.plan.style) for s in known])[:, None]
    return float(right[:, 0].float().mean()), float(right[:, :2].any(1).float().mean())


def main(arguments: list[str] | None = None) -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=Path, required=True, help="folder of heard songs (studio songs)")
    parser.add_argument("--held-out", type=Path, required=True, help="folder of heard songs of other seeds")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint folder to write")
    args = parser.parse_args(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    songs, others = read_songs(args.songs), read_songs(args.held_out)
    detector = train(songs)
    first, two = accuracy(detector, others)
    log.info("held-out songs: right %.2f, among the first two %.2f", first, two)
    config = {
        "model": "song style from tempo and rhythm, see dabfusion/music_encoder/style_detector.py",
        "license": "AGPL-3.0-or-later",
        "training": {
            "data": f"{len(songs)} songs by Studio, rendered and degraded; no recorded music",
            "command": "python -m dabfusion.training.train_song_style",
            "held_out": {"songs": len(others), "first_guess_right": round(first, 3), "among_two": round(two, 3)},
        },
    }
    save_checkpoint(args.out, config, {WEIGHTS: detector.state_dict()})


if __name__ == "__main__":
    main()

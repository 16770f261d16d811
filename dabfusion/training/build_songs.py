"""Makes a folder of heard songs: Studio songs, degraded as real files are, as the music encoder hears them.

    python -m dabfusion.training.build_songs --out songs --count 440 --processes 2

Sounding is what costs; the dances to a song come after (:mod:`.build_dances`), several to each. Song n of a folder is
always the same song; what is already there is kept.
"""

from __future__ import annotations

import argparse
import logging
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from dabfusion.config import CODE_FPS, STYLES
from dabfusion.music_encoder.bar_phase import FEWEST_BEATS, bar_profile, shift_scores
from dabfusion.music_encoder.encoder import build_music_encoder
from dabfusion.studio.degrade import degrade
from dabfusion.studio.grid import SongPlan, plan_song
from dabfusion.studio.music import render_song

from .packs import build_packs

SECONDS = 60.0
PACK = 22
SAMPLE_RATE = 22050
#: In this share of the songs the tempo leaves its genre's range by up to a sixth.
OTHER_TEMPO = 0.4
#: A tracked beat is right this close to a true one, s; a tracker that is right less often is not believed.
CLOSE, BELIEVED = 0.07, 0.85
#: Columns of the rhythm tower: onsets of the low, middle and high band.
LOW_MID_HIGH = (5, 6, 7)


@dataclass(frozen=True)
class HeardSong:
    """A piece of a song as the music encoder hears it, with the plan that it was made from.

    Attributes:
        plan: the song; ``start``: where in it the piece begins, seconds.
        rhythm: (T, 8) float32, the tower "rhythm" at CODE_FPS from ``start`` on.
        beats, tempo: what the tracker found, seconds from ``start`` and BPM.
    """

    plan: SongPlan
    start: float
    rhythm: np.ndarray
    beats: np.ndarray
    tempo: float

    @property
    def seconds(self) -> float:
        """Length of the piece."""
        return len(self.rhythm) / CODE_FPS

    @property
    def true_beats(self) -> np.ndarray:
        """The true beats of the piece, seconds from ``start``."""
        beats = self.plan.beat_times - self.start
        return beats[(beats >= 0) & (beats < self.seconds)]

    @property
    def well_tracked(self) -> float:
        """Share of the true beats beside which the tracker found one; 0 where it found another tempo."""
        if not 0.9 < len(self.beats) / max(len(self.true_beats), 1) < 1.1:
            return 0.0
        gaps = np.abs(self.true_beats[:, None] - self.beats[None]).min(1)
        return float((gaps < CLOSE).mean())

    @property
    def first_count(self) -> int:
        """Beat of the bar, 0 to 3, on which the tracked grid begins, as the encoder tells it from the rhythm."""
        if len(self.beats) < FEWEST_BEATS:
            return 0
        return int(shift_scores(self.bar_profile(0, len(self.beats)))[0::2].argmax())

    def bar_profile(self, first: int, count: int) -> np.ndarray:
        """Onsets folded over the bar, (3, 16), on ``count`` tracked beats from number ``first`` on."""
        beats = self.beats[first : first + count]
        times = np.interp(np.arange((len(beats) - 1) * 4) / 4, np.arange(len(beats)), beats)
        grid = np.arange(len(self.rhythm)) / CODE_FPS
        return bar_profile(np.stack([np.interp(times, grid, self.rhythm[:, c]) for c in LOW_MID_HIGH], 1))


def plan_heard(style: str, seed: int) -> tuple[SongPlan, float]:
    """The plan of a song and where the heard piece begins: sometimes at an unusual tempo for its genre."""
    rng = np.random.default_rng([seed, 31])
    plan = plan_song(style, seed, beats=int(rng.choice([112, 128, 160])))
    if rng.random() < OTHER_TEMPO:
        plan = replace(plan, tempo=float(plan.tempo * rng.uniform(0.86, 1.16)))
    room = max(plan.duration - SECONDS, 0.0)
    return plan, float(rng.choice([0.0, rng.uniform(0, room), room]))


def hear_song(style: str, seed: int) -> HeardSong:
    """Sounds and degrades a song's piece, and listens to it."""
    return hear_plan(*plan_heard(style, seed))


def hear_plan(plan: SongPlan, start: float) -> HeardSong:
    """Sounds and degrades the piece of a planned song from ``start`` seconds on, and listens to it."""
    sound = render_song(plan, start, min(SECONDS, plan.duration - start), SAMPLE_RATE)
    sound = degrade(sound, np.random.default_rng([plan.seed, 37]), keep_speed=True)
    music = build_music_encoder().encode(sound.audio, SAMPLE_RATE)
    return HeardSong(plan, start, music.tower("rhythm"), music.beat_times, music.tempo)


def song_name(number: int, first_seed: int) -> tuple[str, int]:
    """Style and seed of song ``number`` of a folder: the styles take turns."""
    return STYLES[number % len(STYLES)], first_seed + number


def build_song_pack(number: int, out: Path, first_seed: int) -> Path:
    """Hears the :data:`PACK` songs of pack ``number`` unless it is there; returns its path."""
    path = out / f"songs_{first_seed:07d}_{number:03d}.npz"
    if path.exists():
        return path
    made = [song_name(k, first_seed) for k in range(number * PACK, (number + 1) * PACK)]
    songs = [hear_song(style, seed) for style, seed in made]
    out.mkdir(parents=True, exist_ok=True)
    partial_path = path.with_suffix(".part.npz")
    np.savez(
        partial_path,
        style=np.array([style for style, _ in made]),
        seed=np.array([seed for _, seed in made]),
        rhythm=np.concatenate([s.rhythm for s in songs]).astype(np.float16),
        first=np.cumsum([0] + [len(s.rhythm) for s in songs]),
        beats=np.concatenate([s.beats for s in songs]),
        beats_first=np.cumsum([0] + [len(s.beats) for s in songs]),
        tempo=np.array([s.tempo for s in songs]),
    )
    partial_path.replace(path)
    return path


def read_songs(folder: Path) -> list[HeardSong]:
    """All songs of a folder.

    Raises:
        FileNotFoundError: there is none.
    """
    files = sorted(p for p in folder.glob("songs_*.npz") if ".part" not in p.name)
    if not files:
        raise FileNotFoundError(f"no songs_*.npz in {folder}")
    return [song for file in files for song in _read_pack(file)]


def _read_pack(path: Path) -> list[HeardSong]:
    with np.load(path, allow_pickle=False) as pack:
        data = {name: pack[name] for name in pack.files}
    songs = []
    for k, (style, seed) in enumerate(zip(data["style"], data["seed"], strict=True)):
        plan, start = plan_heard(str(style), int(seed))
        rows = slice(data["first"][k], data["first"][k + 1])
        beats = data["beats"][data["beats_first"][k] : data["beats_first"][k + 1]]
        songs.append(HeardSong(plan, start, data["rhythm"][rows].astype(np.float32), beats, float(data["tempo"][k])))
    return songs


def build_songs(out: Path, count: int, first_seed: int = 1000, processes: int = 1) -> list[Path]:
    """Writes packs of heard songs to ``out`` until there are at least ``count``; returns their paths."""
    return build_packs(partial(build_song_pack, out=out, first_seed=first_seed), count, PACK, processes)


def main(arguments: list[str] | None = None) -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the packs")
    parser.add_argument("--count", type=int, default=440, help="songs of a minute")
    parser.add_argument("--seed", type=int, default=1000, help="seed of the first song")
    parser.add_argument("--processes", type=int, default=1)
    args = parser.parse_args(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    build_songs(args.out, args.count, args.seed, args.processes)


if __name__ == "__main__":
    main()

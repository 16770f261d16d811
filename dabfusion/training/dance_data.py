"""Dances packed for training the dance model: poses, music features and beats of thousands of dances in one ``.npz``.

The pack (all dances one after the other; dance d is rows ``first[d]:first[d + 1]``, ``fps`` rows a second):

    rotation (N, 19, 6) float16   root (N, 3) float32   music (N, D) float16
    first (K+1,)  style (K,) number in STYLES, or len(STYLES)  tempo (K,)  beats, beats_first (K+1,)
    seed (K,)  source (K,) names of moves or takes  held_out (K,) bool
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from dabfusion.config import CODE_FPS, STYLES, VIDEO_FPS
from dabfusion.music_encoder.beats import RHYTHM_FEATURES, beat_features, rhythm_features
from dabfusion.skeleton import matrix_to_6d

from .build_songs import BELIEVED, HeardSong
from .stand_in_rhythm import stand_in_rhythm

#: Captured takes never trained on, by number, of every subject; of the styles with few takes only the first.
HELD_OUT_TAKES: tuple[str, ...] = ("04", "12")
_MANY_TAKES = "salsa"
#: Every so many-th seed is never trained on either.
HELD_OUT_EVERY = 25
#: Spread in seconds of the error put on the true beats, as a beat tracker would make.
BEAT_JITTER = 0.012
#: How often a well-tracked song is told with the tracker's beats instead of the true ones.
TRACKED_SHARE = 0.5


class DanceLike(Protocol):
    """What the builder needs of a dance at 30 fps; see ``dabfusion.studio.dance.Dance``."""

    @property
    def rotation(self) -> np.ndarray: ...
    @property
    def root(self) -> np.ndarray: ...
    @property
    def beat_times(self) -> np.ndarray: ...
    @property
    def tempo(self) -> float: ...
    @property
    def style(self) -> str: ...
    @property
    def energy(self) -> np.ndarray: ...
    @property
    def counts(self) -> np.ndarray: ...
    @property
    def move_names(self) -> tuple[str, ...]: ...
    @property
    def audio(self) -> np.ndarray | None: ...
    @property
    def sample_rate(self) -> int: ...


@dataclass(frozen=True)
class PackedDance:
    """One dance at CODE_FPS: rotation (T, 19, 6), root (T, 3) in leg lengths, music (T, D), beats in seconds."""

    rotation: np.ndarray
    root: np.ndarray
    music: np.ndarray
    beats: np.ndarray
    tempo: float
    style: int
    seed: int
    source: str

    @property
    def held_out(self) -> bool:
        """Whether the dance is for measuring only: by seed, or because it shows a held-out take."""
        return self.seed % HELD_OUT_EVERY == 0 or is_held_out(self.source)


def is_held_out(source: str) -> bool:
    """Whether a take that is named in ``source``, as in ``salsa_60_04``, is for measuring only."""
    takes = re.findall(r"([a-z-]+)_\d+_(\d\d)", source)
    return any(number in HELD_OUT_TAKES[: 2 if style == _MANY_TAKES else 1] for style, number in takes)


def style_number(style: str) -> int:
    """Number of a style in STYLES; len(STYLES) for any other name."""
    return STYLES.index(style) if style in STYLES else len(STYLES)


def studio_music(dance: DanceLike, count: int, beats: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The towers "beats" + "rhythm", (count, 16); without sound, rhythm is a stand-in made from the song's plan."""
    times = np.arange(count) / CODE_FPS
    first = 0
    if len(beats):
        at_first_beat = np.interp(dance.beat_times[0], np.arange(len(dance.counts)) / VIDEO_FPS, dance.counts)
        first = round(float(at_first_beat)) - 1
    pulse = beat_features(times, beats, dance.tempo, count_offset=first % 8)
    if dance.audio is None:
        step = VIDEO_FPS // CODE_FPS
        rhythm = stand_in_rhythm(dance.counts[::step], dance.energy[::step], CODE_FPS, rng)
    else:
        rhythm = np.zeros((count, RHYTHM_FEATURES), np.float32)
        heard = rhythm_features(dance.audio, dance.sample_rate, CODE_FPS)[:count]
        rhythm[: len(heard)] = heard
    return np.concatenate([pulse, rhythm], 1)


def heard_music(song: HeardSong, start: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """The towers "beats" + "rhythm", (count, 16), of a song as the encoder heard it, from ``start`` seconds of its
    piece on. Where the tracker is right, half of the time its beats are told; else the true ones with a little error.
    The count of 8 is the true one.
    """
    times = start + np.arange(count) / CODE_FPS
    true = song.true_beats
    if song.well_tracked >= BELIEVED and rng.random() < TRACKED_SHARE:
        beats, tempo = song.beats, song.tempo
    else:
        beats = np.sort(true + rng.normal(0, BEAT_JITTER * rng.random(), len(true)))
        tempo = song.plan.tempo
    first = round(float(song.plan.counts(np.array([beats[0] + song.start]))[0])) - 1
    pulse = beat_features(times, beats, tempo, count_offset=first % 8)
    grid = np.arange(len(song.rhythm)) / CODE_FPS
    rhythm = np.stack([np.interp(times, grid, column) for column in song.rhythm.T], 1)
    return np.concatenate([pulse, rhythm], 1).astype(np.float32)


def pack_dance(dance: DanceLike, seed: int, heard: tuple[HeardSong, float] | None = None) -> PackedDance:
    """Every second pose of a 30 fps dance, with music features.

    Args:
        dance: at 30 fps.
        seed: of the dance.
        heard: the song and where in its piece the dance begins, seconds; None: features from the true beats plus a
            little error, and from the dance's own sound or a stand-in for it.
    """
    step = VIDEO_FPS // CODE_FPS
    rotation = matrix_to_6d(dance.rotation[::step]).astype(np.float16)
    beats = np.asarray(dance.beat_times, np.float64)
    rng = np.random.default_rng([seed, 5])
    if heard is None:
        told = np.sort(beats + rng.normal(0, BEAT_JITTER * rng.random(), len(beats)))
        music = studio_music(dance, len(rotation), told, rng)
    else:
        music = heard_music(*heard, len(rotation), rng)
    return PackedDance(
        rotation, dance.root[::step].astype(np.float32), music.astype(np.float16), beats.astype(np.float32),
        float(dance.tempo), style_number(dance.style), seed, "; ".join(dance.move_names),
    )  # fmt: skip


def write_pack(path: Path, dances: list[PackedDance]) -> None:
    """Writes dances as one pack, in one go."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part.npz")
    np.savez(
        partial,
        rotation=np.concatenate([d.rotation for d in dances]),
        root=np.concatenate([d.root for d in dances]),
        music=np.concatenate([d.music for d in dances]),
        first=np.cumsum([0] + [len(d.root) for d in dances]),
        beats=np.concatenate([d.beats for d in dances]),
        beats_first=np.cumsum([0] + [len(d.beats) for d in dances]),
        tempo=np.array([d.tempo for d in dances], np.float32),
        style=np.array([d.style for d in dances], np.int64),
        seed=np.array([d.seed for d in dances], np.int64),
        source=np.array([d.source for d in dances]),
        held_out=np.array([d.held_out for d in dances]),
        fps=np.array(CODE_FPS),
    )
    partial.replace(path)


def read_packs(path: Path) -> list[PackedDance]:
    """All dances of a pack, or of every pack in a folder.

    Raises:
        FileNotFoundError: if there is none.
    """
    files = sorted(p for p in path.glob("*.npz") if ".part" not in p.name) if path.is_dir() else [path]
    if not files:
        raise FileNotFoundError(f"no .npz pack of dances in {path}")
    return [dance for file in files for dance in _read_pack(file)]


def _read_pack(path: Path) -> list[PackedDance]:
    with np.load(path, allow_pickle=False) as pack:
        data = {name: pack[name] for name in pack.files}
    first, beats_first = data["first"], data["beats_first"]
    return [
        PackedDance(
            data["rotation"][a:b], data["root"][a:b], data["music"][a:b], data["beats"][p:q],
            float(data["tempo"][d]), int(data["style"][d]), int(data["seed"][d]), str(data["source"][d]),
        )
        for d, (a, b, p, q) in enumerate(zip(first[:-1], first[1:], beats_first[:-1], beats_first[1:], strict=True))
    ]  # fmt: skip

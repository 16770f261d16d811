"""Dances at the level of codes: a dance model, songs as the product's own music encoder hears them, no pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from dabfusion.accents import accented_codes
from dabfusion.checkpoint import open_checkpoint
from dabfusion.config import CODE_FPS, STYLES, VIDEO_FPS, GenerationOptions
from dabfusion.flow_diffusion.model import CONFIG_FILE, FlowDiffusion, FlowDiffusionConfig, build_flow_diffusion
from dabfusion.long_video import DanceOptions, dance_codes
from dabfusion.music_encoder.beats import beat_features
from dabfusion.skeleton import encode_pose
from dabfusion.studio.dance import CAPTURED_STYLE, sample_dance
from dabfusion.training.build_songs import HeardSong, hear_song, read_songs

#: Songs from this seed on are for measuring only; training has none of them.
FIRST_SONG = 900_000
#: Seeds of the poses from which dances start.
FIRST_START = 90_000_000
GENRES: tuple[str, ...] = tuple(style for style in STYLES if style != CAPTURED_STYLE)

Progress = Callable[[str, int, int], None]


def quiet(stage: str, done: int, total: int) -> None:
    """Progress that nobody wants to hear."""


def load_dance_model(folder: Path) -> FlowDiffusion:
    """The dance model of a checkpoint, or of a training run's folder, in evaluation mode.

    Raises:
        CheckpointError: there is none, or it does not fit the code.
    """
    if (folder / CONFIG_FILE).is_file():
        return FlowDiffusion.load(folder)
    checkpoint = open_checkpoint(folder)
    model = build_flow_diffusion(FlowDiffusionConfig.from_dict(checkpoint.config["flow_diffusion"]))
    checkpoint.load_into(model, "flow_diffusion")
    return model.eval().requires_grad_(False)


def held_out_songs(count: int, folder: Path | None = None, progress: Progress = quiet) -> list[HeardSong]:
    """``count`` songs for measuring only, the genres in turn: read from a folder of heard songs, or heard now."""
    if folder is not None:
        songs = [song for song in read_songs(folder) if song.plan.style in GENRES]
        turns = sorted(range(len(songs)), key=lambda k: (_turn(songs, k), GENRES.index(songs[k].plan.style)))
        return [songs[k] for k in turns[:count]]
    songs = []
    for k in range(count):
        songs.append(hear_song(GENRES[k % len(GENRES)], FIRST_SONG + k))
        progress("songs", k + 1, count)
    return songs


def _turn(songs: list[HeardSong], k: int) -> int:
    """How many songs of the same genre come before song ``k``."""
    return sum(song.plan.style == songs[k].plan.style for song in songs[:k])


def heard_features(song: HeardSong, start: float, seconds: float) -> np.ndarray:
    """What the product tells the dance model of a part of a song: (T, 16), from the tracked beats and the rhythm."""
    times = start + np.arange(round(seconds * CODE_FPS)) / CODE_FPS
    grid = np.arange(len(song.rhythm)) / CODE_FPS
    rhythm = np.stack([np.interp(times, grid, column) for column in song.rhythm.T], 1)
    pulse = beat_features(times, song.beats, song.tempo, count_offset=song.first_count)
    return np.concatenate([pulse, rhythm], 1).astype(np.float32)


def start_pose(number: int) -> np.ndarray:
    """The flow code (117,) of pose ``number`` that a photo could show: how a Studio dancer stands before the dance."""
    dance = sample_dance(FIRST_START + number, seconds=0.2, style=GENRES[number % len(GENRES)])
    return encode_pose(dance.rotation[:1], np.zeros((1, 3)))[0]


@dataclass(frozen=True)
class Dancer:
    """A dance model with the product's defaults."""

    model: FlowDiffusion
    steps: int = GenerationOptions.steps
    guidance: float = GenerationOptions.guidance
    accent: float = GenerationOptions.accent

    def dance(self, features: np.ndarray, start: np.ndarray, seed: int, style: str = "auto") -> np.ndarray:
        """Codes (F, 117) at 30 fps for music features (T, 16) and a start pose (117,)."""
        with torch.no_grad():
            codes = dance_codes(self.model, start, features, DanceOptions(seed, self.steps, self.guidance, style))
        return video_codes(codes, features, self.accent)


def video_codes(codes: np.ndarray, features: np.ndarray, accent: float = GenerationOptions.accent) -> np.ndarray:
    """Codes (F, 117) at 30 fps, with the product's accents unless told otherwise, of sampled codes (T, 117) to music
    features (T, 16)."""
    count = round(len(codes) / CODE_FPS * VIDEO_FPS)
    return accented_codes(codes, features, VIDEO_FPS, count, accent)

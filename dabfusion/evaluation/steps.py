"""``evaluate steps``: how many denoising steps a dance needs, measured on the codes, before anything is drawn."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from dabfusion.beat_report import joint_speed, smooth_speed
from dabfusion.config import CODE_FPS, VIDEO_FPS
from dabfusion.flow_diffusion import FlowDiffusion
from dabfusion.flow_diffusion.mean_body import mean_body
from dabfusion.long_video import DanceOptions, dance_codes
from dabfusion.music_encoder.encoder import MusicEncoder
from dabfusion.skeleton import encode_pose, forward_kinematics
from dabfusion.studio.dance import sample_dance
from dabfusion.studio.motion import Motion
from dabfusion.studio.moves import STYLES

from .beat_advantage import beat_advantage
from .heard_dances import video_codes
from .kinematic_beats import minima_times
from .plots import plot_lines
from .report import Reading, Report, Row, mean_row
from .studio_truth import FIRST_SEED, Progress

STEPS = (2, 3, 4, 5, 8, 10, 15, 20, 30, 50)
SONG_SECONDS = 12.0
PLOTS = ("beat advantage", "motion energy", "acceleration", "distance to the most steps", "seconds")


@dataclass(frozen=True)
class HeldOutSong:
    """A song that training did not have: start code (117,), music features (T, D), true beats (s)."""

    name: str
    start: np.ndarray
    features: np.ndarray
    beats: np.ndarray


def held_out_songs(
    count: int, seconds: float, encoder: MusicEncoder, takes: Sequence[Motion], seed: int = 0
) -> list[HeldOutSong]:  # fmt: skip
    """Songs of Studio's held-out split, styles in turn, as the product's own ear hears them."""
    songs = []
    for number in range(count):
        dance = sample_dance(FIRST_SEED + 1000 * seed + number, seconds=max(SONG_SECONDS, seconds),
                             style=STYLES[number % len(STYLES)], takes=takes, with_audio=True)  # fmt: skip
        if dance.audio is None:
            raise ValueError("the dance has no sound; make it with_audio")
        music = encoder.encode(dance.audio, dance.sample_rate).section(0.0, seconds)
        start = encode_pose(dance.rotation[0], np.zeros(3))
        beats = dance.beat_times[dance.beat_times < seconds]
        songs.append(HeldOutSong(f"{number:02d}_{dance.style}", start, music.features, beats))
    return songs


def compare_steps(
    model: FlowDiffusion, songs: Sequence[HeldOutSong], steps: Sequence[int], out: Path, progress: Progress,
    seed: int = 0,
) -> Report:  # fmt: skip
    """Dances every song with each number of steps, from the same noise.

    Args:
        model: the dance model.
        songs: what is danced to.
        steps: numbers to compare; the largest is what the others are measured against.
        out: gets steps.png.
        progress: called with ("steps N", done, total).
        seed: of the first song's noise.
    """
    best = max(steps)
    rows: dict[int, list[Row]] = {}
    final: list[np.ndarray] = []
    for number in sorted(steps, reverse=True):
        rows[number] = []
        for k, song in enumerate(songs):
            begun = time.perf_counter()
            codes = dance_codes(model, song.start, song.features, DanceOptions(seed + k, number))
            took = time.perf_counter() - begun
            points = _points(video_codes(codes, song.features))
            if number == best:
                final.append(points)
            rows[number].append(_row(song, points, final[k], took))
            progress(f"steps {number}", k + 1, len(songs))
    means = [mean_row(str(number), rows[number]) for number in sorted(steps)]
    lines = {m: [_value(row, m) for row in means] for m in PLOTS}
    for measure, values in lines.items():
        plot_lines(out / f"steps_{measure.split()[0]}.png", measure, "denoising steps", sorted(steps), {"ours": values})
    settings: dict[str, object] = {
        "songs": f"{len(songs)} held-out songs, {len(songs[0].features) / CODE_FPS:g} s each, one noise a song",
        "measured on": f"the points of one average body at {VIDEO_FPS} frames a second; nothing is drawn",
        "distance": f"of the points to those of {best} steps, leg lengths, mean",
        "solver": "DPM-Solver++ (2M) below 40 steps, DDIM from there on and for 2",
    }
    notes = [" ".join(f"![{m}](steps_{m.split()[0]}.png)" for m in PLOTS)]
    return Report("Denoising steps", settings, means, (), notes)


def _points(codes: np.ndarray) -> np.ndarray:
    """(F, 24, 3), leg lengths of the average body."""
    return forward_kinematics(torch.from_numpy(codes), mean_body(), torch.zeros(3)).numpy()


def _row(song: HeldOutSong, points: np.ndarray, best: np.ndarray, seconds: float) -> Row:
    speed = joint_speed(points[..., :2], VIDEO_FPS)
    beats = minima_times((np.arange(len(speed)) + 0.5) / VIDEO_FPS, smooth_speed(speed, VIDEO_FPS))
    acceleration = np.linalg.norm(np.diff(points, 2, axis=0), axis=-1).mean() * VIDEO_FPS**2
    return Row(song.name, {
        "beat advantage": Reading(beat_advantage(beats, song.beats)),
        "motion energy": Reading(float(speed.mean())),
        "acceleration": Reading(float(acceleration)),
        "distance to the most steps": Reading(float(np.linalg.norm(points - best, axis=-1).mean())),
        "seconds": Reading(seconds),
    })  # fmt: skip


def _value(row: Row, measure: str) -> float:
    value = row.readings[measure].value
    return float("nan") if value is None else value

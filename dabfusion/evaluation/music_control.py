"""Does the dancer obey the music? At the level of codes, on songs that training never heard:

- a faster song, more steps: half as fast again as the tracker hears it, and twice as fast where the beats are told;
- a break in the song stops the dancer;
- the same seed dances differently to another song, and the same to the same song;
- another style token, another dance.

:mod:`.control_report` makes a report of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d

from dabfusion.beat_report import joint_speed, motion_beats, smooth_speed
from dabfusion.config import VIDEO_FPS
from dabfusion.flow_diffusion.mean_body import mean_body
from dabfusion.flow_diffusion.sampling import seeded_noise
from dabfusion.long_video import DanceOptions, dance_codes
from dabfusion.skeleton import CODE_SIZE, encode_pose, forward_kinematics
from dabfusion.studio.dance import sample_dance
from dabfusion.studio.grid import plan_song
from dabfusion.training.build_songs import HeardSong, hear_plan
from dabfusion.training.motion_report import MotionMeasures, mean_measures, measure_motion

from .heard_dances import FIRST_SONG, GENRES, Dancer, heard_features, start_pose, video_codes

SECONDS = 12.0
SLOW_TEMPO = 84.0  #: BPM; half as fast again is still a tempo that the tracker does not take for another
#: Dancers rest from so long after a break's first beat, seconds, until a beat before its end, when they set out again.
COMING_TO_REST = 0.1
#: Spread of the smoothing of steps that are counted in beats, so that the same dance twice as fast has twice the steps.
BEAT_SMOOTHING = 0.12
_SHORTEST_REST = 0.3
_BEGIN = 6.0  # s into the songs of two tempi
_ACTIVE = 0.08  # of a song's plan: below it the music is silent


def points_of(codes: np.ndarray) -> np.ndarray:
    """Places (F, 24, 3) of the average body's points, leg lengths."""
    return forward_kinematics(torch.from_numpy(codes), mean_body(), torch.zeros(3)).numpy()


def steps_per_second(codes: np.ndarray, tempo: float | None = None) -> float:
    """Motion beats per second of a dance (F, 117) at 30 fps.

    ``tempo``: smooth the speed over :data:`BEAT_SMOOTHING` of a beat at so many BPM; None: as in the video's report.
    """
    speed = joint_speed(points_of(codes)[..., :2], VIDEO_FPS)
    if tempo is None:
        smoothed = smooth_speed(speed, VIDEO_FPS)
    else:
        smoothed = gaussian_filter1d(speed, BEAT_SMOOTHING * 60 / tempo * VIDEO_FPS, mode="nearest")
    return len(motion_beats(smoothed, VIDEO_FPS)) / (len(codes) / VIDEO_FPS)


def dance_distance(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """How far two dances (F, 117) are apart, leg lengths: frame by frame, and to the nearest pose at any time (both
    ways), which sees through the same moves at other times."""
    count = min(len(a), len(b))
    p, q = (points_of(x[:count])[:, 1:] - points_of(x[:count])[:, :1] for x in (a, b))
    by_frame = float(np.linalg.norm(p - q, axis=-1).mean())
    every = np.stack([np.linalg.norm(pose - q, axis=-1).mean(1) for pose in p])  # (F, F)
    return by_frame, float((every.min(1).mean() + every.min(0).mean()) / 2)


@dataclass(frozen=True)
class Steps:
    """Motion beats per second of the dances to a slow and a fast song: ``seen`` as in the video's report, ``counted``
    with a smoothing that follows the tempo, and ``unmoved``, those of the slow dance with the smoothing of the fast
    one: what a dancer deaf to the tempo would seem to do."""

    seen: tuple[float, float]
    counted: tuple[float, float]
    unmoved: float


def count_steps(slow: np.ndarray, fast: np.ndarray, tempi: tuple[float, float]) -> Steps:
    """The steps of two dances (F, 117) at 30 fps, after their first second, to songs of two tempi in BPM."""
    a, b = slow[VIDEO_FPS:], fast[VIDEO_FPS:]
    return Steps(
        (steps_per_second(a), steps_per_second(b)),
        (steps_per_second(a, tempi[0]), steps_per_second(b, tempi[1])),
        steps_per_second(a, tempi[1]),
    )


@dataclass(frozen=True)
class TempoCheck:
    """One song at two tempi: BPM as planned and as the dancer was told, and the steps of the generated dances and of
    ground-truth ones."""

    planned: tuple[float, float]
    heard: tuple[float, float]
    made: Steps
    truth: Steps

    @property
    def is_heard(self) -> bool:
        """Whether the dancer was told both tempi as they are."""
        return all(abs(h / p - 1) < 0.05 for h, p in zip(self.heard, self.planned, strict=True))


def check_tempo(dancer: Dancer, seed: int, style: str, times: float, told: bool) -> TempoCheck:
    """The same song at :data:`SLOW_TEMPO` and so many ``times`` as fast, danced with the same seed and style.

    ``told``: with the true beats; else with those that the tracker finds.
    """
    planned = (SLOW_TEMPO, times * SLOW_TEMPO)
    heard, made, truth = [], [], []
    for tempo in planned:
        plan = replace(plan_song(style, FIRST_SONG + seed, beats=64), tempo=tempo)
        song = hear_plan(plan, 0.0)
        if told:
            song = replace(song, beats=song.true_beats, tempo=tempo)
        heard.append(song.tempo)
        made.append(dancer.dance(heard_features(song, _BEGIN, SECONDS), start_pose(seed), seed, style))
        real = sample_dance(seed, seconds=SECONDS, song=plan, start=_BEGIN)
        truth.append(encode_pose(real.rotation, real.root - real.root[0]))
    made_steps, true_steps = (count_steps(slow, fast, planned) for slow, fast in (made, truth))
    return TempoCheck(planned, (heard[0], heard[1]), made_steps, true_steps)


def breaks_of(song: HeardSong) -> list[tuple[float, float]]:
    """The breaks in a song's piece: (start, end) in seconds, those that leave time to rest."""
    times = np.arange(0, song.seconds, 0.02)
    silent = np.r_[False, song.plan.energy(song.start + times) < _ACTIVE, False]
    edges = np.flatnonzero(np.diff(silent.astype(int))) * 0.02
    inside = list(zip(edges[::2], edges[1::2], strict=True))
    beat = 60 / song.plan.tempo
    rests = [(a, b) for a, b in inside if b - a - beat > COMING_TO_REST + _SHORTEST_REST]
    return [(a, b) for a, b in rests if a > 3 and b < song.seconds - 3]


def check_break(dancer: Dancer, song: HeardSong, seed: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Mean joint speed (torso lengths per second) inside and outside a song's first break, of the generated dance and
    of a ground-truth one to the same part of the song."""
    a, b = breaks_of(song)[0]
    start = max(a - SECONDS / 2, 0.0)
    made = dancer.dance(heard_features(song, start, SECONDS), start_pose(seed), seed, song.plan.style)
    truth = sample_dance(seed, seconds=SECONDS, song=song.plan, start=song.start + start)
    found = []
    for codes in (made, encode_pose(truth.rotation, truth.root - truth.root[0])):
        speed = joint_speed(points_of(codes)[..., :2], VIDEO_FPS)
        time = start + (np.arange(len(speed)) + 0.5) / VIDEO_FPS
        rest = (time > a + COMING_TO_REST) & (time < b - 60 / song.plan.tempo)
        dancing = ((time < a) | (time > b + 0.5)) & (time > start + 1)
        found.append((float(speed[rest].mean()), float(speed[dancing].mean())))
    return found[0], found[1]


def seed_only_dance(dancer: Dancer, features: np.ndarray, start: np.ndarray, seed: int) -> np.ndarray:
    """A dance whose noise follows from the seed alone: what one seed did to every song before the noise followed the
    song too."""
    noise = seeded_noise((1, len(features), CODE_SIZE), seed, dancer.model.device)
    options = DanceOptions(seed, dancer.steps, dancer.guidance)
    return video_codes(dance_codes(dancer.model, start, features, options, noise=noise), features)


def check_songs(dancer: Dancer, songs: tuple[HeardSong, HeardSong], seed: int) -> dict[str, tuple[float, float]]:
    """Distances (by frame, by nearest pose) between dances of one start pose: two songs with the same seed, with the
    noise of the song and with noise of the seed alone; and two seeds to one song."""
    start = start_pose(seed)
    first, second = (heard_features(song, 8.0, SECONDS) for song in songs)
    dance = dancer.dance(first, start, seed)
    styles = [dancer.dance(first, start, seed, GENRES[(seed + k) % len(GENRES)]) for k in (0, 3)]
    return {
        "two songs, same seed": dance_distance(dance, dancer.dance(second, start, seed)),
        "two songs, same seed, noise of the seed alone": dance_distance(
            seed_only_dance(dancer, first, start, seed), seed_only_dance(dancer, second, start, seed)
        ),
        "one song, two seeds": dance_distance(dance, dancer.dance(first, start, seed + 1)),
        "one song, same seed": dance_distance(dance, dancer.dance(first, start, seed)),
        "one song, same seed, two styles": dance_distance(*styles),
    }


def check_beats(dancer: Dancer, songs: Sequence[HeardSong]) -> dict[str, MotionMeasures]:
    """Measures of generated dances in the song's style beside the ground truth's, to the true beats."""
    made, truth = [], []
    for k, song in enumerate(songs):
        begin = min(8.0, max(song.seconds - SECONDS, 0.0))
        beats = song.true_beats - begin
        codes = dancer.dance(heard_features(song, begin, SECONDS), start_pose(k), k, song.plan.style)
        real = sample_dance(FIRST_SONG + k, seconds=SECONDS, song=song.plan, start=song.start + begin)
        made.append(measure_motion(codes, beats))
        truth.append(measure_motion(encode_pose(real.rotation, real.root - real.root[0]), beats))
    return {"generated": mean_measures(made), "ground truth": mean_measures(truth)}

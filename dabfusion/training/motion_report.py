"""Does it dance? Measures of generated codes beside the ground truth's, on the joints of one average body.

Definitions as in the evaluation: 2D-MM Align (DabFusion Eq. 7, sigma 50 ms), beat advantage (align minus its mean over
the beats shifted by k/8 of a beat, k = 1..7), beats covered within 100 ms, motion energy in torso lengths per second.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch

from dabfusion.beat_report import HIT_WINDOW, joint_speed, motion_beats, smooth_speed
from dabfusion.config import CODE_FPS
from dabfusion.flow_diffusion import FlowDiffusion
from dabfusion.flow_diffusion.loss import FEET
from dabfusion.flow_diffusion.mean_body import mean_body
from dabfusion.long_video import DanceOptions, dance_codes, upsample_codes
from dabfusion.skeleton import forward_kinematics

from .dance_crops import make_codes
from .dance_data import PackedDance

SIGMA = 0.05  # s
FPS = 30.0
STANDING_HEIGHT = 0.06  # leg lengths above the lowest foot of the dance


@dataclass(frozen=True)
class MotionMeasures:
    """Measures of one dance, or their means.

    ``skate``: mean speed over the floor, leg lengths per second, of a foot's points while they are down;
    ``acceleration``: mean joint acceleration, leg lengths per second squared; ``travel``: farthest sideways way of
    the hips, leg lengths; ``start_speed``: mean joint speed between the first two frames, leg lengths per second, which
    jumps where the start is torn.
    """

    align: float
    advantage: float
    covered: float
    energy: float
    acceleration: float
    skate: float
    travel: float
    start_speed: float


def beat_scores(moves: np.ndarray, beats: np.ndarray) -> tuple[float, float, float]:
    """Align, advantage and share of covered beats of motion beats (M,) against music beats (B,), both in seconds."""
    if len(moves) == 0 or len(beats) < 2:
        return 0.0, 0.0, 0.0
    gaps = np.append(np.diff(beats), beats[-1] - beats[-2])
    scores = []
    for k in range(8):
        distance = np.abs(moves[:, None] - (beats + gaps * k / 8)[None]).min(1)
        scores.append(float(np.exp(-0.5 * (distance / SIGMA) ** 2).mean()))
    covered = float((np.abs(beats[:, None] - moves[None]).min(1) <= HIT_WINDOW).mean())
    return scores[0], scores[0] - float(np.mean(scores[1:])), covered


def measure_motion(codes: np.ndarray, beats: np.ndarray) -> MotionMeasures:
    """Measures of codes (F, 117) at 30 fps against music beats in seconds from their start."""
    points = forward_kinematics(torch.from_numpy(codes), mean_body(), torch.zeros(3)).numpy()  # (F, 24, 3)
    speed = joint_speed(points[..., :2], FPS)
    duration = len(codes) / FPS
    align, advantage, covered = beat_scores(
        motion_beats(smooth_speed(speed, FPS), FPS), beats[(beats >= 0) & (beats < duration)]
    )
    acceleration = np.linalg.norm(np.diff(points, 2, axis=0), axis=-1).mean() * FPS**2
    feet = points[:, list(FEET)]  # (F, 4, 3)
    down = feet[:-1, :, 1] < feet[..., 1].min() + STANDING_HEIGHT
    slide = np.linalg.norm(np.diff(feet[..., [0, 2]], axis=0), axis=-1) * FPS
    travel = np.abs(codes[:, -3]).max()
    start = np.linalg.norm(points[1] - points[0], axis=-1).mean() * FPS
    return MotionMeasures(
        align, advantage, covered, float(speed.mean()), float(acceleration),
        float(slide[down].mean()) if down.any() else 0.0, float(travel), float(start),
    )  # fmt: skip


def one_of_each_style(dances: list[PackedDance], count: int) -> list[PackedDance]:
    """Up to ``count`` dances: the first of each style, then the second of each, and so on."""
    seen: dict[int, int] = {}
    turns = []
    for place, dance in enumerate(dances):
        seen[dance.style] = seen.get(dance.style, -1) + 1
        turns.append((seen[dance.style], dance.style, place))
    return [dances[place] for _, _, place in sorted(turns)[:count]]


def truth_codes(dance: PackedDance, frames: int) -> np.ndarray:
    """The first ``frames`` codes (frames, 117) of a dance, relative to its own start."""
    return make_codes(dance.rotation[:frames].astype(np.float32), dance.root[:frames], dance.root[0])


def report(
    model: FlowDiffusion, dances: list[PackedDance], seconds: float, options: DanceOptions
) -> dict[str, MotionMeasures]:
    """Mean measures of "generated" dances and of the "truth" to the same music from the same start pose; and
    "shuffled", the generated dances against the beats of the next song, which should show no advantage."""
    frames = round(seconds * CODE_FPS)
    rows: dict[str, list[MotionMeasures]] = {"generated": [], "truth": [], "shuffled": []}
    for k, dance in enumerate(dances):
        truth = truth_codes(dance, frames)
        used = DanceOptions(options.seed + k, options.steps, options.guidance, _style_name(model, dance.style))
        made = dance_codes(model, truth[0], dance.music[: len(truth)].astype(np.float32), used)
        smooth = upsample_codes(made, CODE_FPS, FPS)
        rows["generated"].append(measure_motion(smooth, dance.beats))
        rows["truth"].append(measure_motion(upsample_codes(truth, CODE_FPS, FPS), dance.beats))
        rows["shuffled"].append(measure_motion(smooth, dances[(k + 1) % len(dances)].beats))
    return {name: mean_measures(found) for name, found in rows.items()}


def mean_measures(measures: list[MotionMeasures]) -> MotionMeasures:
    """Mean of each measure."""
    columns = zip(*(asdict(m).values() for m in measures), strict=True)
    return MotionMeasures(*(float(np.mean(column)) for column in columns))


def _style_name(model: FlowDiffusion, number: int) -> str:
    return model.config.styles[number] if number < len(model.config.styles) else "auto"

"""FVD of the held-out report: of all videos, and of halves, so that the real videos have a row of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from dabfusion.config import VIDEO_FPS
from dabfusion.video import frame_total

from .clip import read_clip
from .fvd import cut_clips, frechet_distance, video_features
from .instruments import Instruments
from .made_once import put_file
from .report import Reading, Report
from .studio_truth import OURS, TRUTH, Progress, Split, TruthClip, make_truth
from .weights import MissingWeightsError

FVD_FRAMES = 16
GROUND_TRUTH, MADE, FROZEN = "ground truth", "ours", "ours, frozen"


def add_fvd(report: Report, split: Split, work: Path, tools: Instruments, progress: Progress) -> Report:
    """The report with Frechet distances in its summary: of all clips, and of halves against the real other half."""
    truth = make_truth(split, work, tools, progress)
    scores: Mapping[str, Mapping[str, Reading]]
    try:
        scores = fvd_readings(_all_features(truth, work, tools, progress))
    except MissingWeightsError as missing:
        absent = {key: Reading(None, missing.need) for key in (f"FVD-{FVD_FRAMES}", f"FVD-{FVD_FRAMES}, halves")}
        scores = {row.name: absent for row in report.summary}
    summary = [replace(row, readings={**row.readings, **scores.get(row.name, {})}) for row in report.summary]
    return replace(report, summary=summary, notes=[*report.notes, fvd_note(split)])


def _all_features(
    truth: Sequence[TruthClip], work: Path, tools: Instruments, progress: Progress
) -> dict[str, list[np.ndarray]]:
    """Logits (n, 400) of every video, by maker; a frozen video is one clip, repeated."""
    sets: dict[str, list[np.ndarray]] = {GROUND_TRUTH: [], MADE: [], FROZEN: []}
    for number, clip in enumerate(truth):
        for name, maker in ((GROUND_TRUTH, TRUTH), (MADE, OURS)):
            frames = read_clip(clip.video(work, maker), beat_times=np.zeros(0)).frames
            sets[name].append(features_of(frames, tools))
        still = features_of(np.repeat(frames[:1], FVD_FRAMES, 0), tools)
        sets[FROZEN].append(np.repeat(still, len(sets[MADE][-1]), 0))
        progress("FVD", number + 1, len(truth))
    return sets


def features_of(frames: np.ndarray, tools: Instruments) -> np.ndarray:
    """I3D logits (n, 400) of a video's clips, from the cache if they were computed before."""
    pieces = cut_clips(frames, FVD_FRAMES)
    if tools.cache is None or not pieces:
        return video_features(tools.i3d, pieces) if pieces else np.zeros((0, 400))
    path = tools.cache / f"i3d-{hashlib.sha256(str(frames.shape).encode() + frames.tobytes()).hexdigest()[:24]}.npy"
    if not path.is_file():
        found = video_features(tools.i3d, pieces)
        put_file(path, lambda place: np.save(place, found))
    return np.asarray(np.load(path))


def fvd_readings(sets: Mapping[str, Sequence[np.ndarray]]) -> dict[str, dict[str, Reading]]:
    """Distances of each maker's videos' features (n, D) to the real ones: of all, and of one half to the real other."""
    real = sets[GROUND_TRUTH]
    first, second = np.arange(0, len(real), 2), np.arange(1, len(real), 2)

    def joined(name: str, chosen: np.ndarray) -> np.ndarray:
        return np.concatenate([sets[name][k] for k in chosen]) if len(chosen) else np.zeros((0, 400))

    def distance(x: np.ndarray, y: np.ndarray) -> Reading:
        few = min(len(x), len(y)) < 2
        return Reading(None, "at least two clips on each side") if few else Reading(frechet_distance(x, y))

    scores: dict[str, dict[str, Reading]] = {}
    for name in sets:
        every = np.arange(len(real))
        whole = distance(joined(name, every), joined(GROUND_TRUTH, every)) if name != GROUND_TRUTH else Reading(None)
        halves = distance(joined(name, first), joined(GROUND_TRUTH, second))
        scores[name] = {f"FVD-{FVD_FRAMES}": whole, f"FVD-{FVD_FRAMES}, halves": halves}
    return scores


def fvd_note(split: Split) -> str:
    """How many clips stand behind the distances."""
    each = frame_total(split.seconds, VIDEO_FPS) // FVD_FRAMES
    half = (split.clips - split.clips // 2) * each, split.clips // 2 * each
    return (
        f"FVD-{FVD_FRAMES}: {split.clips * each} clips of {FVD_FRAMES} frames against as many real ones. Halves: "
        f"{half[0]} clips, of every other video, against the {half[1]} real ones of the videos in between; the ground "
        "truth's is real against real. So few clips bias every distance upwards: compare only within a column."
    )

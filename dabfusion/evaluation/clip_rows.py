"""A held-out clip's row: the dancer, the beats and the look of one video, or of a piece of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from .av_align import flow_strength, motion_peaks, onset_times, peak_overlap
from .clip import Clip
from .identity import identity_kept
from .instruments import Instruments
from .measure import IDENTITY_RATE, person_readings, reference_readings
from .pose import PoseTrack
from .report import Reading, Row, mean_row
from .weights import MissingWeightsError

REFERENCE_RATE = 1.0  #: frames a second at which SSIM, PSNR and LPIPS look
PERSON = ("detected", "keypoint conf.", "dancer px", "motion energy", "acceleration")
BEATS = ("2D-MM Align", "beat advantage", "MBCR")


@dataclass(frozen=True)
class Sound:
    """What a video is danced to: beats (B,) and onsets (N,), seconds."""

    beats: np.ndarray
    onsets: np.ndarray


def sound_of(clip: Clip) -> Sound:
    """The beats of a clip, and the onsets in its sound."""
    return Sound(clip.beat_times, onset_times(clip.audio, clip.sample_rate))


def picture_peaks(clip: Clip) -> np.ndarray:
    """Times (s) at which the picture moves most, for AV-Align."""
    return motion_peaks(flow_strength(clip.frames), clip.fps)


def clip_row(
    clip: Clip, sound: Sound, tools: Instruments, photo: Path, peaks: np.ndarray, track: PoseTrack | None = None,
    identity_rate: float = IDENTITY_RATE,
) -> Row:  # fmt: skip
    """The measures that need no other video.

    Args:
        clip: the video.
        sound: what it is danced to.
        tools: the measuring networks.
        photo: whom it should show.
        peaks: of its picture's motion, see :func:`picture_peaks`.
        track: the dancer, where it is known already.
        identity_rate: frames a second at which identity looks.
    """
    readings: dict[str, Reading] = {}
    curves: dict[str, list[float]] = {}
    try:
        track = track or tools.track(clip)
        person = person_readings(clip, track)
        readings = {name: person[name] for name in PERSON + BEATS}
        readings["identity"], curves = _identity(clip, track, tools, photo, identity_rate)
    except MissingWeightsError as missing:
        readings |= {name: Reading(None, missing.need) for name in (*PERSON, *BEATS, "identity")
                     if name not in readings}  # fmt: skip
    readings["AV-Align"] = Reading(peak_overlap(sound.onsets, peaks, clip.fps))
    return Row(clip.name, readings, over_time=curves)


def beside_truth(clip: Clip, real: Clip, tools: Instruments, rate: float = REFERENCE_RATE) -> dict[str, Reading]:
    """SSIM, PSNR and LPIPS against the real video at ``rate`` frames a second.

    They begin in the middle of the first step: the first frame itself was given, and says nothing.
    """
    step = max(1, round(clip.fps / rate))
    first = min(step // 2, len(clip.frames) - 1, len(real.frames) - 1)
    few = [replace(c, frames=c.frames[first::step], fps=c.fps / step) for c in (clip, real)]
    return reference_readings(few[0], few[1], tools)


def to_songs(clip: Clip, others: Sequence[Sound], tools: Instruments, peaks: np.ndarray | None = None) -> Row:
    """The same video to other songs (or other beats): means over them; ``peaks`` are found where they are not given."""
    found = []
    peaks = picture_peaks(clip) if peaks is None else peaks
    for sound in others:
        readings = {"AV-Align": Reading(peak_overlap(sound.onsets, peaks, clip.fps))}
        try:
            person = person_readings(replace(clip, beat_times=sound.beats), tools.track(clip))
            readings |= {name: person[name] for name in BEATS}
        except MissingWeightsError as missing:
            readings |= {name: Reading(None, missing.need) for name in BEATS}
        found.append(Row(clip.name, readings))
    return Row(clip.name, mean_row(clip.name, found).readings)


def cut_clip(clip: Clip, first: int, count: int) -> Clip:
    """Frames ``first`` to ``first + count`` of a clip, with their sound and beats, in their own time."""
    begin, end = first / clip.fps, (first + count) / clip.fps
    inside = clip.beat_times[(clip.beat_times >= begin) & (clip.beat_times < end)] - begin
    audio = clip.audio[round(begin * clip.sample_rate) : round(end * clip.sample_rate)]
    return replace(clip, frames=clip.frames[first : first + count], audio=audio, beat_times=inside)


def cut_track(track: PoseTrack, first: int, count: int) -> PoseTrack:
    """The same frames of the dancer's track."""
    part = slice(first, first + count)
    return PoseTrack(
        track.keypoints[part], track.confidence[part], track.boxes[part], track.score[part], track.fps
    )  # fmt: skip


def still_track(once: PoseTrack, count: int) -> PoseTrack:
    """The track of one frame, shown ``count`` times."""
    arrays = (once.keypoints, once.confidence, once.boxes, once.score)
    points, sure, boxes, score = (np.repeat(a[:1], count, 0) for a in arrays)
    return PoseTrack(points, sure, boxes, score, once.fps)


def _identity(
    clip: Clip, track: PoseTrack, tools: Instruments, photo: Path, rate: float
) -> tuple[Reading, dict[str, list[float]]]:
    known = tools.photo(photo)
    if known is None:
        return Reading(None, "a first frame in which a person is seen"), {}
    still = len(clip.frames) > 1 and not np.ptp(clip.frames, axis=0).any()
    step = len(clip.frames) if still else max(1, round(clip.fps / rate))
    kept = identity_kept(clip.frames, track, known, tools.vgg, step)
    return Reading(kept.mean), {"identity": kept.per_second()}

"""All measures of one video."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import torch

from .av_align import av_align
from .beat_advantage import beat_advantage
from .beat_align import beat_align
from .beats_covered import beats_covered
from .clip import Clip
from .clip_score import clip_score, load_clip
from .identity import Identity, identity_kept
from .instruments import Instruments, reading
from .kinematic_beats import kinematic_beats
from .lpips import mean_lpips
from .motion import joint_speed, keypoint_acceleration, motion_energy
from .pose import PoseTrack, dancer_height, detected, keypoint_confidence
from .psnr import psnr
from .report import Reading, Row
from .seam_jump import track_seam_jump
from .ssim import ssim
from .weights import MissingWeightsError

BY_LIBROSA = "beat advantage, librosa's beats"
AT_TEMPO = "beat advantage, known tempo"
IDENTITY_RATE = 5.0  #: frames a second that identity looks at
PHOTO, SONG, REFERENCE = "a photo with a person", "a song", "a reference video"
SEAMS = "a video of several windows, and the times of their joins"
_PERSON = (
    "detected", "keypoint conf.", "dancer px", "dancer share", "motion energy", "acceleration",
    "2D-MM Align", "beat advantage", "MBCR",
)  # fmt: skip


def measure_clip(
    clip: Clip, tools: Instruments, photo: Path | None = None, reference: Clip | None = None,
    seams: np.ndarray | None = None, other_beats: Mapping[str, np.ndarray] | None = None,
) -> Row:  # fmt: skip
    """Measures one video by everything that its inputs allow.

    Args:
        clip: the video.
        tools: the measuring networks.
        photo: the photo that it was made from, for identity.
        reference: the real video, for SSIM, PSNR and LPIPS.
        seams: times (s) of the joins between windows; empty: it has none.
        other_beats: by the name of its column, beats (s) from elsewhere, as a check on the clip's: librosa's, or the
            grid of a known tempo.

    Returns:
        A row in which a measure without its input or weights says what it needs.
    """
    readings: dict[str, Reading] = {}
    curves: dict[str, list[float]] = {}
    try:
        track = tools.track(clip)
        readings |= person_readings(clip, track)
        if seams is not None and len(seams):
            readings["seam jump"] = Reading(track_seam_jump(track, seams))
        else:
            readings["seam jump"] = Reading(None, SEAMS)
        for column, music_beats in (other_beats or {}).items():
            readings[column] = Reading(beat_advantage(kinematic_beats(track), music_beats))
        curves["motion energy"] = _per_second(*joint_speed(track))
        identity = _identity(clip, track, tools, photo)
        curves |= {"identity": identity.per_second()} if identity else {}
        readings |= _identity_readings(identity, "" if identity else PHOTO)
    except MissingWeightsError as missing:
        readings |= {key: Reading(None, missing.need) for key in (*_PERSON, "identity") if key not in readings}
    readings["AV-Align"] = Reading(av_align(clip.frames, clip.fps, clip.audio, clip.sample_rate))
    if not clip.audio.size:
        readings["AV-Align"] = Reading(None, SONG)
    readings["CLIP score"] = reading(lambda: _clip_score(clip, tools))
    readings |= reference_readings(clip, reference, tools)
    return Row(clip.name, readings, over_time=curves)


def person_readings(clip: Clip, track: PoseTrack) -> dict[str, Reading]:
    """The measures that need only the dancer's joints and the music beats."""
    beats = kinematic_beats(track)
    height = dancer_height(track)
    found = {
        "detected": Reading(detected(track)),
        "keypoint conf.": Reading(keypoint_confidence(track)),
        "dancer px": Reading(height),
        "dancer share": Reading(height / clip.frames.shape[1]),
        "motion energy": Reading(motion_energy(track)),
        "acceleration": Reading(keypoint_acceleration(track)),
    }
    if len(clip.beat_times) == 0:
        return found | {key: Reading(None, SONG) for key in ("2D-MM Align", "beat advantage", "MBCR")}
    return found | {
        "2D-MM Align": Reading(beat_align(beats, clip.beat_times)),
        "beat advantage": Reading(beat_advantage(beats, clip.beat_times)),
        "MBCR": Reading(beats_covered(beats, clip.beat_times)),
    }


def reference_readings(clip: Clip, reference: Clip | None, tools: Instruments) -> dict[str, Reading]:
    """SSIM, PSNR and LPIPS against the real video, frame by frame at equal times, at the real video's size."""
    names = ("SSIM", "PSNR", "LPIPS (VGG)", "LPIPS (AlexNet)")
    if reference is None:
        return {name: Reading(None, REFERENCE) for name in names}
    x, y = matched_frames(clip, reference)
    first, second = _tensor(x), _tensor(y)
    return {
        "SSIM": Reading(ssim(x, y)),
        "PSNR": Reading(psnr(x, y)),
        "LPIPS (VGG)": reading(lambda: mean_lpips(tools.vgg, first, second)),
        "LPIPS (AlexNet)": reading(lambda: mean_lpips(tools.alexnet, first, second)),
    }


def matched_frames(clip: Clip, reference: Clip) -> tuple[np.ndarray, np.ndarray]:
    """Frames (F, H, W, 3) of both at the slower one's times, as long as the shorter lasts, in the reference's size."""
    fps = min(clip.fps, reference.fps)
    count = int(min(clip.duration, reference.duration) * fps + 1e-6)
    height, width = reference.frames.shape[1:3]
    times = np.arange(count) / fps
    x = [clip.frames[min(int(t * clip.fps + 1e-6), len(clip.frames) - 1)] for t in times]
    y = [reference.frames[min(int(t * reference.fps + 1e-6), len(reference.frames) - 1)] for t in times]
    same = clip.frames.shape[1:3] == (height, width)
    x = x if same else [cv2.resize(f, (width, height), interpolation=cv2.INTER_AREA) for f in x]
    return np.stack(x), np.stack(y)


def _identity(clip: Clip, track: PoseTrack, tools: Instruments, photo: Path | None) -> Identity | None:
    person = tools.photo(photo) if photo is not None else None
    if person is None:
        return None
    return identity_kept(clip.frames, track, person, tools.vgg, max(1, round(clip.fps / IDENTITY_RATE)))


def _identity_readings(identity: Identity | None, needs: str) -> dict[str, Reading]:
    if identity is None:
        return {key: Reading(None, needs) for key in ("identity", "identity, last second")}
    seconds = [v for v in identity.per_second() if np.isfinite(v)]
    return {"identity": Reading(identity.mean), "identity, last second": Reading(seconds[-1] if seconds else 0.0)}


def _clip_score(clip: Clip, tools: Instruments) -> float:
    pictures, size, sound = load_clip(tools.weights)
    return clip_score(clip, pictures, size, sound)


def _per_second(times: np.ndarray, values: np.ndarray) -> list[float]:
    second = times.astype(int)
    return [float(values[second == s].mean()) for s in range(int(second.max(initial=-1)) + 1) if (second == s).any()]


def _tensor(frames: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255

"""The default checkpoint on Studio's held-out split: the same first frame and song as the ground truth, measured beside
it, with the controls that tell dancing from chance (other songs) and from a good picture (frozen).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dabfusion.checkpoint import open_checkpoint
from dabfusion.config import DEFAULT_CHECKPOINT, VIDEO_FPS, GenerationOptions
from dabfusion.music_encoder.encoder import build_music_encoder
from dabfusion.pipeline import DabFusion

from .av_align import flow_strength, motion_peaks, onset_times, peak_overlap
from .beats_covered import beats_covered
from .clip import Clip, read_clip
from .folders import BEATS_FILE
from .identity import identity_kept
from .instruments import Instruments
from .measure import IDENTITY_RATE, person_readings, reference_readings
from .pose import PoseTrack
from .report import Reading, Report, Row, mean_row
from .studio_fvd import FROZEN, GROUND_TRUTH, MADE
from .studio_pictures import draw_pictures
from .studio_truth import OURS, SONG_SECONDS, TRUTH, Progress, Split, TruthClip, make_truth
from .weights import MissingWeightsError

COMMAND = "python -m dabfusion evaluate studio --avatars AVATARS --motion TAKES --weights WEIGHTS"
REFERENCE_RATE = 1.0  #: frames a second at which SSIM, PSNR and LPIPS look
HEARD = 0.07  #: s within which a tracked beat is the true one
SHUFFLED, TRUTH_SHUFFLED = "ours, songs shuffled", "ground truth, songs shuffled"
BY_EAR = "ours, to the beats it heard"
PERSON = ("detected", "keypoint conf.", "dancer px", "motion energy", "acceleration")
BEATS = ("2D-MM Align", "beat advantage", "MBCR")
ITSELF = Reading(None)  #: a video against itself says nothing
PICTURE = ("SSIM", "PSNR", "LPIPS (VGG)", "LPIPS (AlexNet)")


@dataclass(frozen=True)
class _Sound:
    """What a video is danced to: true beats (s), sound."""

    beats: np.ndarray
    onsets: np.ndarray


def evaluate_studio(
    split: Split, tools: Instruments, out: Path, work: Path, progress: Progress,
    checkpoint: Path = DEFAULT_CHECKPOINT, fvd: bool = False,
) -> Report:  # fmt: skip
    """Makes both sides' videos, measures them, and writes the pictures of the report.

    Args:
        split: which clips.
        tools: the measuring networks.
        out: gets the contact sheet and plots.
        work: gets the videos.
        progress: called with (stage, done, total).
        checkpoint: which dancer.
        fvd: name the Frechet distances in the command; :func:`.studio_fvd.add_fvd` measures them.

    Raises:
        UserError, CheckpointError: missing folders, unusable machine, a checkpoint that does not fit.
    """
    truth = make_truth(split, work, tools, progress)
    heard = dance_all(truth, split, work, checkpoint, progress)
    rows = _measure_all(truth, heard, work, tools, progress)
    summary = [mean_row(name, found) for name, found in rows.items()]
    draw_pictures(out, truth, work, rows[GROUND_TRUTH], rows[MADE], tools)
    captured = sum(clip.source == "captured" for clip in truth)
    settings = {
        "rebuilt by": f"`{COMMAND} --clips {split.clips} --seconds {split.seconds:g} --seed {split.seed}"
        f"{' --fvd' if fvd else ''} --out FOLDER`",
        "split": f"{split.clips} clips of {split.seconds:g} s; held-out people; dances and songs of seeds that "
        f"training did not have; {captured} captured (held-out takes), the others authored",
        "checkpoint": f"{checkpoint.name}, {checkpoint_digest(checkpoint)}",
        "ours": f"style auto, {GenerationOptions().steps} steps, guidance {GenerationOptions().guidance:g}, "
        f"seed {split.seed} + number of the clip, unpicked; beats tracked by the product in {SONG_SECONDS:g} s of song",
        "beats": "measured against the song's true grid",
        "SSIM, PSNR, LPIPS": f"{REFERENCE_RATE:g} frame a second, against the ground truth at the same time",
        "identity of": "each frame with the clip's first",
    }  # fmt: skip
    every = [Row(f"{row.name}: {name}", row.readings, over_time=row.over_time) for name in (GROUND_TRUTH, MADE)
             for row in rows[name]]  # fmt: skip
    return Report("Studio, held-out split", settings, summary, every, _notes(rows, _shares_heard(heard, work), truth))


def checkpoint_digest(folder: Path) -> str:
    """Twelve figures that change with any weight of a checkpoint."""
    sums = json.dumps(open_checkpoint(folder).config["files"], sort_keys=True)
    return hashlib.sha256(sums.encode()).hexdigest()[:12]


def dance_all(
    truth: Sequence[TruthClip], split: Split, work: Path, checkpoint: Path, progress: Progress
) -> dict[str, np.ndarray]:
    """Lets the product dance every clip's song from its first frame, into ours/NAME.mp4.

    Returns:
        The beats (s) that the product's own tracker found, by name.
    """
    dancer, encoder = DabFusion.from_checkpoint(checkpoint), build_music_encoder()
    heard = {}
    for number, clip in enumerate(truth):
        music = encoder.encode_file(clip.song(work))
        options = GenerationOptions(seed=split.seed + number, length=split.seconds, fps=VIDEO_FPS, mark=False)
        dancer.generate(clip.start_frame(work), music, clip.song(work), clip.video(work, OURS), options)
        heard[clip.name] = music.beat_times
        progress("ours", number + 1, len(truth))
    return heard


def _shares_heard(heard: Mapping[str, np.ndarray], work: Path) -> dict[str, float]:
    """The share of the true beats that the product's tracker found within HEARD, by clip."""
    return {name: beats_covered(heard[name], grid, HEARD) for name, grid in _grids(work).items()}


def _grids(work: Path) -> dict[str, np.ndarray]:
    known = json.loads((work / TRUTH / BEATS_FILE).read_text(encoding="utf-8"))
    return {name: np.asarray(times, float) for name, times in known.items()}


def _measure_all(
    truth: Sequence[TruthClip], heard: Mapping[str, np.ndarray], work: Path, tools: Instruments, progress: Progress
) -> dict[str, list[Row]]:
    """Rows of single clips by the summary's rows."""
    grids = _grids(work)
    sounds = []
    for clip in truth:
        real = read_clip(clip.video(work), beat_times=grids[clip.name])
        sounds.append(_Sound(real.beat_times, onset_times(real.audio, real.sample_rate)))
    rows: dict[str, list[Row]] = {
        name: [] for name in (GROUND_TRUTH, MADE, BY_EAR, SHUFFLED, FROZEN, TRUTH_SHUFFLED)
    }  # fmt: skip
    for number, clip in enumerate(truth):
        own = sounds[number]
        real = read_clip(clip.video(work), beat_times=own.beats)
        made = read_clip(clip.video(work, OURS), beat_times=own.beats)
        others = [sound for k, sound in enumerate(sounds) if k != number]
        photo = clip.photo(work)
        true_peaks, peaks = _peaks(real), _peaks(made)
        truth_row = _row(real, own, tools, photo, true_peaks)
        rows[GROUND_TRUTH].append(replace(truth_row, readings={**truth_row.readings, **dict.fromkeys(PICTURE, ITSELF)}))
        ours = _row(made, own, tools, photo, peaks)
        rows[MADE].append(replace(ours, readings={**ours.readings, **_against(made, real, tools)}))
        inside = heard[clip.name][(heard[clip.name] >= 0) & (heard[clip.name] < made.duration)]
        rows[BY_EAR].append(_to_songs(made, [_Sound(inside, own.onsets)], tools, peaks))
        rows[FROZEN].append(_frozen(made, real, own, tools, photo))
        if others:
            rows[SHUFFLED].append(_to_songs(made, others, tools, peaks))
            rows[TRUTH_SHUFFLED].append(_to_songs(real, others, tools, true_peaks))
        progress("measured", number + 1, len(truth))
    return {name: found for name, found in rows.items() if found}


def _row(
    clip: Clip, sound: _Sound, tools: Instruments, photo: Path, peaks: np.ndarray, track: PoseTrack | None = None
) -> Row:
    """The measures that need no other video; ``peaks`` (s) are those of its picture's motion."""
    readings: dict[str, Reading] = {}
    curves: dict[str, list[float]] = {}
    try:
        track = track or tools.track(clip)
        person = person_readings(clip, track)
        readings = {name: person[name] for name in PERSON + BEATS}
        readings["identity"], curves = _identity(clip, track, tools, photo)
    except MissingWeightsError as missing:
        readings |= {name: Reading(None, missing.need) for name in (*PERSON, *BEATS, "identity")
                     if name not in readings}  # fmt: skip
    readings["AV-Align"] = Reading(peak_overlap(sound.onsets, peaks, clip.fps))
    return Row(clip.name, readings, over_time=curves)


def _identity(clip: Clip, track: PoseTrack, tools: Instruments, photo: Path) -> tuple[Reading, dict[str, list[float]]]:
    known = tools.photo(photo)
    if known is None:
        return Reading(None, "a first frame in which a person is seen"), {}
    still = len(clip.frames) > 1 and not np.ptp(clip.frames, axis=0).any()
    step = len(clip.frames) if still else max(1, round(clip.fps / IDENTITY_RATE))
    kept = identity_kept(clip.frames, track, known, tools.vgg, step)
    return Reading(kept.mean), {"identity": kept.per_second()}


def _peaks(clip: Clip) -> np.ndarray:
    return motion_peaks(flow_strength(clip.frames), clip.fps)


def _against(clip: Clip, real: Clip, tools: Instruments) -> dict[str, Reading]:
    """SSIM, PSNR and LPIPS at REFERENCE_RATE."""
    step = max(1, round(clip.fps / REFERENCE_RATE))
    few = [replace(c, frames=c.frames[::step], fps=c.fps / step) for c in (clip, real)]
    return reference_readings(few[0], few[1], tools)


def _frozen(made: Clip, real: Clip, sound: _Sound, tools: Instruments, photo: Path) -> Row:
    """The first frame for the whole time; its pose is looked for once."""
    still = replace(made, frames=np.repeat(made.frames[:1], len(made.frames), 0))
    try:
        once = tools.track(replace(made, frames=made.frames[:1]))
    except MissingWeightsError:
        track = None
    else:
        count = len(made.frames)
        points, sure = np.repeat(once.keypoints, count, 0), np.repeat(once.confidence, count, 0)
        boxes, score = np.repeat(once.boxes, count, 0), np.repeat(once.score, count, 0)
        track = PoseTrack(points, sure, boxes, score, once.fps)
    row = _row(still, sound, tools, photo, np.zeros(0), track)
    return replace(row, readings={**row.readings, **_against(still, real, tools)})


def _to_songs(clip: Clip, others: Sequence[_Sound], tools: Instruments, peaks: np.ndarray) -> Row:
    """The same video to other songs (or other beats): means over them."""
    found = []
    for sound in others:
        readings = {"AV-Align": Reading(peak_overlap(sound.onsets, peaks, clip.fps))}
        try:
            person = person_readings(replace(clip, beat_times=sound.beats), tools.track(clip))
            readings |= {name: person[name] for name in BEATS}
        except MissingWeightsError as missing:
            readings |= {name: Reading(None, missing.need) for name in BEATS}
        found.append(Row(clip.name, readings))
    return Row(clip.name, mean_row(clip.name, found).readings)


def _notes(rows: Mapping[str, Sequence[Row]], heard: Mapping[str, float], truth: Sequence[TruthClip]) -> list[str]:
    """What one must know to read the table."""
    found = float(np.mean(list(heard.values())))
    missed = [name for name, share in heard.items() if share < 0.5]
    notes = [
        "Shuffled: each video is measured to the song of every other one, and the mean taken. Frozen: the first frame "
        "for the whole time. SSIM, PSNR and LPIPS reward standing still where two dances to one song differ: read them "
        "beside the frozen row.",
        f"The product's tracker found {found:.2f} of the true beats within {HEARD * 1000:g} ms; "
        f"less than half in: {', '.join(missed) or 'no clip'}. "
        "The row of the beats that it heard says how well it dances to those, right or wrong.",
    ]
    for name in (GROUND_TRUTH, MADE, BY_EAR, SHUFFLED, TRUTH_SHUFFLED):
        values = [r.readings["beat advantage"].value for r in rows.get(name, ())]
        known = np.array([v for v in values if v is not None])
        if len(known) > 1:
            error = known.std(ddof=1) / np.sqrt(len(known))
            notes.append(
                f"Beat advantage, {name}: {known.mean():.3f}, standard error {error:.3f}, {len(known)} videos."
            )
    notes.append("Pictures: studio_sheet.png (both at equal times), studio_styles.png, studio_identity.png, "
                 "studio_speed_truth.png, studio_speed_ours.png.")  # fmt: skip
    people = ", ".join(f"{c.name}: {c.person}, {c.source} ({c.moves})" for c in truth)
    return [*notes, f"Who danced what: {people}."]

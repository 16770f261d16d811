"""The default checkpoint on Studio's held-out split: the same first frame and song as the ground truth, measured beside
it, with the controls that tell dancing from chance (other songs) and from a good picture (frozen).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from dabfusion.config import DEFAULT_CHECKPOINT, GenerationOptions

from .beats_covered import beats_covered
from .clip import Clip, read_clip
from .clip_rows import (
    REFERENCE_RATE,
    Sound,
    beside_truth,
    clip_row,
    picture_peaks,
    sound_of,
    still_track,
    to_songs,
)
from .dancers import Dancers
from .folders import BEATS_FILE
from .instruments import Instruments
from .made_once import checkpoint_digest, file_digest, make_once
from .report import Reading, Report, Row, mean_row
from .studio_fvd import FROZEN, GROUND_TRUTH, MADE
from .studio_pictures import draw_pictures
from .studio_truth import OURS, SONG_SECONDS, TRUTH, Progress, Split, TruthClip, make_truth
from .weights import MissingWeightsError

COMMAND = "python -m dabfusion evaluate studio --avatars AVATARS --motion TAKES --weights WEIGHTS"
HEARD = 0.07  #: s within which a tracked beat is the true one
SHUFFLED, TRUTH_SHUFFLED = "ours, songs shuffled", "ground truth, songs shuffled"
BY_EAR = "ours, to the beats it heard"
ITSELF = Reading(None)  #: a video against itself says nothing
PICTURE = ("SSIM", "PSNR", "LPIPS (VGG)", "LPIPS (AlexNet)")


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
        "SSIM, PSNR, LPIPS": f"{REFERENCE_RATE:g} frame a second, never the first, which is given, against the ground "
        "truth at the same time",
        "identity of": "each frame with the clip's first",
    }  # fmt: skip
    every = [Row(f"{row.name}: {name}", row.readings, over_time=row.over_time) for name in (GROUND_TRUTH, MADE)
             for row in rows[name]]  # fmt: skip
    return Report("Studio, held-out split", settings, summary, every, _notes(rows, _shares_heard(heard, work), truth))


def dance_all(
    truth: Sequence[TruthClip], split: Split, work: Path, checkpoint: Path, progress: Progress
) -> dict[str, np.ndarray]:
    """Lets the product dance every clip's song from its first frame, into ours/NAME.mp4.

    Returns:
        The beats (s) that the product's own tracker found, by name.
    """
    digest, dancers = checkpoint_digest(checkpoint), Dancers(checkpoint)
    heard = {}
    for number, clip in enumerate(truth):
        options = GenerationOptions(seed=split.seed + number, length=split.seconds, fps=split.fps, mark=False)
        heard[clip.name] = dance_clip(dancers, OURS, clip, work, clip.video(work, OURS), options, digest)
        progress("ours", number + 1, len(truth))
    return heard


def dance_clip(
    dancers: Dancers, way: str, clip: TruthClip, work: Path, out: Path, options: GenerationOptions, digest: str
) -> np.ndarray:  # fmt: skip
    """Dances a clip's song from its first frame in one of the ways, unless that was done by the same checkpoint.

    Returns:
        The beats (B,) in seconds that the product's own tracker found in the whole song.
    """
    recipe = {"checkpoint": digest, "way": way, "options": options.as_dict(), "song": file_digest(clip.song(work)),
              "photo": file_digest(clip.photo(work))}  # fmt: skip

    def make() -> dict[str, object]:
        music = dancers.dance(way, clip.start_frame(work), clip.song(work), out, options)
        return {"beats": [round(float(t), 4) for t in music.beat_times]}

    return np.asarray(make_once(out, recipe, make)["beats"], float)


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
        sounds.append(sound_of(real))
    rows: dict[str, list[Row]] = {
        name: [] for name in (GROUND_TRUTH, MADE, BY_EAR, SHUFFLED, FROZEN, TRUTH_SHUFFLED)
    }  # fmt: skip
    for number, clip in enumerate(truth):
        own = sounds[number]
        real = read_clip(clip.video(work), beat_times=own.beats)
        made = read_clip(clip.video(work, OURS), beat_times=own.beats)
        others = [sound for k, sound in enumerate(sounds) if k != number]
        photo = clip.photo(work)
        true_peaks, peaks = picture_peaks(real), picture_peaks(made)
        truth_row = clip_row(real, own, tools, photo, true_peaks)
        rows[GROUND_TRUTH].append(replace(truth_row, readings={**truth_row.readings, **dict.fromkeys(PICTURE, ITSELF)}))
        ours = clip_row(made, own, tools, photo, peaks)
        rows[MADE].append(replace(ours, readings={**ours.readings, **beside_truth(made, real, tools)}))
        inside = heard[clip.name][(heard[clip.name] >= 0) & (heard[clip.name] < made.duration)]
        rows[BY_EAR].append(to_songs(made, [Sound(inside, own.onsets)], tools, peaks))
        rows[FROZEN].append(_frozen(made, real, own, tools, photo))
        if others:
            rows[SHUFFLED].append(to_songs(made, others, tools, peaks))
            rows[TRUTH_SHUFFLED].append(to_songs(real, others, tools, true_peaks))
        progress("measured", number + 1, len(truth))
    return {name: found for name, found in rows.items() if found}


def _frozen(made: Clip, real: Clip, sound: Sound, tools: Instruments, photo: Path) -> Row:
    """The first frame for the whole time; its pose is looked for once."""
    still = replace(made, frames=np.repeat(made.frames[:1], len(made.frames), 0))
    try:
        track = still_track(tools.track(replace(made, frames=made.frames[:1])), len(made.frames))
    except MissingWeightsError:
        track = None
    row = clip_row(still, sound, tools, photo, np.zeros(0), track)
    return replace(row, readings={**row.readings, **beside_truth(still, real, tools)})


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

"""The same photo and song, two makers: every measure of both, and if wanted their frames side by side.

Both folders hold one sub-folder a photo (GROUP/NAME.mp4, equal names for equal songs); the photo of GROUP is the file
in the photos folder whose name begins with GROUP. Videos straight in the folders belong to the only photo.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dabfusion.errors import UserError

from .clip import PHOTO_SUFFIXES, Clip, list_videos, read_clip
from .instruments import Instruments, read_photo_pixels
from .kinematic_beats import kinematic_beats, smoothed_speed
from .known_tempo import KnownTempo, known_grid, tempo_of
from .librosa_beats import librosa_beats
from .measure import AT_TEMPO, BY_LIBROSA, measure_clip
from .pair_list import PhotoSong
from .plots import plot_over_time, plot_speed_against_beats
from .report import Report, Row, mean_row
from .sheet import Strip, take_frames, write_sheet
from .weights import MissingWeightsError


@dataclass(frozen=True)
class Pair:
    """Two videos of the same photo and song."""

    group: str
    name: str
    photo: Path | None
    theirs: Path
    ours: Path
    seams: np.ndarray | None = None  #: times (s) of the joins in ours, where known


def songs_of(theirs: Path, photos: Path | None) -> list[PhotoSong]:
    """What we have to make to meet a folder of videos: each one's photo, dancing to the sound of that video.

    Raises:
        UserError: the folder is empty, or a video's photo is not there.
    """
    wanted = []
    for path in list_videos(theirs):
        group, name = _key(path, theirs)
        photo = find_photo(photos, group)
        if photo is None:
            raise UserError(f"There is no photo for {group or name}; put one whose name begins so into --photos.")
        wanted.append(PhotoSong(f"{group}/{name}".strip("/"), photo, path))
    return wanted


def find_photo(photos: Path | None, group: str) -> Path | None:
    """The photo of a group: the file itself, or the one in the folder whose name begins with the group's."""
    if photos is None or photos.is_file():
        return photos
    found = sorted(p for p in photos.iterdir() if p.suffix.lower() in PHOTO_SUFFIXES)
    fitting = [p for p in found if group and p.stem.lower().startswith(group.lower())]
    return fitting[0] if fitting else (found[0] if len(found) == 1 else None)


def match_pairs(theirs: Path, ours: Path, photos: Path | None) -> list[Pair]:
    """The videos that both folders have, by sub-folder and name.

    Raises:
        UserError: a folder is empty, or no name is in both.
    """
    mine = {_key(path, ours): path for path in list_videos(ours)}
    pairs = []
    for path in list_videos(theirs):
        key = _key(path, theirs)
        if key in mine:
            group, name = key
            pairs.append(Pair(group, name, find_photo(photos, group), path, mine[key]))
    if not pairs:
        raise UserError(f"No video name is both in {theirs} and in {ours}; name ours as theirs, GROUP/NAME.mp4.")
    return pairs


def _key(path: Path, root: Path) -> tuple[str, str]:
    return ("" if root.is_file() else "/".join(path.relative_to(root).parent.parts), path.stem)


def head_to_head(
    pairs: Sequence[Pair], tools: Instruments, out: Path, names: tuple[str, str] = ("theirs", "ours"),
    progress: Callable[[int, int], None] | None = None, sheet: Path | None = None,
    tempi: Mapping[str, KnownTempo] | None = None,
) -> Report:  # fmt: skip
    """Measures every pair and writes plots beside the report.

    The music beats are tracked once, in the first maker's file, and serve both, so that neither has the easier beats;
    so are librosa's, and the grids of known tempi.

    Args:
        pairs: the videos.
        tools: the measuring networks.
        out: gets the plots; none of them shows a person.
        names: of the two makers.
        progress: called with (done, total).
        sheet: where to write both makers' frames side by side, beside the photo; None: nowhere.
        tempi: known tempi by song, see :mod:`.known_tempo`.
    """
    rows: dict[str, list[Row]] = {name: [] for name in names}
    groups: dict[tuple[str, str], list[Row]] = {}
    strips, photos = [], []
    shapes: dict[str, str] = {}
    for number, pair in enumerate(pairs):
        first = read_clip(pair.theirs)
        second = read_clip(pair.ours, beat_times=first.beat_times)
        other = other_beats(first, tempo_of(tempi or {}, pair.group, pair.name))
        for maker, clip, seams in zip(names, (first, second), (None, pair.seams), strict=True):
            row = measure_clip(clip, tools, pair.photo, seams=seams, other_beats=other)
            label = f"{pair.group}/{pair.name} {maker}".strip("/")
            row = Row(label, row.readings, over_time=row.over_time)
            rows[maker].append(row)
            groups.setdefault((pair.group, maker), []).append(row)
        if sheet is not None:
            strips.append([Strip(f"{pair.group} {pair.name}: {m}", take_frames(c.frames)) for m, c in
                           zip(names, (first, second), strict=True)])  # fmt: skip
            photos.append(read_photo_pixels(pair.photo) if pair.photo else None)
        if number == 0:
            shapes = {m: f"{c.frames.shape[2]} px, {c.fps:g} frames a second, {c.duration:.1f} s" for m, c in
                      zip(names, (first, second), strict=True)}  # fmt: skip
            for maker, clip in zip(names, (first, second), strict=True):
                plot_speed(out / f"speed_{maker}.png", f"{clip.name}: {maker}", clip, tools)
        if progress:
            progress(number + 1, len(pairs))
    if sheet is not None:
        write_sheet(sheet, strips, photos)
    plot_identity(out, rows)
    summary = [mean_row(maker, rows[maker]) for maker in names]
    summary += [mean_row(f"{maker}, {group}", found) for (group, maker), found in groups.items() if group]
    notes = [
        "Music beats: tracked in the first maker's file, for both; the column of librosa's beats repeats the beat "
        "advantage with a tracker that had no part in making the videos. Identity is that of the photo. The pictures "
        "show other people's material and are not kept here (--sheet FILE draws them).",
        "![identity](identity_over_time.png)",
    ]
    if tempi:
        notes.insert(1, AT_TEMPO[0].upper() + AT_TEMPO[1:] + ": on an even grid at the tempo that was given, see "
                     "evaluation/known_tempo.py.")  # fmt: skip
    settings: dict[str, object] = {"pairs": len(pairs), **shapes}
    return Report("Head to head", settings, summary, [r for m in names for r in rows[m]], notes)


def other_beats(clip: Clip, tempo: KnownTempo | None) -> dict[str, np.ndarray]:
    """Music beats (s) of a clip that our own tracker has no part in, by the column that they are measured in."""
    beats = {BY_LIBROSA: librosa_beats(clip.audio, clip.sample_rate)}
    if tempo is not None:
        beats[AT_TEMPO] = known_grid(clip.audio, clip.sample_rate, tempo)
    return beats


def plot_speed(path: Path, title: str, clip: Clip, tools: Instruments) -> None:
    """Motion speed against beats for one clip; nothing where there is no pose model."""
    try:
        track = tools.track(clip)
    except MissingWeightsError:
        return
    plot_speed_against_beats(path, title, *smoothed_speed(track), clip.beat_times, kinematic_beats(track))


def plot_identity(out: Path, rows: dict[str, list[Row]]) -> None:
    """Identity over time, the mean of each maker's videos."""
    curves = {}
    for maker, found in rows.items():
        kept = [row.over_time["identity"] for row in found if row.over_time.get("identity")]
        if kept:
            longest = max(len(curve) for curve in kept)
            padded = np.array([curve + [np.nan] * (longest - len(curve)) for curve in kept])
            counted = np.isfinite(padded).sum(0)
            curves[maker] = list(np.where(counted > 0, np.nansum(padded, 0) / np.maximum(counted, 1), np.nan))
    if curves:
        plot_over_time(out / "identity_over_time.png", "identity", curves)

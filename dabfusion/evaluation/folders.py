"""One folder of videos measured, with whatever photos, songs and references there are."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .clip import SOUND_SUFFIXES, Clip, list_videos, read_clip
from .fvd import CLIP_FRAMES, cut_clips, frechet_distance, video_features
from .head_to_head import find_photo
from .instruments import Instruments, reading
from .measure import measure_clip
from .report import Reading, Row, mean_row

BEATS_FILE = "beats.json"
ENOUGH_CLIPS = "at least two clips of that many frames on each side"


@dataclass(frozen=True)
class Source:
    """Where the inputs of a measured folder are. Files belong together by equal relative names without suffix.

    Attributes:
        videos: the folder (or one file) to be measured.
        photos: a photo, or a folder of them by group (see :mod:`.head_to_head`).
        references: the real videos.
        songs: sound to take instead of the videos' own.
        shuffle_songs: a seed to deal the songs' beats out among the videos anew (a control: no dance should fit them).

    Known beats: ``beats.json`` in the videos' folder, {"NAME": [seconds, ...]}, goes before tracking.
    """

    videos: Path
    photos: Path | None = None
    references: Path | None = None
    songs: Path | None = None
    shuffle_songs: int | None = None


def beside(root: Path, video: Path, folder: Path | None, suffixes: tuple[str, ...]) -> Path | None:
    """The file in ``folder`` with the relative name (or else the name) of ``video`` under ``root``."""
    if folder is None or folder.is_file():
        return folder
    inner = video.relative_to(root).parent if root.is_dir() else Path()
    for place in (folder / inner, folder):
        for suffix in suffixes:
            if (place / f"{video.stem}{suffix}").is_file():
                return place / f"{video.stem}{suffix}"
    return None


def measure_folder(
    source: Source, tools: Instruments, name: str, fvd: bool = True, progress: Callable[[int, int], None] | None = None
) -> tuple[Row, list[Row]]:
    """Measures every video of a folder: the row of means, with FVD of the whole set, and one row a video."""
    paths = list_videos(source.videos)
    beats = _beats_for(source, paths)
    rows, made, real = [], [], []
    for number, path in enumerate(paths):
        clip = read_clip(path, beside(source.videos, path, source.songs, SOUND_SUFFIXES), beats.get(path))
        reference_path = beside(source.videos, path, source.references, (".mp4", ".mov", ".mkv", ".webm"))
        reference = read_clip(reference_path) if reference_path else None
        group = path.parent.name if source.videos.is_dir() and path.parent != source.videos else ""
        rows.append(measure_clip(clip, tools, find_photo(source.photos, group), reference))
        if fvd and reference is not None:
            made.append(clip)
            real.append(reference)
        if progress:
            progress(number + 1, len(paths))
    mean = mean_row(name, rows)
    extra = {f"FVD-{n}": _fvd(made, real, n, tools) for n in CLIP_FRAMES} if fvd else {}
    return Row(name, {**mean.readings, **extra}, len(rows)), rows


def _beats_for(source: Source, paths: list[Path]) -> dict[Path, np.ndarray]:
    """Known beats by video, dealt out anew where the songs are shuffled."""
    root = source.videos if source.videos.is_dir() else source.videos.parent
    known: dict[str, list[float]] = {}
    if (root / BEATS_FILE).is_file():
        known = json.loads((root / BEATS_FILE).read_text(encoding="utf-8"))
    beats = {path: np.asarray(known[path.stem], float) for path in paths if path.stem in known}
    if source.shuffle_songs is None:
        return beats
    for path in paths:
        if path not in beats:
            beats[path] = read_clip(path, beside(source.videos, path, source.songs, SOUND_SUFFIXES)).beat_times
    step = 1 + int(np.random.default_rng(source.shuffle_songs).integers(max(len(paths) - 1, 1)))
    return {path: beats[paths[(i + step) % len(paths)]] for i, path in enumerate(paths)}


def _fvd(made: list[Clip], real: list[Clip], length: int, tools: Instruments) -> Reading:
    first = [piece for clip in made for piece in cut_clips(clip.frames, length)]
    second = [piece for clip in real for piece in cut_clips(clip.frames, length)]
    if not made:
        return Reading(None, "reference videos")
    if min(len(first), len(second)) < 2:
        return Reading(None, ENOUGH_CLIPS)
    count = min(len(first), len(second))
    return reading(
        lambda: frechet_distance(video_features(tools.i3d, first[:count]), video_features(tools.i3d, second[:count]))
    )

"""The same photo and song, two makers: every measure of both, and their frames side by side.

Both folders hold one sub-folder a photo (GROUP/NAME.mp4, equal names for equal songs); the photo of GROUP is the file
in the photos folder whose name begins with GROUP. Videos straight in the folders belong to the only photo.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dabfusion.errors import UserError

from .clip import Clip, list_videos, read_clip
from .instruments import Instruments, read_photo_pixels
from .kinematic_beats import kinematic_beats, smoothed_speed
from .measure import measure_clip
from .plots import plot_over_time, plot_speed_against_beats
from .report import Report, Row, mean_row
from .sheet import Strip, take_frames, write_sheet
from .weights import MissingWeightsError

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


@dataclass(frozen=True)
class Pair:
    """Two videos of the same photo and song."""

    group: str
    name: str
    photo: Path | None
    theirs: Path
    ours: Path


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
    progress: Callable[[int, int], None] | None = None,
) -> Report:  # fmt: skip
    """Measures every pair and writes the contact sheet and plots beside the report.

    The music beats are tracked once, in the first maker's file, and serve both, so that neither has the easier beats.
    """
    rows: dict[str, list[Row]] = {name: [] for name in names}
    groups: dict[tuple[str, str], list[Row]] = {}
    strips, photos = [], []
    for number, pair in enumerate(pairs):
        first = read_clip(pair.theirs)
        second = read_clip(pair.ours, beat_times=first.beat_times)
        for maker, clip in zip(names, (first, second), strict=True):
            row = measure_clip(clip, tools, pair.photo)
            label = f"{pair.group}/{pair.name} {maker}".strip("/")
            row = Row(label, row.readings, over_time=row.over_time)
            rows[maker].append(row)
            groups.setdefault((pair.group, maker), []).append(row)
        strips.append([Strip(f"{pair.group} {pair.name}: {m}", take_frames(c.frames)) for m, c in
                       zip(names, (first, second), strict=True)])  # fmt: skip
        photos.append(read_photo_pixels(pair.photo) if pair.photo else None)
        if number == 0:
            for maker, clip in zip(names, (first, second), strict=True):
                _plot_speed(out / f"speed_{maker}.png", f"{clip.name}: {maker}", clip, tools)
        if progress:
            progress(number + 1, len(pairs))
    write_sheet(out / "head_to_head.png", strips, photos)
    _plot_curves(out, rows)
    summary = [mean_row(maker, rows[maker]) for maker in names]
    summary += [mean_row(f"{maker}, {group}", found) for (group, maker), found in groups.items() if group]
    notes = ["Music beats: tracked in the first maker's file, for both. Contact sheet: head_to_head.png."]
    return Report("Head to head", {"pairs": len(pairs)}, summary, [r for m in names for r in rows[m]], notes)


def _plot_speed(path: Path, title: str, clip: Clip, tools: Instruments) -> None:
    try:
        track = tools.track(clip)
    except MissingWeightsError:
        return
    plot_speed_against_beats(path, title, *smoothed_speed(track), clip.beat_times, kinematic_beats(track))


def _plot_curves(out: Path, rows: dict[str, list[Row]]) -> None:
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

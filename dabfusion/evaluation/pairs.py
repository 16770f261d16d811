"""``evaluate pairs``: a checkpoint dances pairs of photos and songs, and every video is measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .clip import read_clip
from .head_to_head import plot_identity, plot_speed
from .instruments import Instruments, read_photo_pixels
from .librosa_beats import librosa_beats
from .make_pairs import Made
from .measure import BY_LIBROSA, measure_clip
from .plots import plot_bars
from .report import Report, Row, mean_row
from .sheet import Strip, take_frames, write_sheet
from .studio_truth import Progress

MOST_PLOTS = 12  #: videos whose speed is plotted


def measure_pairs(
    made: Sequence[Made], tools: Instruments, out: Path, progress: Progress, sheet: Path | None = None
) -> Report:
    """Measures videos that were made, and writes the plots.

    Args:
        made: the videos, with their photos and the times of their joins.
        tools: the measuring networks.
        out: gets speed_NAME.png, identity_over_time.png and beat_advantage.png.
        progress: called with ("measured", done, total).
        sheet: where to write photos and frames in rows; None: nowhere.
    """
    rows, strips, photos = [], [], []
    for number, one in enumerate(made):
        clip = read_clip(one.video)
        other = {BY_LIBROSA: librosa_beats(clip.audio, clip.sample_rate)}
        row = measure_clip(clip, tools, one.pair.photo, seams=one.seams, other_beats=other)
        rows.append(Row(one.pair.name, row.readings, over_time=row.over_time))
        if number < MOST_PLOTS:
            plot_speed(out / f"speed_{one.pair.name.replace('/', '_')}.png", one.pair.name, clip, tools)
        if sheet is not None:
            strips.append([Strip(one.pair.name, take_frames(clip.frames))])
            photos.append(read_photo_pixels(one.pair.photo))
        progress("measured", number + 1, len(made))
    if sheet is not None:
        write_sheet(sheet, strips, photos)
    plot_identity(out, {row.name: [row] for row in rows[:MOST_PLOTS]})
    known = {row.name: row.readings["beat advantage"].value for row in rows}
    bars = {name: value for name, value in known.items() if value is not None}
    if bars:
        plot_bars(out / "beat_advantage.png", "beat advantage", bars)
    notes = [
        "Beats are tracked in each video's own sound; the column of librosa's beats repeats the beat advantage with a "
        "tracker that the dance model does not hear. The seam jump looks at the middles of the overlaps of windows."
    ]
    return Report("Photo and song pairs", {"pairs": len(made)}, _summary(made, rows), rows, notes)


def _summary(made: Sequence[Made], rows: Sequence[Row]) -> list[Row]:
    """The mean of all, and of each photo's and song's videos where there are several of both."""
    summary = [mean_row("all", rows)]
    for what in ("photo", "song"):
        files = [getattr(one.pair, what) for one in made]
        if 1 < len(set(files)) < len(files):
            summary += [
                mean_row(f"{what} {file.stem}", [row for row, f in zip(rows, files, strict=True) if f == file])
                for file in dict.fromkeys(files)
            ]
    return summary

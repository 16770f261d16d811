"""The protocols of DabFusion's Tables 1 to 7, on a folder with one sub-folder a row.

    generated/ROW/NAME.mp4     what was made under the row's setting
    references/ROW/NAME.mp4    (or references/NAME.mp4) the real videos: their own row, and FVD, SSIM, PSNR, LPIPS
    photos/, songs/            by name, where there are some

A row whose folder is missing says so; any further sub-folder becomes a row of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dabfusion.config import STYLES

from .clip import VIDEO_SUFFIXES
from .folders import Source, measure_folder
from .instruments import Instruments
from .report import Reading, Report, Row

GROUND_TRUTH = "ground truth"
_QUALITY = ("FVD-16", "FVD-40", "SSIM", "PSNR", "LPIPS (VGG)", "LPIPS (AlexNet)")
_ALIGNMENT = ("2D-MM Align", "beat advantage", "MBCR", "motion energy", "AV-Align", "CLIP score")
_PERSON = ("detected", "identity")


@dataclass(frozen=True)
class Protocol:
    """One of the paper's tables: its number, what it compares, its rows and the measures it shows."""

    number: int
    title: str
    rows: tuple[str, ...]
    measures: tuple[str, ...]


PROTOCOLS: dict[int, Protocol] = {
    p.number: p
    for p in (
        Protocol(1, "quality", ("ours",), _QUALITY + _PERSON),
        Protocol(2, "quality by camera", tuple(f"c0{n}" for n in range(1, 10)), _QUALITY + _PERSON),
        Protocol(3, "alignment with the music", ("ours",), _ALIGNMENT + _PERSON),
        Protocol(4, "by style", STYLES, _QUALITY + _ALIGNMENT),
        Protocol(5, "40 against 80 frames", ("40", "80"), _QUALITY + _ALIGNMENT),
        Protocol(6, "with and without beats, music against text",
                 ("with-beats", "without-beats", "music", "text"), _QUALITY + _ALIGNMENT),
        Protocol(7, "length, by last-frame chaining and by windows",
                 tuple(f"{way}-{n}" for way in ("chaining", "windows") for n in (40, 80, 120, 160)),
                 _QUALITY + _PERSON + ("identity, last second", "beat advantage")),
    )
}  # fmt: skip


def measure_table(
    protocol: Protocol, source: Source, tools: Instruments, data: str,
    progress: Callable[[int, int], None] | None = None,
) -> Report:  # fmt: skip
    """Fills one of the tables.

    Args:
        protocol: which.
        source: ``videos`` and ``references`` hold the sub-folders described above.
        tools: the measuring networks.
        data: what the videos were made on ("Studio, held-out split", "AIST++ test"), for the table's heading.
        progress: called with (videos done, videos in the row).
    """
    names = [*protocol.rows, *(name for name in _sub_folders(source.videos) if name not in protocol.rows)]
    summary, rows = [], []
    for name in names:
        folder = source.videos / name
        if not _has_videos(folder):
            missing = Reading(None, f"videos in {folder.name}/")
            summary.append(Row(name, dict.fromkeys(protocol.measures, missing), 0))
            continue
        references = source.references
        if references is not None and (references / name).is_dir():
            references = references / name
        row_source = Source(folder, source.photos, references, source.songs, source.shuffle_songs)
        mean, found = measure_folder(row_source, tools, name, progress=progress)
        summary.append(_shown(mean, protocol.measures))
        rows += [Row(f"{name}/{row.name}", row.readings) for row in found]
    if source.references is not None and _has_videos(source.references):
        truth = Source(source.references, source.photos, source.references, source.songs)
        mean, _ = measure_folder(truth, tools, GROUND_TRUTH, fvd=False, progress=progress)
        summary.append(_shown(mean, protocol.measures))
    settings: dict[str, object] = {"data": data, "protocol": f"DabFusion, Table {protocol.number}"}
    return Report(f"Table {protocol.number}: {protocol.title}", settings, summary, rows)


def _shown(row: Row, measures: tuple[str, ...]) -> Row:
    absent = Reading(None, "reference videos")
    return Row(row.name, {measure: row.readings.get(measure, absent) for measure in measures}, row.count)


def _sub_folders(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []


def _has_videos(folder: Path) -> bool:
    return folder.is_dir() and any(p.suffix.lower() in VIDEO_SUFFIXES for p in folder.rglob("*"))

"""``python -m dabfusion evaluate``: measure videos, compare two makers, fill the paper's tables."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from dabfusion.config import DEFAULT_CHECKPOINT
from dabfusion.errors import UserError

from .beat_align import SIGMA
from .beats_covered import WINDOW
from .folders import Source, measure_folder
from .head_to_head import head_to_head, match_pairs
from .instruments import Instruments
from .kinematic_beats import SMOOTHING
from .measure import IDENTITY_RATE
from .plots import plot_bars, plot_over_time
from .pose import DETECTED, IMAGE_SIZE, SHORT_SIDE, WEIGHTS
from .report import Report
from .tables import PROTOCOLS, measure_table
from .weights import ENVIRONMENT

EXAMPLES = """examples:
  python -m dabfusion evaluate videos out/ --photos me.jpg --out report/
  python -m dabfusion evaluate head-to-head --theirs others/ --ours mine/ --photos photos/ --out report/
  python -m dabfusion evaluate table 4 --videos made/ --references real/ --data "Studio, held-out split" --out report/
  python -m dabfusion evaluate studio --avatars people/ --motion takes/ --clips 12 --fvd --out report/
  python -m dabfusion evaluate videos out/ --shuffle-songs 1 --out control/
"""

#: What every score was computed under.
SETTINGS: dict[str, object] = {
    "pose model": f"{WEIGHTS} at {IMAGE_SIZE} px, frames brought to {SHORT_SIDE} px, detected above {DETECTED}",
    "2D-MM Align": f"sigma {SIGMA * 1000:g} ms, kinematic -> music beats, speed smoothed by {SMOOTHING * 1000:g} ms",
    "MBCR": f"within {WINDOW * 1000:g} ms",
    "identity": f"Lab histogram and VGG-16 relu5_3 of the body, {IDENTITY_RATE:g} frames a second",
}


def build_parser() -> argparse.ArgumentParser:
    """The sub-command's own command line."""
    basic = argparse.ArgumentParser(add_help=False)
    basic.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the report goes")
    basic.add_argument("--weights", type=Path, metavar="FOLDER",
        help=f"folder with the measuring networks' weights (default: ${ENVIRONMENT}, then checkpoints/)")  # fmt: skip
    basic.add_argument("--cache", type=Path, metavar="FOLDER", help="keep poses here between runs")
    common = argparse.ArgumentParser(add_help=False, parents=[basic])
    common.add_argument("--photos", type=Path, metavar="FILE|FOLDER", help="the photo, or photos by group name")
    parser = argparse.ArgumentParser(
        prog="python -m dabfusion evaluate", description="Measure dance videos.", epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    presets = parser.add_subparsers(dest="preset", required=True, metavar="WHAT")
    videos = presets.add_parser("videos", parents=[common], help="one folder of videos")
    videos.add_argument("videos", type=Path)
    versus = presets.add_parser("head-to-head", parents=[common], help="two makers, same photos and songs")
    versus.add_argument("--theirs", type=Path, required=True, metavar="FOLDER")
    versus.add_argument("--ours", type=Path, required=True, metavar="FOLDER")
    paper = presets.add_parser("table", parents=[common], help="a table of the DabFusion paper")
    paper.add_argument("number", type=int, choices=sorted(PROTOCOLS))
    paper.add_argument("--videos", type=Path, required=True, metavar="FOLDER", help="one sub-folder a row")
    paper.add_argument("--data", default="not named", help="what the videos were made on")
    held_out = presets.add_parser("studio", parents=[basic], help="a checkpoint on Studio's held-out split")
    held_out.add_argument("--avatars", type=Path, metavar="FOLDER", help="rigged people (default: a figure in code)")
    held_out.add_argument("--motion", type=Path, metavar="FOLDER", help="captured takes (default: all authored)")
    held_out.add_argument("--clips", type=int, default=12)
    held_out.add_argument("--seconds", type=float, default=4.0)
    held_out.add_argument("--seed", type=int, default=0)
    held_out.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT, metavar="FOLDER")
    held_out.add_argument("--work", type=Path, metavar="FOLDER", help="where the videos go (default: OUT/work)")
    held_out.add_argument("--fvd", action="store_true", help="also FVD, about a second for 16 frames")
    for part in (videos, paper):
        part.add_argument("--references", type=Path, metavar="FOLDER", help="the real videos, by name")
        part.add_argument("--songs", type=Path, metavar="FILE|FOLDER", help="sound instead of the videos' own")
        part.add_argument("--shuffle-songs", type=int, metavar="SEED", help="control: every video gets another's beats")
    return parser


def main(argv: Sequence[str]) -> int:
    """Runs one preset; the path of the Markdown report is the last line of stdout."""
    try:
        chosen = build_parser().parse_args(list(argv))
    except SystemExit as stop:
        return int(stop.code or 0)
    for option in ("weights", "photos", "theirs", "ours", "videos", "references", "songs", "avatars", "motion",
                   "checkpoint"):  # fmt: skip
        given = getattr(chosen, option, None)
        if given is not None and not given.exists():
            raise UserError(f"There is nothing at {given}; check --{option}.")
    if chosen.preset == "studio":
        sys.stdout.write(f"{_studio(chosen)}\n")
        return 0
    tools = Instruments(chosen.weights, chosen.cache)
    if chosen.preset == "head-to-head":
        pairs = match_pairs(chosen.theirs, chosen.ours, chosen.photos)
        report = head_to_head(pairs, tools, chosen.out, progress=_progress)
        name = "head_to_head"
    else:
        source = Source(chosen.videos, chosen.photos, chosen.references, chosen.songs, chosen.shuffle_songs)
        if chosen.preset == "table":
            report = measure_table(PROTOCOLS[chosen.number], source, tools, chosen.data, _progress)
            name = f"table_{chosen.number}"
        else:
            mean, rows = measure_folder(source, tools, chosen.videos.name, progress=_progress)
            report, name = Report(f"Videos in {chosen.videos.name}", {}, [mean], rows), "videos"
    complete = Report(report.title, {**report.settings, **SETTINGS, **_seeds(chosen)}, report.summary, report.rows,
                      report.notes)  # fmt: skip
    _plot(complete, chosen.out)
    sys.stdout.write(f"{complete.write(chosen.out, name)[1]}\n")
    return 0


def _studio(chosen: argparse.Namespace) -> Path:
    """The held-out preset, whose poses are always kept: every row looks at the same videos."""
    from .studio_fvd import add_fvd  # late: these load OpenGL and the dancer
    from .studio_split import evaluate_studio
    from .studio_truth import Split

    work = chosen.work or chosen.out / "work"
    tools = Instruments(chosen.weights, chosen.cache or work / "cache")
    split = Split(chosen.avatars, chosen.motion, chosen.clips, chosen.seconds, chosen.seed)
    report = evaluate_studio(split, tools, chosen.out, work, _stage_progress, chosen.checkpoint, chosen.fvd)
    report = replace(report, settings={**report.settings, **SETTINGS})
    path = report.write(chosen.out, "studio")[1]
    if chosen.fvd:  # last, since it takes longest: the rest is safe by then
        path = add_fvd(report, split, work, tools, _stage_progress).write(chosen.out, "studio")[1]
    return path


def _stage_progress(stage: str, done: int, total: int) -> None:
    sys.stderr.write(f"{stage}: {done}/{total}\n")
    sys.stderr.flush()


def _seeds(chosen: argparse.Namespace) -> dict[str, object]:
    seed = getattr(chosen, "shuffle_songs", None)
    return {} if seed is None else {"songs": f"shuffled, seed {seed}"}


def _plot(report: Report, out: Path) -> None:
    """Bars of the summary's rows, and the curves of single videos over time."""
    for measure, file in (("beat advantage", "beat_advantage.png"), ("identity", "identity.png")):
        values = {row.name: row.readings[measure].value for row in report.summary if measure in row.readings}
        known = {name: value for name, value in values.items() if value is not None}
        if len(known) > 1:
            plot_bars(out / file, measure, known)
    curves = {row.name: row.over_time["identity"] for row in report.rows if "identity" in row.over_time}
    if 0 < len(curves) <= 12:
        plot_over_time(out / "identity_by_video.png", "identity", curves)


def _progress(done: int, total: int) -> None:
    sys.stderr.write(f"measured: {done}/{total}\n")
    sys.stderr.flush()

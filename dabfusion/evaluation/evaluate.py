"""``python -m dabfusion evaluate``: measure videos, compare two makers, fill the paper's tables."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from dabfusion.config import DEFAULT_CHECKPOINT
from dabfusion.errors import UserError

from .folders import Source, measure_folder
from .head_to_head import Pair, head_to_head, match_pairs
from .instruments import Instruments
from .known_tempo import read_tempi
from .plots import plot_bars, plot_over_time
from .presets import (
    add_making,
    add_presets,
    make_opponents,
    run_control,
    run_long,
    run_pairs,
    run_paper,
    run_steps,
    run_style,
    say,
)
from .report import Report
from .reports import add_reports, run_reports
from .settings import SETTINGS
from .style_shares import NEED, kept_shares
from .tables import PROTOCOLS, measure_table
from .weights import ADDRESS, ENVIRONMENT

EXAMPLES = """examples:
  python -m dabfusion evaluate videos out/ --photos me.jpg --out report/
  python -m dabfusion evaluate head-to-head --theirs others/ --ours mine/ --photos photos/ --out report/
  python -m dabfusion evaluate table 4 --videos made/ --references real/ --data "Studio, held-out split" --out report/
  python -m dabfusion evaluate studio --avatars people/ --motion takes/ --clips 12 --fvd --out report/
  python -m dabfusion evaluate videos out/ --shuffle-songs 1 --out control/
  python -m dabfusion evaluate pairs --list pairs.csv --out report/
  python -m dabfusion evaluate head-to-head --make --theirs others/ --photos photos/ --seed 0 --out report/
  python -m dabfusion evaluate paper --avatars people/ --motion takes/ --tables 1 7 --out report/
  python -m dabfusion evaluate long --seconds 180 --out report/
  python -m dabfusion evaluate steps --motion takes/ --out report/
  python -m dabfusion evaluate reports --avatars people/ --motion takes/ --weights weights/ --work work/
"""


def build_parser() -> argparse.ArgumentParser:
    """The sub-command's own command line."""
    basic = argparse.ArgumentParser(add_help=False)
    basic.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the report goes")
    basic.add_argument("--weights", type=Path, metavar="FOLDER",
        help=f"folder with the measuring networks' weights (default: ${ENVIRONMENT}, then checkpoints/; "
        f"fetched from ${ADDRESS} where that names an address)")  # fmt: skip
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
    versus.add_argument("--ours", type=Path, metavar="FOLDER", help="our videos, if they are there already")
    versus.add_argument("--make", action="store_true", help="make ours, from --photos and the sound of theirs")
    versus.add_argument("--sheet", type=Path, metavar="PNG", help="draw both makers' frames side by side here")
    versus.add_argument("--tempi", type=Path, metavar="CSV", help="known tempi: columns song, bpm; also first (s)")
    add_making(versus)
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
    add_presets(presets, basic)
    add_reports(presets)
    return parser


def _command(name: str, arguments: list[str]) -> int:
    """Runs one of the commands that measure, each a ``main(arguments) -> exit code``."""
    from . import speed, stage1  # late: they load the models

    commands: dict[str, Callable[[list[str]], int]] = {
        "evaluate": main, "benchmark": speed.main, "evaluate-stage1": stage1.main,
    }  # fmt: skip
    return commands[name](arguments)


def main(argv: Sequence[str]) -> int:
    """Runs one preset; the path of the Markdown report is the last line of stdout."""
    try:
        chosen = build_parser().parse_args(list(argv))
    except SystemExit as stop:
        return int(stop.code or 0)
    for option in ("weights", "photos", "theirs", "ours", "videos", "references", "songs", "avatars", "motion",
                   "checkpoint", "list", "photo", "song", "pairs", "tempi"):  # fmt: skip
        given = getattr(chosen, option, None)
        if isinstance(given, Path) and not given.exists():
            raise UserError(f"There is nothing at {given}; check --{option}.")
    if chosen.preset == "reports":
        sys.stdout.write(f"{run_reports(chosen, _command)}\n")
    else:
        sys.stdout.write(f"{_PRESETS.get(chosen.preset, _measure)(chosen)}\n")
    return 0


def _measure(chosen: argparse.Namespace) -> Path:
    """Videos that are there already, or a match of two makers; returns the Markdown report."""
    tools = Instruments(chosen.weights, chosen.cache)
    made: dict[str, object] = {}
    if chosen.preset == "head-to-head":
        pairs, made = _opponents(chosen)
        tempi = read_tempi(chosen.tempi) if chosen.tempi else {}
        report = head_to_head(pairs, tools, chosen.out, progress=_progress, sheet=chosen.sheet, tempi=tempi)
        name = "head_to_head"
    else:
        source = Source(chosen.videos, chosen.photos, chosen.references, chosen.songs, chosen.shuffle_songs)
        if chosen.preset == "table":
            report = measure_table(PROTOCOLS[chosen.number], source, tools, chosen.data, _progress)
            name = f"table_{chosen.number}"
        else:
            mean, rows = measure_folder(source, tools, chosen.videos.name, progress=_progress)
            report, name = Report(f"Videos in {chosen.videos.name}", {}, [mean], rows), "videos"
    settings = {**made, **report.settings, **SETTINGS, **_seeds(chosen)}
    complete = replace(report, settings=settings)
    _plot(complete, chosen.out)
    return complete.write(chosen.out, name)[1]


def _opponents(chosen: argparse.Namespace) -> tuple[list[Pair], dict[str, object]]:
    """Both makers' videos; ours are made here where that is asked for."""
    if chosen.make == (chosen.ours is not None):
        raise UserError("Give either --ours, a folder of videos, or --make, to make them here.")
    if not chosen.make:
        return match_pairs(chosen.theirs, chosen.ours, chosen.photos), {}
    pairs, settings = make_opponents(chosen)
    command = "evaluate head-to-head --make --theirs THEIRS --photos PHOTOS --weights WEIGHTS --out FOLDER"
    return pairs, {"rebuilt by": f"`python -m dabfusion {command} --seed {chosen.seed} --steps {chosen.steps}`",
                   **settings}  # fmt: skip


def _studio(chosen: argparse.Namespace) -> Path:
    """The held-out preset, whose poses are always kept: every row looks at the same videos."""
    from .studio_fvd import add_fvd  # late: these load OpenGL and the dancer
    from .studio_split import evaluate_studio
    from .studio_truth import Split

    work = chosen.work or chosen.out / "work"
    tools = Instruments(chosen.weights, chosen.cache or work / "cache")
    split = Split(chosen.avatars, chosen.motion, chosen.clips, chosen.seconds, chosen.seed)
    report = evaluate_studio(split, tools, chosen.out, work, say, chosen.checkpoint, chosen.fvd)
    seen = [f"{name} {share:.2f}" for name, share in kept_shares(chosen.checkpoint, tools.cache).items()]
    style = f"Style recognised (report `style`): {', '.join(seen[:2])}." if seen else f"Style recognised: {NEED}."
    report = replace(report, settings={**report.settings, **SETTINGS}, notes=[*report.notes, style])
    path = report.write(chosen.out, "studio")[1]
    if chosen.fvd:  # last, since it takes longest: the rest is safe by then
        path = add_fvd(report, split, work, tools, say).write(chosen.out, "studio")[1]
    return path


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


#: What makes its videos itself.
_PRESETS = {"studio": _studio, "pairs": run_pairs, "paper": run_paper, "long": run_long, "steps": run_steps,
            "style": run_style, "control": run_control}  # fmt: skip

"""``evaluate reports``: rebuilds every report of ``docs/reports``, part by part, each by its own command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from dabfusion.config import DEFAULT_CHECKPOINT
from dabfusion.errors import UserError

from .presets import LONG_PHOTO

OUT = Path("docs/reports")
#: (command, arguments) of one part.
Call = tuple[str, list[str]]


def add_reports(presets: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the sub-command."""
    parser = presets.add_parser("reports", help="rebuild all of docs/reports")
    parser.add_argument("--avatars", type=Path, metavar="FOLDER", help="rigged people")
    parser.add_argument("--motion", type=Path, metavar="FOLDER", help="captured takes")
    parser.add_argument("--weights", type=Path, metavar="FOLDER", help="the measuring networks' weights")
    parser.add_argument("--theirs", type=Path, metavar="FOLDER", help="for head-to-head: others' videos")
    parser.add_argument("--photos", type=Path, metavar="FOLDER", help="for head-to-head: the photos of those")
    parser.add_argument("--tempi", type=Path, metavar="CSV", help="for head-to-head: known tempi of their songs")
    parser.add_argument("--pairs", type=Path, metavar="FOLDER", help="for stage1: a held-out pack of pairs")
    parser.add_argument("--songs", type=Path, metavar="FOLDER", help="for style and control: heard songs, if there are")
    parser.add_argument("--clips", type=int, help="for paper: clips of 40 frames")
    parser.add_argument("--tables", type=int, nargs="+", choices=range(1, 8), metavar="N", help="for paper: only these")
    parser.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT, metavar="FOLDER")
    parser.add_argument("--out", type=Path, default=OUT, metavar="FOLDER", help=f"default: {OUT}")
    parser.add_argument("--work", type=Path, required=True, metavar="FOLDER", help="videos and poses, kept for later")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART",
                        help=", ".join(PARTS))  # fmt: skip


def run_reports(chosen: argparse.Namespace, run: Callable[[str, list[str]], int]) -> Path:
    """Rebuilds the chosen parts; one without its input is left as it is, and says so.

    Args:
        chosen: the options.
        run: runs (command, arguments) and returns its exit code.

    Raises:
        UserError: a part failed.
    """
    for part in chosen.only:
        calls = PARTS[part](chosen)
        if not calls:
            sys.stderr.write(f"{part}: left as it is; it needs {NEEDS[part]}.\n")
        for command, arguments in calls:
            (chosen.out / part).mkdir(parents=True, exist_ok=True)
            sys.stderr.write(f"{part}: {command} {' '.join(arguments)}\n")
            sys.stderr.flush()
            if run(command, arguments):
                raise UserError(f"The report {part} could not be rebuilt; see above.")
    place: Path = chosen.out
    return place / "README.md"


def _common(chosen: argparse.Namespace, name: str) -> list[str]:
    told = ["--out", str(chosen.out / name), "--work", str(chosen.work / name), "--checkpoint", str(chosen.checkpoint)]
    return [*told, "--cache", str(chosen.work / "cache"), *_given(chosen, "weights")]


def _given(chosen: argparse.Namespace, *names: str) -> list[str]:
    values = [(name, getattr(chosen, name)) for name in names]
    return [text for name, value in values if value is not None for text in (f"--{name}", str(value))]


def _studio(chosen: argparse.Namespace) -> list[Call]:
    return [("evaluate", ["studio", *_common(chosen, "studio"), *_given(chosen, "avatars", "motion"), "--fvd"])]


def _paper(chosen: argparse.Namespace) -> list[Call]:
    told = [*_common(chosen, "paper"), *_given(chosen, "avatars", "motion", "clips")]
    tables = ["--tables", *map(str, chosen.tables)] if chosen.tables else []
    return [("evaluate", ["paper", *told, *tables])]


def _head_to_head(chosen: argparse.Namespace) -> list[Call]:
    if chosen.theirs is None or chosen.photos is None:
        return []
    sheet = ["--sheet", str(chosen.work / "head_to_head.png")]
    told = [*_common(chosen, "head-to-head"), *_given(chosen, "theirs", "photos", "tempi")]
    return [("evaluate", ["head-to-head", "--make", *told, *sheet])]


def _long(chosen: argparse.Namespace) -> list[Call]:
    sheet = ["--sheet", str(chosen.out / "long" / "long_sheet.png")]
    return [("evaluate", ["long", *_common(chosen, "long"), *sheet])]


def _steps(chosen: argparse.Namespace) -> list[Call]:
    return [("evaluate", ["steps", *_common(chosen, "steps"), *_given(chosen, "motion")])]


def _style(chosen: argparse.Namespace) -> list[Call]:
    return [("evaluate", ["style", *_common(chosen, "style"), *_given(chosen, "songs")])]


def _control(chosen: argparse.Namespace) -> list[Call]:
    return [("evaluate", ["control", *_common(chosen, "control"), *_given(chosen, "songs")])]


def _stage1(chosen: argparse.Namespace) -> list[Call]:
    if chosen.pairs is None:
        return []
    told = ["--pairs", str(chosen.pairs), "--checkpoint", str(chosen.checkpoint), *_given(chosen, "weights")]
    return [("evaluate-stage1", [*told, "--out", str(chosen.out / "stage1" / "stage1.json")])]


def _speed(chosen: argparse.Namespace) -> list[Call]:
    told = ["--photo", str(LONG_PHOTO), "--checkpoint", str(chosen.checkpoint)]
    return [("benchmark", [*told, "--out", str(chosen.out / "speed")])]


#: What each part runs; nothing where its input is not given.
PARTS: dict[str, Callable[[argparse.Namespace], Sequence[Call]]] = {
    "style": _style, "studio": _studio, "paper": _paper, "head-to-head": _head_to_head, "long": _long, "steps": _steps,
    "control": _control, "stage1": _stage1, "speed": _speed,
}  # fmt: skip
NEEDS = {"head-to-head": "--theirs and --photos", "stage1": "--pairs"}

"""The presets of ``evaluate`` that make their videos themselves: pairs, head-to-head, paper, long, steps, style."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from dabfusion.config import DEFAULT_CHECKPOINT, EXAMPLES, MAX_SEED, GenerationOptions
from dabfusion.errors import UserError
from dabfusion.services import Services, load_services

from .clip import read_clip
from .head_to_head import Pair, songs_of
from .instruments import Instruments
from .long_dance import measure_long, studio_song
from .made_once import checkpoint_digest
from .make_pairs import PairMaker, make_all
from .pair_list import PhotoSong, pair_folders, read_pairs
from .report import Report
from .settings import SETTINGS
from .style_shares import keep_shares
from .weights import MissingWeightsError

LONG_PHOTO = EXAMPLES / "marco.jpg"


def add_making(parser: argparse.ArgumentParser, length: float | None = None) -> None:
    """The options of everything that makes videos."""
    parser.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT, metavar="FOLDER")
    parser.add_argument("--work", type=Path, metavar="FOLDER", help="where the videos go (default: OUT/work)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=GenerationOptions().steps, help="denoising steps")
    parser.add_argument("--seconds", type=float, default=length, help="of each video (default: all of the song)"
                        if length is None else f"of the video (default {length:g})")  # fmt: skip


def add_presets(
    presets: argparse._SubParsersAction[argparse.ArgumentParser], basic: argparse.ArgumentParser
) -> None:  # fmt: skip
    """Adds pairs, paper, long, steps, style and control."""
    pairs = presets.add_parser("pairs", parents=[basic], help="a checkpoint on photo and song pairs")
    pairs.add_argument("--list", type=Path, metavar="CSV", help="columns photo, song; also name, start, length, style")
    pairs.add_argument("--photos", type=Path, metavar="FILE|FOLDER")
    pairs.add_argument("--songs", type=Path, metavar="FILE|FOLDER", help="equal names belong together; else all to all")
    pairs.add_argument("--sheet", type=Path, metavar="PNG", help="draw the photos and frames of the videos here")
    add_making(pairs)
    paper = presets.add_parser("paper", parents=[basic], help="the paper's tables on Studio's held-out split")
    _add_split(paper)
    paper.add_argument("--tables", type=int, nargs="+", choices=range(1, 8), default=list(range(1, 8)), metavar="N")
    paper.add_argument("--clips", type=int, default=22, help="of 40 frames (default 22: two a style); half of 80")
    paper.add_argument("--camera-dances", type=int, default=4, help="dances seen by nine cameras (default 4)")
    paper.add_argument("--long-clips", type=int, default=12, help="of 160 frames (default 12)")
    long = presets.add_parser("long", parents=[basic], help="one long dance, minute by minute")
    long.add_argument("--photo", type=Path, default=LONG_PHOTO, metavar="FILE")
    long.add_argument("--song", type=Path, metavar="FILE", help="default: Studio makes one, with known beats")
    long.add_argument("--every", type=int, default=2, help="measure each N-th frame (default 2)")
    long.add_argument("--sheet", type=Path, metavar="PNG", help="draw frames at equal times here")
    add_making(long, 180.0)
    steps = presets.add_parser("steps", parents=[basic], help="quality against denoising steps, on codes")
    _add_split(steps)
    steps.add_argument("--songs", type=int, default=11, help="held-out songs (default 11: every style)")
    steps.add_argument("--seconds", type=float, default=8.0, help="of each (default 8)")
    style = presets.add_parser("style", parents=[basic], help="is the style seen? on codes")
    style.add_argument("--dances", type=int, default=60)
    control = presets.add_parser("control", parents=[basic], help="does the dancer obey the music? on codes")
    control.add_argument("--count", type=int, default=20, help="songs of each check (default 20)")
    for part in (style, control):
        part.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT, metavar="FOLDER")
        part.add_argument("--work", type=Path, metavar="FOLDER", help="default: OUT/work")
        part.add_argument("--songs", type=Path, metavar="FOLDER", help="heard songs (default: they are made now)")


def _add_split(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--avatars", type=Path, metavar="FOLDER", help="rigged people (default: a figure in code)")
    parser.add_argument("--motion", type=Path, metavar="FOLDER", help="captured takes (default: all authored)")
    parser.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT, metavar="FOLDER")
    parser.add_argument("--work", type=Path, metavar="FOLDER", help="where the videos go (default: OUT/work)")
    parser.add_argument("--seed", type=int, default=0)


def make_opponents(chosen: argparse.Namespace) -> tuple[list[Pair], dict[str, object]]:
    """Ours for every video of theirs, made from the photos and the sound of theirs; and how they were made."""
    maker = _maker(chosen)
    wanted = songs_of(chosen.theirs, chosen.photos)
    pairs = []
    for one in make_all(maker, wanted, _work(chosen) / "ours", say):
        group, _, name = one.pair.name.rpartition("/")
        pairs.append(Pair(group, name, one.pair.photo, one.pair.song, one.video, one.seams))
    return pairs, maker.settings()


def run_pairs(chosen: argparse.Namespace) -> Path:
    """Makes and measures photo and song pairs."""
    from .pairs import measure_pairs

    if (chosen.list is None) == (chosen.photos is None or chosen.songs is None):
        raise UserError("Give either --list, or both --photos and --songs.")
    pairs = read_pairs(chosen.list) if chosen.list else pair_folders(chosen.photos, chosen.songs)
    maker = _maker(chosen)
    made = make_all(maker, pairs, _work(chosen), say)
    tools = Instruments(chosen.weights, chosen.cache or _work(chosen) / "cache")
    report = measure_pairs(made, tools, chosen.out, say, chosen.sheet)
    return _written(report, maker.settings(), chosen.out, "pairs")


def run_paper(chosen: argparse.Namespace) -> Path:
    """The paper's tables."""
    from .paper import write_paper  # late: it loads OpenGL and the dancer
    from .paper_rows import PaperRows
    from .paper_sets import PaperPlan, PaperSets

    work = _work(chosen)
    tools = Instruments(chosen.weights, chosen.cache or work / "cache")
    plan = PaperPlan(chosen.avatars, chosen.motion, chosen.clips, chosen.camera_dances, chosen.long_clips, chosen.seed)
    sets = PaperSets(plan, work, chosen.checkpoint, tools, say)
    return write_paper(sorted(set(chosen.tables)), sets, tools, PaperRows(sets, tools, say), chosen.out)


def run_long(chosen: argparse.Namespace) -> Path:
    """One long dance."""
    work = _work(chosen)
    beats, song = None, chosen.song
    if song is None:
        song = work / f"song_{chosen.seconds:g}.wav"
        beats = studio_song(song, chosen.seconds)
    maker = _maker(chosen)
    made = maker.make(PhotoSong("long", chosen.photo, song, length=chosen.seconds), work)
    tools = Instruments(chosen.weights, chosen.cache or work / "cache")
    clip = read_clip(made.video, beat_times=beats, every=max(1, chosen.every))
    try:
        report = measure_long(clip, chosen.photo, made.seams, tools, chosen.out, chosen.sheet)
    except MissingWeightsError as missing:
        raise UserError(f"A long dance is not measured: it needs {missing.need}; see --weights.") from missing
    settings = {"photo": chosen.photo.name, "song": "made by Studio" if beats is not None else song.name,
                **maker.settings(), "made in": f"{made.seconds:.0f} s"}  # fmt: skip
    return _written(report, settings, chosen.out, "long")


def run_steps(chosen: argparse.Namespace) -> Path:
    """Quality against denoising steps."""
    from .dancers import Dancers  # late: these load OpenGL and the dancer
    from .steps import STEPS, compare_steps, held_out_songs
    from .studio_truth import held_out_takes

    dancers = Dancers(chosen.checkpoint)
    songs = held_out_songs(chosen.songs, chosen.seconds, dancers.encoder, held_out_takes(chosen.motion), chosen.seed)
    report = compare_steps(dancers.diffusion(), songs, STEPS, chosen.out, say, chosen.seed)
    settings: dict[str, object] = {
        "checkpoint": f"{chosen.checkpoint.name}, {checkpoint_digest(chosen.checkpoint)}",
        "seed": f"{chosen.seed} + number of the song",
    }
    complete = replace(report, settings={**settings, **report.settings})
    return complete.write(chosen.out, "steps")[1]


def run_style(chosen: argparse.Namespace) -> Path:
    """Whether the style is seen; the tables that show it find it in the cache."""
    from .style_recognition import measure_style_recognition  # late: it loads the dancer

    report = measure_style_recognition(chosen.checkpoint, chosen.out, chosen.dances, chosen.songs, say)
    keep_shares(report, chosen.checkpoint, chosen.cache or _work(chosen) / "cache")
    told: dict[str, object] = {"checkpoint": f"{chosen.checkpoint.name}, {checkpoint_digest(chosen.checkpoint)}"}
    return replace(report, settings={**told, **report.settings}).write(chosen.out, "style")[1]


def run_control(chosen: argparse.Namespace) -> Path:
    """Whether the dancer obeys the music."""
    from .control_report import measure_control  # late: it loads the dancer

    report = measure_control(chosen.checkpoint, chosen.songs, chosen.count, say)
    told: dict[str, object] = {"checkpoint": f"{chosen.checkpoint.name}, {checkpoint_digest(chosen.checkpoint)}"}
    return replace(report, settings={**told, **report.settings}).write(chosen.out)


def say(stage: str, done: int, total: int) -> None:
    """Progress on stderr, a line a step."""
    sys.stderr.write(f"{stage}: {done}/{total}\n")
    sys.stderr.flush()


def _work(chosen: argparse.Namespace) -> Path:
    place: Path = chosen.work or chosen.out / "work"
    return place


def _maker(chosen: argparse.Namespace) -> PairMaker:
    if not 0 <= chosen.seed <= MAX_SEED:
        raise UserError(f"The seed must be between 0 and {MAX_SEED}.")
    options = GenerationOptions(seed=chosen.seed, steps=chosen.steps, length=chosen.seconds, mark=False)

    def load() -> Services:
        return load_services(chosen.checkpoint, "cpu")

    return PairMaker(chosen.checkpoint, options, load)


def _written(report: Report, settings: dict[str, object], out: Path, name: str) -> Path:
    complete = replace(report, settings={**settings, **report.settings, **SETTINGS})
    return complete.write(out, name)[1]

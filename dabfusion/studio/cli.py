"""Studio's command line: pairs for stage 1, dances for stage 2, and pictures and films of both to look at.

python -m dabfusion studio pairs   --out pairs --clips 2000 --avatars people/ --motion takes/ --workers 2
python -m dabfusion studio people  --out people --count 16000 --avatars people/ --motion takes/
python -m dabfusion studio sheet   --pairs pairs --out sheet.png
python -m dabfusion studio retarget --zip raw.zip --out takes/
python -m dabfusion studio songs   --out songs --count 440
python -m dabfusion studio dances  --out dances --count 3000 --songs songs/ --motion takes/
python -m dabfusion studio preview --out dance.mp4 --avatar people/Anna.glb --style house --seconds 8
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from dabfusion.errors import UserError
from dabfusion.studio.dance import sample_dance
from dabfusion.studio.dataset import CLIPS_PER_SHARD, PackOptions, avatar_paths, write_pack
from dabfusion.studio.figure import load_figure, procedural_figure
from dabfusion.studio.motion import load_takes
from dabfusion.studio.moves import STYLES
from dabfusion.studio.people import PEOPLE_PER_SHARD, write_people
from dabfusion.studio.preview import write_preview
from dabfusion.studio.renderer import Renderer
from dabfusion.studio.sheet import write_sheet
from preprocess.plates import DEFAULT_PLATE, PLATES, draw_plate

_TAKES = "salsa_*.npz"


def main(argv: list[str] | None = None) -> int:
    """Runs one sub-command; the path of what was made is the last line of stdout.

    Raises:
        UserError: missing folders or an unusable machine, in one sentence.
    """
    o = build_parser().parse_args(argv)
    commands = {
        "pairs": _pairs, "people": _people, "sheet": _sheet, "preview": _preview,
        "retarget": _retarget, "songs": _songs, "dances": _dances,
    }  # fmt: skip
    sys.stdout.write(f"{commands[o.command](o)}\n")
    return 0


def build_parser() -> argparse.ArgumentParser:
    """All sub-commands and their options."""
    parser = argparse.ArgumentParser(
        "dabfusion studio", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    pairs = commands.add_parser("pairs", help="draw start frames and driving frames with the exact flow between them")
    pairs.add_argument("--out", type=Path, required=True, help="folder of the pack; shards that are there are kept")
    pairs.add_argument(
        "--clips",
        type=_positive,
        default=400,
        help=f"at least so many clips (whole shards of {CLIPS_PER_SHARD}; default 400)",
    )
    pairs.add_argument(
        "--avatars", type=Path, help="folder of rigged people (.glb); without it the figure made in code"
    )
    pairs.add_argument("--motion", type=Path, help=f"folder of captured takes ({_TAKES}); without it authored dances")
    pairs.add_argument("--held-out", action="store_true", help="only people and takes that training never sees")
    pairs.add_argument("--seed", type=int, default=0)
    pairs.add_argument(
        "--close-ups", type=float, default=PackOptions.close_ups, help="share of clips with legs cut off by the frame"
    )
    pairs.add_argument("--workers", type=_positive, default=1, help="processes")
    people = commands.add_parser("people", help="draw single start frames of every kind for the body reader")
    people.add_argument("--out", type=Path, required=True, help="folder of the pack; shards that are there are kept")
    people.add_argument(
        "--count",
        type=_positive,
        default=16000,
        help=f"at least so many pictures (whole shards of {PEOPLE_PER_SHARD}; default 16000)",
    )
    people.add_argument(
        "--avatars", type=Path, help="folder of rigged people (.glb); without it the figure made in code"
    )
    people.add_argument("--motion", type=Path, help="folder of captured takes; without it authored dances only")
    people.add_argument("--held-out", action="store_true", help="only people and takes that training never sees")
    people.add_argument("--seed", type=int, default=0)
    people.add_argument(
        "--drawings", type=float, default=PackOptions.drawings, help="share of drawn figures, 0 to 1 (default 0.2)"
    )
    people.add_argument("--workers", type=_positive, default=1, help="processes")
    sheet = commands.add_parser("sheet", help="a picture of some pairs: start, drive, warped start, flow, visibility")
    sheet.add_argument("--pairs", type=Path, required=True, help="folder of the pack")
    sheet.add_argument("--out", type=Path, required=True, help="PNG to write")
    sheet.add_argument("--clips", type=_positive, default=8)
    sheet.add_argument("--drives", type=_positive, default=2, help="driving frames of each clip")
    sheet.add_argument("--seed", type=int, default=0, help="which clips")
    preview = commands.add_parser("preview", help="an mp4 with sound: a Studio person dances to a Studio song")
    preview.add_argument("--out", type=Path, required=True, help="mp4 to write")
    preview.add_argument(
        "--avatar", type=Path, help="one .glb person, or a folder to draw one from; without it the figure made in code"
    )
    preview.add_argument("--motion", type=Path, help="folder of captured takes to dance as well")
    preview.add_argument("--style", choices=STYLES, metavar="STYLE", help=f"one of: {', '.join(STYLES)} (default: any)")
    preview.add_argument("--seconds", type=float, default=8.0)
    preview.add_argument("--seed", type=int, default=0)
    preview.add_argument(
        "--background", choices=PLATES, default=DEFAULT_PLATE, metavar="NAME", help=f"one of: {', '.join(PLATES)}"
    )
    preview.add_argument("--mark-beats", action="store_true", help="flash a square on each beat of the music")
    retargeted = commands.add_parser("retarget", help="captured motion in its published formats to takes")
    retargeted.add_argument("--zip", type=Path, required=True, help="archive with BVH, ASF and AMC, or FBX files")
    retargeted.add_argument("--out", type=Path, required=True, help="folder of the takes")
    retargeted.add_argument(
        "--style", action="append", default=[], metavar="WORD=STYLE",
        help="takes whose path in the archive holds WORD are of STYLE (default: what the paths say, else other)",
    )  # fmt: skip
    songs = commands.add_parser("songs", help="sound and degrade songs, and keep what the music encoder hears of them")
    songs.add_argument("--out", type=Path, required=True, help="folder of the packs")
    songs.add_argument("--count", type=_positive, default=440, help="songs of a minute; the genres take turns")
    songs.add_argument("--seed", type=int, default=1000, help="seed of the first song")
    songs.add_argument("--workers", type=_positive, default=1, help="processes")
    dances = commands.add_parser("dances", help="make the dances that stage 2 learns from")
    dances.add_argument("--out", type=Path, required=True, help="folder of the packs")
    dances.add_argument("--count", type=_positive, default=3000, help="dances of 20 s")
    dances.add_argument("--motion", type=Path, help="folder of captured takes; without it every dance is authored")
    dances.add_argument("--songs", type=Path, help="folder of heard songs that most of them are danced to")
    dances.add_argument(
        "--sounding", type=float, default=0.0, help="share of dances whose song is rendered and heard, 0 to 1"
    )
    dances.add_argument("--seed", type=int, default=0)
    dances.add_argument("--workers", type=_positive, default=1, help="processes")
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def _existing(folder: Path | None) -> Path | None:
    """The path, if it is there or None.

    Raises:
        UserError: it is not there.
    """
    if folder is not None and not folder.exists():
        raise UserError(f"{folder} is not there.")
    return folder


def _pairs(o: argparse.Namespace) -> Path:
    options = PackOptions(_existing(o.avatars), _existing(o.motion), o.held_out, o.seed, o.close_ups)
    avatar_paths(options)  # no use starting processes for an empty folder
    write_pack(options, o.out, o.clips, o.workers)
    return Path(o.out)


def _people(o: argparse.Namespace) -> Path:
    if not 0 <= o.drawings <= 1:
        raise UserError(f"--drawings is a share from 0 to 1, not {o.drawings:g}.")
    options = PackOptions(_existing(o.avatars), _existing(o.motion), o.held_out, o.seed, drawings=o.drawings)
    avatar_paths(options)  # no use starting processes for an empty folder
    write_people(options, o.out, o.count, o.workers)
    return Path(o.out)


def _sheet(o: argparse.Namespace) -> Path:
    from dabfusion.training.pairs import PairPack

    _existing(o.pairs)
    pack = PairPack(o.pairs)
    rng = np.random.default_rng(o.seed)
    chosen = rng.choice(len(pack), min(o.clips, len(pack)), replace=False)
    write_sheet([pack.clip(int(n), np.arange(8)) for n in chosen], o.out, min(o.drives, 8))
    return Path(o.out)


def _preview(o: argparse.Namespace) -> Path:
    if not o.out.parent.is_dir():
        raise UserError(f"The folder {o.out.parent} is not there; make it or choose another one.")
    if not 0.5 <= o.seconds <= 600:
        raise UserError("The length must be between 0.5 and 600 seconds.")
    avatar, motion = _existing(o.avatar), _existing(o.motion)
    takes = load_takes(motion, _TAKES) if motion else None
    dance = sample_dance(o.seed, seconds=o.seconds, style=o.style, takes=takes, with_audio=True)
    if avatar is not None and avatar.is_dir():
        people = sorted(avatar.glob("*.glb"))
        if not people:
            raise UserError(f"There are no .glb people in {avatar}.")
        avatar = people[int(np.random.default_rng(o.seed).integers(len(people)))]
    figure = load_figure(avatar) if avatar is not None else procedural_figure()
    write_preview(o.out, Renderer(), figure, dance, draw_plate(o.background), o.mark_beats)
    return Path(o.out)


def _retarget(o: argparse.Namespace) -> Path:
    from dabfusion.studio.take_archive import STYLE_WORDS, unpack_takes

    given = dict(word.partition("=")[::2] for word in o.style)
    if wrong := {*given.values()} - {*STYLES}:
        raise UserError(f"There is no style {sorted(wrong)[0]!r}; choose one of: {', '.join(STYLES)}.")
    for path, why in unpack_takes(_existing(o.zip) or o.zip, o.out, {**STYLE_WORDS, **given}):
        sys.stderr.write(f"{path}: {why}\n")
    return Path(o.out)


def _songs(o: argparse.Namespace) -> Path:
    from dabfusion.training.build_songs import build_songs

    build_songs(o.out, o.count, o.seed, o.workers)
    return Path(o.out)


def _dances(o: argparse.Namespace) -> Path:
    from dabfusion.training.build_dances import Sources, build_dances

    sources = Sources(_existing(o.motion), _existing(o.songs), sounding=o.sounding)
    build_dances(o.out, o.count, sources, o.seed, o.workers)
    return Path(o.out)

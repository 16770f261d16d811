"""The command line: ``python -m dabfusion COMMAND``.

Bad input ends with exit code 2 and one plain sentence on stderr; progress goes to stderr, results to stdout.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from preprocess.errors import PhotoError
from preprocess.plates import DEFAULT_PLATE, PLATES

from .config import (
    AUTO_STYLE,
    DEFAULT_CHECKPOINT,
    EXAMPLES,
    MAX_LENGTH,
    MAX_SEED,
    MIN_LENGTH,
    SHAPES,
    SIZES,
    STYLES,
    USUAL_SIZE,
    GenerationOptions,
)
from .errors import Cancelled, OptionError, UserError
from .settings import OWN_PICTURE, DanceSettings, read_settings

if TYPE_CHECKING:
    from .generate import GenerateRequest

EXIT_BAD_INPUT = 2
EXIT_CANCELLED = 130

#: Commands that live with their own parts and are imported only when called: name -> (module, what it does).
PARTS: dict[str, tuple[str, str]] = {
    "train-autoencoder": ("dabfusion.training.train_autoencoder", "train stage 1: body reader, flow codec, generator"),
    "train-codec": ("dabfusion.training.train_codec", "train stage 1's body reader and flow codec alone"),
    "train-reader": ("dabfusion.training.train_reader", "train the body reader alone, on single start frames"),
    "train-generator": ("dabfusion.training.train_generator", "train stage 1's encoder and decoder alone"),
    "train-jointly": ("dabfusion.training.train_jointly", "train all of stage 1 end to end, from those two"),
    "train-flow-predictor": ("dabfusion.training.train_flow_predictor", "train the label-free flow predictor"),
    "train-code-reader": ("dabfusion.training.train_code_reader", "train the reader of flow codes from flow maps"),
    "train-flow-diffusion": ("dabfusion.training.train_flow_diffusion", "train stage 2: flow diffusion"),
    "train-flow-unet": ("dabfusion.training.train_flow_unet", "train the paper's stage 2: 3D U-Net over flow maps"),
    "ablate-generator": ("dabfusion.evaluation.ablation", "what skips, gate and perceptual loss each bring"),
    "export": ("dabfusion.training.export", "gather trained runs into a checkpoint"),
    "studio": ("dabfusion.studio.cli", "draw clips of the synthetic dancers, with exact flow"),
    "evaluate": ("dabfusion.evaluation.evaluate", "measure videos against their photo and song"),
    "evaluate-stage1": ("dabfusion.evaluation.stage1", "measure stage 1 part by part on held-out Studio pairs"),
    "benchmark": ("dabfusion.evaluation.speed", "time every stage on this machine"),
}

_EXAMPLES = """examples:
  python -m dabfusion generate --photo me.jpg --song song.mp3 --out dance.mp4
  python -m dabfusion generate --photo me.jpg --song song.mp3 --out dance.mp4 --start 30 --length 8 --seed 7
  python -m dabfusion generate --photo group.jpg --person 2 --song song.ogg --out dance.mp4 --background original
  python -m dabfusion example --out example.mp4
  python -m dabfusion check
"""

_GENERATE_EXAMPLES = """examples:
  python -m dabfusion generate --photo me.jpg --song song.mp3 --out dance.mp4 --length 10
  python -m dabfusion generate --photo me.jpg --song song.mp3 --out dance.mp4 --style house --report dance.json
  python -m dabfusion generate --photo me.jpg --song song.mp3 --out tall.mp4 --from-json dance.json --shape portrait
"""


class Parser(argparse.ArgumentParser):
    """An argument parser that says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        """Ends with exit code 2; ``--help`` shows the usage."""
        self.exit(EXIT_BAD_INPUT, f"{message[:1].upper()}{message[1:].rstrip('.')}.\n")


def number_in(low: float, high: float) -> Callable[[str], float]:
    """An argparse type: a number in [low, high]."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not between {low:g} and {high:g}")
        return value

    return parse


def whole_in(low: int, high: int) -> Callable[[str], int]:
    """An argparse type: a whole number in [low, high]."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not between {low} and {high}")
        return value

    return parse


def build_parser(repeated: DanceSettings | None = None) -> Parser:
    """The whole command line; what is not said falls back on ``repeated``, or else on the usual values."""
    parser = Parser(
        prog="python -m dabfusion",
        description="A photo and a song become a video of that person dancing to that song.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    generate = commands.add_parser(
        "generate", help="make a video", epilog=_GENERATE_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    _add_generate_arguments(generate, repeated or DanceSettings(GenerationOptions(size=USUAL_SIZE)))
    example = commands.add_parser("example", help="make a video from a bundled example")
    example.add_argument("--out", type=Path, default=Path("example.mp4"), metavar="OUT.mp4")
    example.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    check = commands.add_parser("check", help="verify the installation and the weights")
    check.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT, metavar="FOLDER")
    for name, (_, what) in PARTS.items():
        commands.add_parser(name, help=what, add_help=False)
    return parser


def _add_generate_arguments(parser: argparse.ArgumentParser, repeated: DanceSettings) -> None:
    default = repeated.options
    add = parser.add_argument
    add("--photo", type=Path, required=True, help="jpg, png or webp with a person (or a drawing, a toy...) in it")
    add("--song", type=Path, required=True, help="wav, mp3, ogg, flac, opus, m4a, or a video with sound")
    add("--out", type=Path, required=True, metavar="OUT.mp4", help="the video to write")
    add("--start", type=number_in(0, 86400), default=default.start, metavar="SEC", help="where in the song (default 0)")
    add("--length", type=number_in(MIN_LENGTH, MAX_LENGTH), default=default.length, metavar="SEC",
        help=f"{MIN_LENGTH:g} to {MAX_LENGTH:g} seconds (default: to the end of the song)")  # fmt: skip
    add("--seed", type=whole_in(0, MAX_SEED), default=default.seed, metavar="N", help="another number, another dance")
    add("--steps", type=whole_in(1, 1000), default=default.steps, metavar="N",
        help=f"denoising steps (default {default.steps})")  # fmt: skip
    add("--style", choices=(AUTO_STYLE, *STYLES), default=default.style, metavar="STYLE",
        help=f"auto, or one of: {', '.join(STYLES)}")  # fmt: skip
    add("--motion-strength", type=number_in(0, 2), default=default.motion_strength, metavar="X",
        help="below 1 is calmer, above 1 wilder (default 1)")  # fmt: skip
    add("--accent", type=number_in(0, 1), default=default.accent, metavar="X",
        help=f"how long each beat is held; 0 flows on (default {default.accent:g})")  # fmt: skip
    add("--shape", choices=SHAPES, default=default.shape, help="1:1, or 9:16 for phones (default square)")
    add("--size", type=int, choices=SIZES, default=default.size,
        help=f"pixels: sharp, or half of it and quicker (default {USUAL_SIZE})")  # fmt: skip
    add("--person", type=whole_in(1, 99), default=repeated.person, metavar="K",
        help="which of the people found (default: the most prominent)")  # fmt: skip
    add("--background", default=repeated.background or DEFAULT_PLATE, metavar="NAME|FILE|original",
        help=f"{', '.join(PLATES)}, a colour such as #204060, a picture file, or original")  # fmt: skip
    add("--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: auto")
    add("--report", type=Path, metavar="REPORT.json", help="also write options, timings and beats as JSON")
    add("--from-json", type=Path, metavar="FILE",
        help="repeat a dance: its report, settings file or mp4; other options given here go first")  # fmt: skip
    add("--no-mark", dest="mark", action="store_false", default=default.mark,
        help="leave out the visible AI-generated mark")  # fmt: skip
    add("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT, metavar="FOLDER", help="another trained model")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in PARTS:
        return _run_part(arguments[0], arguments[1:])
    try:
        chosen = build_parser().parse_args(arguments)
        if getattr(chosen, "from_json", None) is not None:
            chosen = build_parser(read_settings(chosen.from_json)).parse_args(arguments)
    except SystemExit as stop:  # argparse has said why
        return int(stop.code or 0)
    except OptionError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_BAD_INPUT
    commands = {"check": _run_check, "example": _run_example, "generate": _run_generate}
    return _guarded(lambda: commands[chosen.command](chosen))


def _guarded(command: Callable[[], int]) -> int:
    """Runs a command; errors that a user can mend become one sentence and exit code 2."""
    try:
        return command()
    except (UserError, PhotoError) as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_BAD_INPUT
    except (Cancelled, KeyboardInterrupt):
        sys.stderr.write("Stopped; nothing was left behind.\n")
        return EXIT_CANCELLED


def _run_part(name: str, arguments: list[str]) -> int:
    """Hands the arguments to the part that owns the command: its ``main(argv) -> int``."""
    module, _ = PARTS[name]
    try:
        run = import_module(module).main
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.split(".")[0] in ("dabfusion", "preprocess"):
            raise
        sys.stderr.write(f"The command {name} needs the package {error.name}; install requirements.txt.\n")
        return EXIT_BAD_INPUT
    return _guarded(lambda: run(arguments) or 0)


def _run_check(chosen: argparse.Namespace) -> int:
    from .check import check_installation

    problems = check_installation(chosen.checkpoint, sys.stdout.write)
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    return EXIT_BAD_INPUT if problems else 0


def _run_example(chosen: argparse.Namespace) -> int:
    from .examples import load_examples
    from .generate import GenerateRequest

    examples = load_examples(EXAMPLES)
    if not examples:
        raise OptionError(f"There are no examples in {EXAMPLES}; fetch the repository again.")
    first = examples[0]
    options = GenerationOptions(seed=first.seed, start=first.start, length=first.length, style=first.style,
                                size=USUAL_SIZE)  # fmt: skip
    background = first.background or DEFAULT_PLATE
    request = GenerateRequest(first.photo, first.song, chosen.out, options, background=background)
    return _make(request, DEFAULT_CHECKPOINT, chosen.device)


def _run_generate(chosen: argparse.Namespace) -> int:
    from .generate import GenerateRequest

    if chosen.background == OWN_PICTURE:
        raise OptionError("That dance had a background picture of its own; name the file with --background.")
    repeated = read_settings(chosen.from_json) if chosen.from_json else DanceSettings(GenerationOptions())
    same = chosen.person == repeated.person
    options = replace(
        repeated.options, seed=chosen.seed, steps=chosen.steps, start=chosen.start, length=chosen.length,
        style=chosen.style, motion_strength=chosen.motion_strength, accent=chosen.accent, mark=chosen.mark,
        shape=chosen.shape, size=chosen.size,
    )  # fmt: skip
    request = GenerateRequest(
        photo=chosen.photo, song=chosen.song, out=chosen.out, options=options, person=chosen.person,
        background=chosen.background, report=chosen.report,
        points=repeated.points if same else (), strokes=repeated.strokes if same else (),
    )  # fmt: skip
    return _make(request, chosen.checkpoint, chosen.device)


def _make(request: GenerateRequest, checkpoint: Path, device: str) -> int:
    """Makes one video; the path is the last line of stdout. Ctrl-C and SIGTERM leave nothing behind."""
    from .generate import generate_file
    from .services import load_services

    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        path = generate_file(request, lambda: load_services(checkpoint, device), _ProgressLine())
    finally:
        signal.signal(signal.SIGTERM, previous)
    sys.stdout.write(f"{path}\n")
    return 0


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    """Ends like Ctrl-C, so that everything is cleaned up on the way out."""
    raise KeyboardInterrupt


class _ProgressLine:
    """Progress on stderr: one line a stage, rewritten in place on a terminal, a line at its start and end elsewhere."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        live = sys.stderr.isatty()
        if live or done in (0, total):
            sys.stderr.write(f"{stage}: {done}/{total}" + ("\r" if live and done < total else "\n"))
            sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())

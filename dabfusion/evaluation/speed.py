"""``python -m dabfusion benchmark``: seconds, peak memory and operations of every stage on this machine.

Each length runs in a process of its own, so that the peak is the whole process's (resident set) for that length, models
and photo stage included. With ``--readme`` it also writes the README's table, between two comments there.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from safetensors import safe_open

from dabfusion.config import DEFAULT_CHECKPOINT, FRAME_SIZE, SIZES, USUAL_SIZE, GenerationOptions
from dabfusion.errors import UserError

LENGTHS = (4.0, 30.0, 60.0, 120.0, 180.0)  #: seconds of dance
README_MARKS = ("<!-- speed -->", "<!-- end of speed -->")  #: the README's table stands between them
_README_ROWS = {"photo, song": ("photo", "song"), "dance": ("dance",), "drawing and encoding": ("render",)}
_CHILD = "--one"
_MEBIBYTE = 2**20


@dataclass(frozen=True)
class Timing:
    """One run: seconds of each stage, in order, the process's peak memory, and the side of the frames."""

    length: float
    seconds: dict[str, float]
    frames: int
    steps: int
    peak_mib: float
    size: int = FRAME_SIZE

    @property
    def total(self) -> float:
        """Seconds of everything after start-up."""
        return sum(value for stage, value in self.seconds.items() if stage != "start-up")


def peak_memory_mib() -> float:
    """Largest resident set of this process so far, MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (_MEBIBYTE if sys.platform == "darwin" else 1024)


def time_one(
    photo: Path, song: Path, length: float, checkpoint: Path, device: str, steps: int | None, size: int = USUAL_SIZE
) -> Timing:
    """Makes one video in this process, through the same parts as the command line, and throws it away.

    Raises:
        UserError, PhotoError: an input cannot be used.
    """
    from dabfusion.services import load_services
    from preprocess.photo import read_photo

    seconds: dict[str, float] = {}
    begun = time.perf_counter()
    services = load_services(checkpoint, device)
    seconds["start-up"] = time.perf_counter() - begun
    begun = time.perf_counter()
    start_frame = services.photos.start_frame(read_photo(photo))
    seconds["photo"] = time.perf_counter() - begun
    begun = time.perf_counter()
    music = services.songs.encode_file(song)
    seconds["song"] = time.perf_counter() - begun
    options = GenerationOptions(length=length, size=size)
    options = replace(options, steps=steps) if steps else options
    with tempfile.TemporaryDirectory() as folder:
        result = services.dancer.generate(start_frame, music, song, Path(folder) / "dance.mp4", options)
    seconds |= result.seconds
    return Timing(result.frame_count / result.fps, seconds, result.frame_count, options.steps, peak_memory_mib(), size)


def count_parameters(checkpoint: Path) -> dict[str, int]:
    """Parameters of each part of a checkpoint folder, from its safetensors files."""
    counts: dict[str, int] = {}
    for path in sorted(checkpoint.glob("*.safetensors")):
        with safe_open(str(path), "np") as stored:
            counts[path.stem] = sum(math.prod(stored.get_slice(key).get_shape()) for key in list(stored.keys()))
    return counts


def speed_table(
    timings: Sequence[Timing], parameters: dict[str, int], device: str, gflop: Mapping[str, float] | None = None
) -> str:  # fmt: skip
    """The Markdown that the README shows; ``gflop`` are operations by stage."""
    stages = list(dict.fromkeys(stage for timing in timings for stage in timing.seconds))
    heads = [f"{timing.length:g} s video" for timing in timings]
    sizes = " and ".join(dict.fromkeys(f"{timing.size}" for timing in timings))
    title = f"{machine(device)}. Frames of {sizes} pixels."
    lines = [title, "", "| seconds | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for stage in stages:
        lines.append(f"| {stage} | " + " | ".join(f"{t.seconds.get(stage, 0.0):.1f}" for t in timings) + " |")
    lines.append("| **all but start-up** | " + " | ".join(f"**{t.total:.1f}**" for t in timings) + " |")
    lines.append("| peak memory, MiB | " + " | ".join(f"{t.peak_mib:.0f}" for t in timings) + " |")
    if all("render" in t.seconds for t in timings):
        cells = (f"{t.seconds['render'] / t.frames * 1000:.0f}" for t in timings)
        lines.append("| ms per rendered frame | " + " | ".join(cells) + " |")
    if all("dance" in t.seconds for t in timings):
        cells = (f"{t.seconds['dance'] / t.steps * 1000:.0f}" for t in timings)
        lines.append("| ms per denoising step | " + " | ".join(cells) + " |")
    if parameters:
        lines += ["", "| part | parameters |", "|---|---|"]
        lines += [f"| {part} | {count / 1e6:.2f} M |" for part, count in parameters.items()]
    if gflop:
        lines += ["", "| stage | GFLOP (a multiplication with its addition counts two) |", "|---|---|"]
        lines += [f"| {stage} | {value:.2f} |" for stage, value in gflop.items()]
    return "\n".join(lines) + "\n"


def readme_table(timings: Sequence[Timing]) -> str:
    """The short table for people: stages put together, seconds and gigabytes (10^9 bytes)."""
    lines = ["| | " + " | ".join(f"{t.length:g} s video" for t in timings) + " |", "|---" * (len(timings) + 1) + "|"]
    for name, stages in _README_ROWS.items():
        cells = (f"{sum(t.seconds.get(stage, 0.0) for stage in stages):.1f} s" for t in timings)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines.append("| all after start-up | " + " | ".join(f"{t.total:.1f} s" for t in timings) + " |")
    lines.append("| peak memory | " + " | ".join(f"{t.peak_mib * _MEBIBYTE / 1e9:.2f} GB" for t in timings) + " |")
    return "\n".join(lines) + "\n"


def around_table(readme: Path) -> tuple[str, str]:
    """What stands before and after the table in a file, with README_MARKS.

    Raises:
        UserError: there is no such file, or the marks are not in it, in this order.
    """
    told = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    first, last = (told.find(mark) for mark in README_MARKS)
    if not 0 <= first < last:
        raise UserError(f"{readme.name} has no place for the table: {' ... '.join(README_MARKS)}.")
    return told[: first + len(README_MARKS[0])], told[last:]


def put_table(readme: Path, text: str) -> None:
    """Replaces what stands between README_MARKS in a file; raises UserError, see :func:`around_table`."""
    before, after = around_table(readme)
    readme.write_text(f"{before}\n\n{text}\n{after}", encoding="utf-8")


def machine(device: str) -> str:
    """What this machine is, in words."""
    if device != "cpu" and torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} CPU cores ({platform.machine()}), {torch.get_num_threads()} threads, PyTorch {torch.__version__}"


def build_parser() -> argparse.ArgumentParser:
    """The sub-command's own command line."""
    parser = argparse.ArgumentParser(prog="python -m dabfusion benchmark", description="Time every stage.")
    parser.add_argument("--photo", type=Path, required=True)
    parser.add_argument("--song", type=Path, help="at least as long as the longest video (default: Studio makes one)")
    parser.add_argument("--no-flops", dest="flops", action="store_false", help="do not count operations")
    parser.add_argument("--lengths", type=float, nargs="+", default=list(LENGTHS), metavar="SEC")
    parser.add_argument("--steps", type=int, help="denoising steps (default: the default)")
    parser.add_argument("--size", type=int, choices=SIZES, default=USUAL_SIZE, help=f"pixels (default {USUAL_SIZE})")
    parser.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT, metavar="FOLDER")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="also write speed.json and speed.md here")
    parser.add_argument("--readme", type=Path, metavar="FILE", help="also write the short table into this file")
    parser.add_argument(_CHILD, type=float, metavar="SEC", help=argparse.SUPPRESS)
    return parser


def main(argv: Sequence[str]) -> int:
    """Runs the benchmark; the table goes to stdout."""
    try:
        chosen = build_parser().parse_args(list(argv))
    except SystemExit as stop:
        return int(stop.code or 0)
    if chosen.one is not None:
        timing = time_one(
            chosen.photo, chosen.song, chosen.one, chosen.checkpoint, chosen.device, chosen.steps, chosen.size
        )
        sys.stdout.write(json.dumps(asdict(timing)) + "\n")
        return 0
    sys.stdout.write(_benchmark(chosen, list(argv)))
    return 0


def _benchmark(chosen: argparse.Namespace, arguments: list[str]) -> str:
    """Times every length in a process of its own, counts, and writes the reports; returns the table."""
    if chosen.readme:
        around_table(chosen.readme)  # before minutes are spent
    with tempfile.TemporaryDirectory() as folder:
        if chosen.song is None:
            from .long_dance import studio_song  # late: it needs fluidsynth

            studio_song(Path(folder) / "song.wav", max(chosen.lengths))
            arguments = [*arguments, "--song", str(Path(folder) / "song.wav")]
        timings = [_in_own_process(arguments, length) for length in chosen.lengths]
    parameters, gflop = count_parameters(chosen.checkpoint), {}
    if chosen.flops:
        from .flops import stage_flops  # late: it loads the models

        gflop = stage_flops(chosen.photo, chosen.checkpoint)
    text = speed_table(timings, parameters, chosen.device, gflop)
    if chosen.out:
        chosen.out.mkdir(parents=True, exist_ok=True)
        data = {"machine": machine(chosen.device), "parameters": parameters, "gflop": gflop,
                "runs": [asdict(t) for t in timings]}  # fmt: skip
        (chosen.out / "speed.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
        (chosen.out / "speed.md").write_text(text, encoding="utf-8")
    if chosen.readme:
        put_table(chosen.readme, readme_table(timings))
    return text


def _in_own_process(arguments: list[str], length: float) -> Timing:
    command = [sys.executable, "-m", "dabfusion", "benchmark", *arguments, _CHILD, str(length)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "The benchmark run failed.")
    return Timing(**json.loads(done.stdout.strip().splitlines()[-1]))

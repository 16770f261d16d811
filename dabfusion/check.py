"""Is everything here? Packages, the default model, and the photo stage's weights with their sums."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from .checkpoint import CONFIG_NAME, file_sha256, open_checkpoint
from .config import CHECKPOINTS
from .errors import CheckpointError

PACKAGES = (
    "torch", "numpy", "scipy", "pillow", "opencv-python", "ultralytics", "segment-anything", "librosa", "av",
    "imageio-ffmpeg", "diffusers", "safetensors", "gradio",
)  # fmt: skip


def check_installation(checkpoint: Path, say: Callable[[str], object]) -> list[str]:
    """Tells what is installed through ``say`` (one line each) and returns a sentence for each problem.

    Args:
        checkpoint: folder of the dance model.
        say: receives lines with their line end.
    """
    problems = [*_check_packages(say), *_check_tools(say)]
    problems += _check_model(checkpoint, say)
    for folder in sorted(p for p in CHECKPOINTS.glob("*/") if p.resolve() != checkpoint.resolve()):
        problems += _check_weights(folder, say)
    say("everything is in order\n" if not problems else f"{len(problems)} problem(s)\n")
    return problems


def _check_packages(say: Callable[[str], object]) -> list[str]:
    problems = []
    say(f"python {sys.version.split()[0]}\n")
    for name in PACKAGES:
        try:
            say(f"{name} {metadata.version(name)}\n")
        except metadata.PackageNotFoundError:
            problems.append(f"The package {name} is missing; install requirements.txt.")
    return problems


def _check_tools(say: Callable[[str], object]) -> list[str]:
    try:
        import imageio_ffmpeg
        import torch

        say(f"ffmpeg {imageio_ffmpeg.get_ffmpeg_version()}\n")
    except (ImportError, OSError, RuntimeError) as error:
        return [f"The installation does not work ({error}); install requirements.txt again."]
    say(f"device {torch.cuda.get_device_name() if torch.cuda.is_available() else 'cpu'}\n")
    return []


def _check_model(folder: Path, say: Callable[[str], object]) -> list[str]:
    try:
        model = open_checkpoint(folder)
        model.verify()
    except CheckpointError as error:
        return [str(error)]
    say(f"model {folder.name}: {', '.join(model.parts)} unchanged\n")
    return []


def _check_weights(folder: Path, say: Callable[[str], object]) -> list[str]:
    """One folder of ``checkpoints/``: another model, or a single published file with its ``sha256``."""
    path = folder / CONFIG_NAME
    if not path.is_file():
        return []
    config = json.loads(path.read_text(encoding="utf-8"))
    if "files" in config:
        return _check_model(folder, say)
    weights = folder / Path(str(config["file"])).name
    if not weights.is_file():
        return [f"The weights {weights.name} are missing in {folder}; restore them."]
    if file_sha256(weights) != config["sha256"]:
        return [f"{weights} has changed (its SHA-256 differs); restore it."]
    say(f"weights {folder.name}: {weights.name} unchanged\n")
    return []

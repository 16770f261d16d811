"""Load ultralytics models without letting the library go online, install packages or write into the home folder."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from PIL import Image

from preprocess.torchvision_ops import ensure_torchvision_ops

if TYPE_CHECKING:
    from ultralytics import YOLO


def keep_ultralytics_quiet() -> None:
    """Set the library's switches (offline, no installs, own throw-away settings folder, weights-only loading).

    They are read when ultralytics is first imported, so this must run before; values that are already set win.
    """
    os.environ.setdefault("YOLO_OFFLINE", "true")
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    os.environ.setdefault("YOLO_VERBOSE", "false")
    os.environ.setdefault("ULTRALYTICS_SAFE_LOAD", "true")
    if "YOLO_CONFIG_DIR" not in os.environ:
        folder = tempfile.mkdtemp(prefix="dabfusion-ultralytics-")
        os.environ["YOLO_CONFIG_DIR"] = folder
        atexit.register(shutil.rmtree, folder, ignore_errors=True)


@contextmanager
def ultralytics_at_bay() -> Iterator[None]:
    """Import anything of ultralytics inside this: switches set, torchvision cured, Pillow left as it was.

    The library replaces ``PIL.Image.open`` by one that asks for a package of its own when a file is not a picture;
    ours must say so instead.
    """
    keep_ultralytics_quiet()
    ensure_torchvision_ops()
    opener = Image.open
    try:
        yield
    finally:
        Image.open = opener


@contextmanager
def threads_kept() -> Iterator[None]:
    """Call ultralytics inside this: on the CPU it sets torch's threads to one less than there are cores, for good."""
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def load_yolo(weights: Path, task: str) -> YOLO:
    """An ultralytics model from a local file; ``task`` is "detect" or "pose"."""
    with ultralytics_at_bay():
        from ultralytics import YOLO

    return YOLO(str(weights), task=task, verbose=False)

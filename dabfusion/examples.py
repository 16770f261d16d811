"""One-click examples from a folder with an ``examples.json``.

``examples.json`` is a list of objects: ``name``, ``photo``, ``song`` and ``credit`` (texts), and if wanted ``video`` (a
stored result), ``start``, ``length``, ``seed``, ``style`` and ``background``. File names are relative to the folder.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from .config import AUTO_STYLE

INDEX = "examples.json"


@dataclass(frozen=True)
class Example:
    """A photo and a song that go well together, and perhaps the finished video."""

    name: str
    photo: Path
    song: Path
    credit: str
    video: Path | None = None
    start: float = 0.0
    length: float = 8.0
    seed: int = 1
    style: str = AUTO_STYLE
    background: str | None = None


def load_examples(folder: Path) -> tuple[Example, ...]:
    """The examples of a folder; none if it has no index. Entries whose files are missing are left out."""
    index = folder / INDEX
    if not index.is_file():
        return ()
    examples = []
    for entry in json.loads(index.read_text(encoding="utf-8")):
        video = folder / entry["video"] if entry.get("video") else None
        example = Example(
            name=entry["name"], photo=folder / entry["photo"], song=folder / entry["song"],
            credit=entry.get("credit", ""), video=video if video is not None and video.is_file() else None,
            start=float(entry.get("start", 0.0)), length=float(entry.get("length", 8.0)),
            seed=int(entry.get("seed", 1)), style=entry.get("style", AUTO_STYLE), background=entry.get("background"),
        )  # fmt: skip
        if example.photo.is_file() and example.song.is_file():
            examples.append(example)
    return tuple(examples)

"""Videos that are made once and kept: a note beside each says what it was made from and what was learnt on the way.

Several processes may share what is kept: a file appears under its name only when it is complete.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from dabfusion.checkpoint import file_sha256, open_checkpoint

NOTE = ".made.json"


def make_once(
    video: Path, recipe: Mapping[str, object], make: Callable[[], Mapping[str, object]]
) -> dict[str, Any]:  # fmt: skip
    """Makes a video unless it is there already, made by the same recipe.

    Args:
        video: the file that ``make`` writes.
        recipe: everything that the video depends on, as JSON values.
        make: writes the video and returns facts about it, as JSON values.

    Returns:
        The facts.
    """
    note = video.with_suffix(NOTE)
    if video.is_file() and note.is_file():
        kept = json.loads(note.read_text(encoding="utf-8"))
        if kept["recipe"] == json.loads(json.dumps(recipe)):
            return dict(kept["facts"])
    note.unlink(missing_ok=True)
    video.parent.mkdir(parents=True, exist_ok=True)
    facts = dict(make())
    put_text(note, json.dumps({"recipe": dict(recipe), "facts": facts}, indent=1) + "\n")
    return facts


def put_file(path: Path, write: Callable[[Path], object]) -> None:
    """Lets ``write`` write a file of another name beside ``path``, which gets its name when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{secrets.token_hex(8)}{path.suffix}")
    try:
        write(unfinished)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def put_text(path: Path, text: str) -> None:
    """Writes a text file (UTF-8) that other processes see whole or not at all."""
    put_file(path, lambda place: place.write_text(text, encoding="utf-8"))


def checkpoint_digest(folder: Path, parts: Collection[str] = ()) -> str:
    """Twelve figures that change with any weight of a checkpoint, or of the named parts of it only."""
    files = open_checkpoint(folder).config["files"]
    chosen = {name: value for name, value in files.items() if not parts or name.split(".")[0] in parts}
    sums = json.dumps(chosen, sort_keys=True)
    return hashlib.sha256(sums.encode()).hexdigest()[:12]


def file_digest(path: Path) -> str:
    """Sixteen figures that change with a file."""
    return file_sha256(path)[:16]

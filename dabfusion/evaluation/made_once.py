"""Videos that are made once and kept: a note beside each says what it was made from and what was learnt on the way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
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
    note.write_text(json.dumps({"recipe": dict(recipe), "facts": facts}, indent=1) + "\n", encoding="utf-8")
    return facts


def checkpoint_digest(folder: Path) -> str:
    """Twelve figures that change with any weight of a checkpoint."""
    sums = json.dumps(open_checkpoint(folder).config["files"], sort_keys=True)
    return hashlib.sha256(sums.encode()).hexdigest()[:12]


def file_digest(path: Path) -> str:
    """Sixteen figures that change with a file."""
    return file_sha256(path)[:16]

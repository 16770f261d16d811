"""How often each style is recognised, measured once for a checkpoint and kept for the tables that show it."""

from __future__ import annotations

import json
from pathlib import Path

from .made_once import checkpoint_digest
from .report import Report

NEED = "`evaluate style` first, with the same --cache"


def keep_shares(report: Report, checkpoint: Path, cache: Path) -> None:
    """Keeps the shares of a report of :func:`.style_recognition.measure_style_recognition`."""
    shares = {row.name: row.readings["recognised"].value for row in (*report.summary, *report.rows)}
    cache.mkdir(parents=True, exist_ok=True)
    _place(checkpoint, cache).write_text(json.dumps(shares, indent=1) + "\n", encoding="utf-8")


def kept_shares(checkpoint: Path, cache: Path | None) -> dict[str, float]:
    """Shares by row name ("generated, house"); nothing where they were not measured for this checkpoint."""
    if cache is None or not _place(checkpoint, cache).is_file():
        return {}
    found: dict[str, float] = json.loads(_place(checkpoint, cache).read_text(encoding="utf-8"))
    return found


def _place(checkpoint: Path, cache: Path) -> Path:
    return cache / f"style-{checkpoint_digest(checkpoint)}.json"

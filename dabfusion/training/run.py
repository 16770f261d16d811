"""A training run's folder: resumable progress, a CSV of losses, an average of the weights, a clock."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn


class CsvLog:
    """Appends rows to a CSV file; the first row that is written to a new file names the columns."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, row: dict[str, float | int | str]) -> None:
        """Appends one row; numbers are written with six digits."""
        fresh = not self.path.exists()
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row))
            if fresh:
                writer.writeheader()
            writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})


class Ema:
    """Exponential moving average of a module's parameters, with a short memory at first."""

    def __init__(self, source: nn.Module, average: nn.Module, decay: float = 0.999) -> None:
        self.average, self.decay = average, decay
        average.load_state_dict(source.state_dict())
        average.requires_grad_(False).eval()

    @torch.no_grad()
    def update(self, source: nn.Module, step: int) -> None:
        """Moves the average towards ``source``; the decay is at most (step + 1) / (step + 10)."""
        decay = min(self.decay, (step + 1) / (step + 10))
        for mean, new in zip(self.average.parameters(), source.parameters(), strict=True):
            mean.lerp_(new, 1 - decay)
        for kept, now in zip(self.average.buffers(), source.buffers(), strict=True):
            kept.copy_(now)


class Progress:
    """Steps and minutes of a run over all its sessions, kept in ``progress.json``."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "progress.json"
        done = json.loads(self.path.read_text("utf-8")) if self.path.exists() else {"steps": 0, "minutes": 0.0}
        self.steps = int(done["steps"])
        self._minutes_before = float(done["minutes"])
        self._began = time.monotonic()

    @property
    def minutes(self) -> float:
        """Minutes of training so far, earlier sessions included."""
        return self._minutes_before + self.minutes_now

    @property
    def minutes_now(self) -> float:
        """Minutes since this session began."""
        return (time.monotonic() - self._began) / 60

    def session(self, minutes: float) -> Iterator[float]:
        """The share of the session's minutes that is over, in [0, 1), before each of its steps; there is always one,
        unless no time at all is given."""
        done = 0.0
        while minutes > 0 and done < 1:
            yield done
            done = self.minutes_now / minutes

    def save(self) -> None:
        """Writes the file in one go."""
        partial = self.path.with_suffix(".part")
        partial.write_text(json.dumps({"steps": self.steps, "minutes": round(self.minutes, 3)}) + "\n", "utf-8")
        partial.replace(self.path)

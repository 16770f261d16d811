"""The common part of stage 1's training loops: resume, average, log, save, learning rate."""

from __future__ import annotations

import copy
import logging
import math
import time
from pathlib import Path
from typing import Generic, TypeVar, cast

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from dabfusion.training.run import CsvLog, Ema, Progress

_LOG = logging.getLogger(__name__)
Model = TypeVar("Model", bound=nn.Module)
_LOG_EVERY = 25
_SAVE_EVERY_SECONDS = 150


def cosine_rate(step: int, done: float, warm_up: int = 100, floor: float = 0.03) -> float:
    """Learning-rate factor: linear warm-up by steps, then half a cosine over the share ``done`` of the time."""
    return min(1.0, (step + 1) / warm_up) * (floor + (1 - floor) * (0.5 + 0.5 * math.cos(math.pi * min(done, 1.0))))


class Stage1Run(Generic[Model]):
    """A run folder: ``ema.safetensors`` (enough to go on from), ``last.safetensors``, ``optimiser.pt``, ``loss.csv``,
    ``held_out.csv``.

    Args:
        folder: where; a run that is there is resumed.
        model: trained in place.
        optimiser: its state is resumed with the model's.
        decay: of the weights' moving average.
    """

    def __init__(self, folder: Path, model: Model, optimiser: torch.optim.Optimizer, decay: float = 0.998) -> None:
        self.progress = Progress(folder)
        self.folder, self._model, self._optimiser = folder, model, optimiser
        averaged = folder / "ema.safetensors"
        weights = folder / "last.safetensors"
        if weights.exists() or averaged.exists():
            model.load_state_dict(load_file(weights if weights.exists() else averaged))
        if (folder / "optimiser.pt").exists():
            optimiser.load_state_dict(torch.load(folder / "optimiser.pt", "cpu", weights_only=True))
        self.ema = Ema(model, copy.deepcopy(model), decay)
        if averaged.exists():
            self.ema.average.load_state_dict(load_file(averaged))
        self._losses, self._held_out = CsvLog(folder / "loss.csv"), CsvLog(folder / "held_out.csv")
        self._sums: dict[str, float] = {}
        self._saved = time.monotonic()

    @property
    def averaged(self) -> Model:
        """The model with averaged weights, in evaluation mode."""
        return cast(Model, self.ema.average)

    @property
    def step(self) -> int:
        """Steps done, earlier sessions included."""
        return self.progress.steps

    def after_step(self, figures: dict[str, float]) -> None:
        """Averages the weights, keeps the log, saves every few minutes."""
        self.ema.update(self._model, self.progress.steps)
        self.progress.steps += 1
        for name, value in figures.items():
            self._sums[name] = self._sums.get(name, 0.0) + value / _LOG_EVERY
        if self.step % _LOG_EVERY == 0:
            self._losses.write({"step": self.step, "minutes": self.progress.minutes, **self._sums})
            _LOG.info(
                "step %d, %.1f min: %s",
                self.step,
                self.progress.minutes,
                {k: round(v, 4) for k, v in self._sums.items()},
            )
            self._sums = {}
        if time.monotonic() - self._saved > _SAVE_EVERY_SECONDS:
            self.save()

    def log_held_out(self, figures: dict[str, float]) -> None:
        """Figures of the averaged weights on what training never sees."""
        self._held_out.write({"step": self.step, "minutes": self.progress.minutes, **figures})
        _LOG.info("step %d held out: %s", self.step, {k: round(v, 4) for k, v in figures.items()})

    def save(self) -> None:
        """Writes everything; each file appears whole."""
        for name, module in (("ema", self.ema.average), ("last", self._model)):
            save_file({k: v.contiguous() for k, v in module.state_dict().items()}, self.folder / f"{name}.part")
            (self.folder / f"{name}.part").replace(self.folder / f"{name}.safetensors")
        torch.save(self._optimiser.state_dict(), self.folder / "optimiser.part")
        (self.folder / "optimiser.part").replace(self.folder / "optimiser.pt")
        self.progress.save()
        self._saved = time.monotonic()

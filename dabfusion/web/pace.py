"""How long a dance will take: seconds for a unit of each stage, learnt from the dances that were made before.

A unit is one reading of the body, one denoising step on one second of dance, or one drawn frame of the smaller size.
The first dance after a start is told from :data:`USUAL`, measured on two CPU cores; every finished stage moves the
rates half way to its own.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from ..config import FINE_SIZE, GenerationOptions

#: Seconds for a unit of each stage, in the order of the stages; their names are those of :mod:`dabfusion.pipeline`.
USUAL: Mapping[str, float] = {"body": 0.3, "dance": 0.009, "render": 0.045}
FINE_WORK = 1.35  #: work of a fine frame in plain ones, both shapes written: measured as processor time
TRUSTED_FROM = 0.3  #: share of a stage after which only its own pace counts


def plan_units(options: GenerationOptions, length: float) -> dict[str, float]:
    """Units of each stage for ``length`` seconds of dance."""
    work = FINE_WORK if options.size == FINE_SIZE else 1.0
    return {"body": 1.0, "dance": options.steps * length, "render": work * max(1.0, options.fps * length)}


class Pace:
    """Rates that the worker teaches and the page reads."""

    def __init__(self) -> None:
        self._rates = dict(USUAL)
        self._lock = threading.Lock()

    def expect(self, stage: str, units: float) -> float:
        """Seconds that a stage will take; 0 for one that is not known."""
        with self._lock:
            return self._rates.get(stage, 0.0) * units

    def learn(self, stage: str, units: float, seconds: float) -> None:
        """Takes in how long a stage really took."""
        if stage in USUAL and units > 0 and seconds > 0:
            with self._lock:
                self._rates[stage] = (self._rates[stage] + seconds / units) / 2


def seconds_left(pace: Pace, plan: Mapping[str, float], stage: str, share: float, spent: float) -> float:
    """Time until a job is done.

    Args:
        pace: the rates.
        plan: units of each stage, in order.
        stage: the one that runs now; one that the plan does not name has not begun, so that everything is left.
        share: how much of it is done, 0 to 1; the more, the more its own pace counts.
        spent: seconds in it so far.

    Returns:
        Seconds, >= 0; 0 for an empty plan.
    """
    names = list(plan)
    later = names[names.index(stage) + 1 :] if stage in names else names
    left = sum(pace.expect(name, plan[name]) for name in later)
    if stage not in names:
        return left
    planned = max(pace.expect(stage, plan[stage]) - spent, 0.0)
    own = spent * (1 - share) / share if share > 0 else planned
    trust = min(1.0, share / TRUSTED_FROM)
    return left + (1 - trust) * planned + trust * own

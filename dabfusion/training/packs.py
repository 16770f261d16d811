"""Packs of training data, made one by one or side by side."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

log = logging.getLogger(__name__)


def build_packs(build: Callable[[int], Path], count: int, each: int, processes: int = 1) -> list[Path]:
    """Makes as many packs as ``count`` things need.

    Args:
        build: makes the pack of a number, from 0, and returns its path; can be pickled where ``processes`` > 1.
        count: things wanted.
        each: things in a pack.
        processes: packs at once.

    Returns:
        The packs' paths, in order.
    """
    numbers = range(-(-count // each))
    if processes == 1:
        return [_logged(build(number)) for number in numbers]
    with ProcessPoolExecutor(processes) as pool:
        return [_logged(path) for path in pool.map(build, numbers)]


def _logged(path: Path) -> Path:
    log.info("%s", path)
    return path

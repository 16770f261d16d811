"""Short captured takes one after the other: a dance as long as needed, of takes that lead into each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dabfusion.studio.motion import Motion, body_beats, body_speed, cut, facing, mirrored, orthonormal, turned

#: Frames over which one take turns into the next.
BLEND = 12
#: A take begins and ends where the body moves at least this share of its mean speed.
_MOVING = 0.35
#: How far a chain may travel before another one is tried, leg lengths, and how many are tried.
_FARTHEST, _TRIES = 2.0, 12


def take_style(name: str) -> str:
    """The genre in a take's name, as in ``ballet-jazz_005_18``."""
    return name.split("_")[0]


def trimmed(take: Motion) -> Motion:
    """The take without the standing about at its ends."""
    speed = body_speed(take.rotation, take.root, smooth=0.2)
    moving = np.flatnonzero(speed > _MOVING * speed.mean())
    return cut(take, max(int(moving[0]) - 5, 0), min(int(moving[-1]) + 5, len(take.root)))


def joined(first: Motion, second: Motion, blend: int = BLEND) -> Motion:
    """``second`` after ``first``, turned and moved to where that one ends; they overlap by ``blend`` frames."""
    second = turned(second, facing(first, -blend) - facing(second))
    shift = first.root[-blend] - second.root[0]
    second = replace(second, root=second.root + shift * [1, 0, 1])
    u = (np.arange(blend) + 0.5) / blend
    u = u * u * (3 - 2 * u)
    mix = (1 - u)[:, None, None, None] * first.rotation[-blend:] + u[:, None, None, None] * second.rotation[:blend]
    way = (1 - u)[:, None] * first.root[-blend:] + u[:, None] * second.root[:blend]
    return Motion(
        f"{first.name} {second.name}",
        np.concatenate([first.rotation[:-blend], orthonormal(mix), second.rotation[blend:]]),
        np.concatenate([first.root[:-blend], way, second.root[blend:]]),
        np.empty(0),
    )


def chain(takes: Sequence[Motion], seconds: float, rng: np.random.Generator) -> Motion:
    """Takes in random order, mirrored or not, until there are ``seconds``; with the beats of the whole found.

    Of several random chains the first that stays about where it is, else the one that travels least.
    """
    best: Motion | None = None
    least = np.inf
    for _ in range(_TRIES):
        made = _random_chain(takes, seconds, rng)
        travel = float(np.ptp(made.root[:, [0, 2]], axis=0).max())
        if travel < least:
            best, least = made, travel
        if travel < _FARTHEST:
            break
    if best is None:
        raise ValueError("a chain needs at least one take")
    return replace(best, beats=body_beats(best.rotation, best.root))


def _random_chain(takes: Sequence[Motion], seconds: float, rng: np.random.Generator) -> Motion:
    made: Motion | None = None
    while made is None or made.duration < seconds:
        piece = takes[rng.integers(len(takes))]
        if rng.random() < 0.5:
            piece = mirrored(piece)
        made = piece if made is None else joined(made, piece)
    return made

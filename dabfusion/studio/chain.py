"""Short captured takes one after the other: a dance as long as needed, of takes that lead into each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dabfusion.studio.body import point
from dabfusion.studio.motion import FPS, Motion, body_beats, body_speed, cut, facing, mirrored, orthonormal, turned

#: Frames over which one take turns into the next.
BLEND = 12
#: A take begins and ends where the body moves at least this share of its mean speed.
_MOVING = 0.35
#: What counts as on one's feet: hips at least so many leg lengths high, and the chest's upward axis so much upward.
#: Authored moves go down to .61 and .46, the salsa to .53; what is much lower or head first is never drawn in training.
_LOWEST, _MOST_BENT = 0.55, 0.3
#: The same for the first and the last frame of a part, so that it can follow another one.
_JOINABLE = 0.9, 0.7
#: Shorter parts are left out, seconds.
_SHORTEST = 2.0
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


def standing(take: Motion) -> list[Motion]:
    """The parts of the take in which the dancer is on their feet: without floor work, handstands, cartwheels.

    Returns:
        Parts of at least 2 s that begin and end nearly upright; the take itself if it is all one such part.
    """
    high, upward = take.root[:, 1], take.rotation[:, point("Spine2"), 1, 1]
    on_feet = (high >= _LOWEST) & (upward >= _MOST_BENT)
    joinable = (high >= _JOINABLE[0]) & (upward >= _JOINABLE[1])
    edges = np.flatnonzero(np.diff(np.concatenate([[0], on_feet.astype(int), [0]])))
    parts = []
    for start, stop in edges.reshape(-1, 2):
        inside = start + np.flatnonzero(joinable[start:stop])
        if len(inside) and inside[-1] + 1 - inside[0] >= _SHORTEST * FPS:
            parts.append(cut(take, int(inside[0]), int(inside[-1]) + 1))
    return parts


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

"""How each genre carries itself, whatever the move: groove, posture, where the hands live.

Two genres that dance the same step do not look the same: krump crouches over it, waack stands tall with raised hands,
house bounces up on the beat, LA hip-hop leans back into it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Counts over which a dancer goes from standing into the genre's posture.
_SETTLING = 3.0


@dataclass(frozen=True)
class Manner:
    """A genre's way to move.

    Attributes:
        groove: depth of the bounce, relative to the average dancer's.
        up: whether the body is up on the beat instead of down.
        crouch: how much lower the hips are, leg lengths.
        lean: bow of the chest, degrees (negative: leaning back).
        chin: bow of the head, degrees.
        hands: offset of both hands: out, up, front, arm lengths.
        sway: hips to the side and back once in two beats, leg lengths.
    """

    groove: float
    up: bool
    crouch: float
    lean: float
    chin: float
    hands: tuple[float, float, float]
    sway: float


MANNERS: dict[str, Manner] = {
    "break": Manner(0.8, False, 0.07, 9, -4, (0.12, 0.04, 0.06), 0.0),
    "pop": Manner(0.25, False, 0.0, 0, 0, (0.0, 0.05, 0.06), 0.0),
    "lock": Manner(0.9, True, 0.05, 4, -6, (0.10, 0.08, 0.0), 0.0),
    "middle-hip-hop": Manner(1.6, False, 0.05, 7, 8, (0.02, 0.0, 0.06), 0.02),
    "la-hip-hop": Manner(0.9, False, 0.03, -9, -7, (-0.03, -0.06, 0.1), 0.05),
    "house": Manner(1.4, True, 0.04, 6, 5, (0.03, -0.03, 0.04), 0.0),
    "waack": Manner(0.3, False, -0.01, -5, -7, (0.05, 0.14, -0.02), 0.04),
    "krump": Manner(1.5, False, 0.12, 14, -6, (0.14, 0.03, 0.1), 0.0),
    "street-jazz": Manner(0.5, False, 0.02, -3, 0, (0.06, 0.03, 0.0), 0.03),
    "ballet-jazz": Manner(0.3, False, -0.01, -6, -5, (0.1, 0.08, 0.02), 0.0),
    "salsa": Manner(0.5, False, 0.02, 0, 0, (0.0, 0.06, 0.04), 0.06),
}  # fmt: skip


def posture(manner: Manner, counts: np.ndarray, begin: float, amount: float) -> dict[str, np.ndarray]:
    """What a manner adds to the layers of the body.

    Args:
        manner: of the genre.
        counts: (F,) dance counts.
        begin: the count at which the dancer begins to dance; before it, they only stand.
        amount: how strongly this dancer has it, about 1.

    Returns:
        Additions by layer: ``hips`` (F, 6), ``chest`` and ``head`` (F, 3), ``la`` and ``ra`` (F, 3).
    """
    u = np.clip((counts - begin) / _SETTLING, 0, 1)
    there = (amount * u * u * (3 - 2 * u))[:, None]
    hips = np.zeros((len(counts), 6))
    hips[:, 1] = -manner.crouch
    hips[:, 0] = manner.sway * np.cos(np.pi * counts)  # to one side on odd beats, to the other on even ones
    hips[:, 5] = -60 * hips[:, 0]
    hands = there * np.array(manner.hands)
    return {
        "hips": there * hips,
        "chest": there * np.array([manner.lean, 0.0, 0.0]),
        "head": there * np.array([manner.chin, 0.0, 0.0]),
        "la": hands,
        "ra": hands,
    }

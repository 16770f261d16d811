"""The vocabulary of authored moves: what a move is, and the named positions of each layer of the body.

A move is an eight-count written in the notation of :mod:`dabfusion.studio.tracks`. Its layers:

- ``lf``, ``rf``: a foot: out, front (leg lengths from the middle of the stance), lift, turn-out, heel raise (degrees);
- ``hips``: left, up, front (leg lengths from the balanced stance), turn to the left, bow, left side up (degrees);
- ``chest``, ``head``: bow, turn to the left, tilt to the right (degrees);
- ``la``, ``ra``, or ``arms`` for both: a hand: out, up, front in arm lengths from the shoulder, elbow swivel (0 down,
  1 out, 2 up), twist and bend of the hand (degrees), shrug of the shoulder (degrees);
- ``turn``: where the dancer faces (degrees to the left of the phrase's front).
"""

from __future__ import annotations

from dataclasses import dataclass

from dabfusion.studio.tracks import HIT, STOP, Key, Layer

#: The genres of the dancing, as a style is named everywhere in the project ("salsa" is captured, the rest is authored).
STYLES: tuple[str, ...] = (
    "break", "pop", "lock", "middle-hip-hop", "la-hip-hop", "house", "waack", "krump", "street-jazz", "ballet-jazz", "salsa",
)  # fmt: skip

_FOOT = Layer("foot", (0.14, 0.0, 0.0, 10.0, 0.0), {
    "home": (0.14,), "close": (0.09,), "wide": (0.32, 0, 0, 18), "lunge": (0.5, 0, 0, 25), "side": (0.4,),
    "front": (0.14, 0.34), "back": (0.14, -0.36, 0, 12, 25), "cross": (-0.12, 0.2, 0, 15), "behind": (-0.12, -0.22, 0, 20, 20),
    "tap": (0.1, 0.06, 0, 15, 22), "heel": (0.18, 0.42, 0.03, 10, -25), "toe": (0.42, 0.05, 0, 20, 28), "up": (0.13, 0.05, 0, 12, 32),
    "knee": (0.14, 0.12, 0.48, 8, 35), "passe": (0.05, 0.05, 0.42, 45, 55), "kick": (0.13, 0.72, 0.42, 5, 15),
    "kick_low": (0.14, 0.5, 0.16, 5, 25), "kick_side": (0.72, 0.05, 0.4, 25, 25), "flick": (0.16, -0.36, 0.35, 5, 60),
    "arabesque": (0.1, -0.75, 0.42, 25, 70), "high": (0.16, 0.1, 0.32, 8, 30),
})  # fmt: skip
_HIPS = Layer("hips", (0.0,) * 6, {
    "mid": (0,), "low": (0, -0.14, -0.03, 0, 8), "dip": (0, -0.07, 0, 0, 3), "high": (0, 0.02), "squat": (0, -0.38, -0.1, 0, 22),
    "left": (0.12, -0.03, 0, 0, 0, -7), "right": (-0.12, -0.03, 0, 0, 0, 7),
    "front": (0, -0.03, 0.1, 0, -10), "back": (0, -0.06, -0.1, 0, 16), "turn_left": (0.03, -0.04, 0, 22), "turn_right": (-0.03, -0.04, 0, -22),
}, sided=(0, 3, 5))  # fmt: skip
_CHEST = Layer("chest", (2.0, 0.0, 0.0), {
    "mid": (2,), "in": (18,), "out": (-12,), "bow": (34,), "left": (4, 24), "right": (4, -24), "tilt_left": (3, 0, -16),
    "tilt_right": (3, 0, 16), "arch": (-20,), "down_left": (28, 20, -8), "down_right": (28, -20, 8),
}, sided=(1, 2))  # fmt: skip
_HEAD = Layer("head", (0.0, 0.0, 0.0), {
    "mid": (0,), "down": (22,), "up": (-16,), "left": (0, 45), "right": (0, -45), "tilt_left": (2, 0, -14), "tilt_right": (2, 0, 14),
    "nod": (12,),
}, sided=(1, 2))  # fmt: skip
_ARM = Layer("arm", (0.24, -0.86, 0.14, 0.45, 0.0, 8.0, 0.0), {
    "down": (0.2, -0.93, 0.1, 0.4), "loose": (0.3, -0.78, 0.28, 0.5), "hip": (0.12, -0.7, 0.02, 0.95, 0, 35),
    "chest": (-0.14, -0.28, 0.42, 0.75), "clap": (-0.3, -0.12, 0.52, 0.5, -60), "clap_up": (-0.28, 0.8, 0.3, 0.9), "clap_low": (-0.3, -0.55, 0.5, 0.5, -60),
    "up": (0.16, 0.95, 0.08, 0.9), "v": (0.52, 0.8, 0.1, 0.7), "side": (0.96, 0.05, 0.1, 0.2), "front": (-0.02, 0.02, 0.96, 0.5),
    "low_v": (0.62, -0.72, 0.1, 0.4), "front_low": (0.05, -0.6, 0.68, 0.4), "front_up": (0.1, 0.62, 0.66, 0.5), "diag": (0.72, 0.55, 0.25, 0.5),
    "cross": (-0.5, -0.12, 0.56, 0.7), "cross_low": (-0.42, -0.62, 0.46, 0.6), "cross_up": (-0.42, 0.45, 0.55, 0.8), "fold": (-0.46, -0.36, 0.34, 0.35),
    "head": (0.08, 0.42, 0.04, 1.15, 0, 20), "shoulder": (0.12, 0.04, 0.26, 0.8, 0, 20), "face": (-0.26, 0.24, 0.4, 0.95), "guard": (-0.06, 0.02, 0.38, 0.25),
    "l_up": (0.53, 0.46, 0.06, 0.5), "l_down": (0.54, -0.44, 0.06, 1.5), "l_front": (0.5, 0.0, 0.5, 1.05), "robot": (0.1, -0.5, 0.5, 0.1),
    "pull": (0.22, -0.45, 0.0, 0.45), "wing": (0.36, -0.3, 0.2, 1.3), "fifth": (-0.16, 0.82, 0.28, 1.0), "first": (-0.14, -0.5, 0.56, 0.95),
    "second": (0.88, -0.12, 0.3, 0.6, 0, 8), "back": (0.35, -0.7, -0.42, 0.9), "flex": (0.4, 0.36, 0.16, 0.45), "chin": (-0.2, 0.08, 0.36, 0.5),
})  # fmt: skip
_TURN = Layer("turn", (0.0,), {"front": (0,), "left": (45,), "right": (-45,)}, sided=(0,))

LAYERS: dict[str, Layer] = {
    "lf": _FOOT, "rf": _FOOT, "hips": _HIPS, "chest": _CHEST, "head": _HEAD, "la": _ARM, "ra": _ARM, "turn": _TURN,
}  # fmt: skip
OTHER_SIDE: dict[str, str] = {"lf": "rf", "rf": "lf", "la": "ra", "ra": "la"}
Score = dict[str, tuple[Key, ...]]


@dataclass(frozen=True)
class Move:
    """An eight-count (or a pose) of a dance.

    Attributes:
        name: what dancers call it, or near enough.
        styles: the genres that it suits.
        energy: how much it takes, 0 (a sway) to 1 (jumps).
        score: keys of every layer that the move says something about, on counts 1 to 8.
    """

    name: str
    styles: tuple[str, ...]
    energy: float
    score: Score


def move(
    name: str, styles: str, energy: float, layers: dict[str, str], *, both_sides: bool = True, sharp: bool = False
) -> Move:
    """Writes a move down.

    Args:
        name: unique name.
        styles: genres, separated by spaces; "all" means every genre.
        energy: 0 to 1.
        layers: strings of keys by layer (see the module's text); ``arms`` is both arms, ``feet`` both feet.
        both_sides: the layers give counts 1 to 4, and 5 to 8 are their mirror image.
        sharp: every stop is a hit.

    Raises:
        ValueError: a layer, a style or a position is unknown.
    """
    known = STYLES if styles == "all" else tuple(styles.split())
    if unknown := set(known) - set(STYLES):
        raise ValueError(f"Move {name!r}: unknown styles {sorted(unknown)}.")
    for pair, sides in (("arms", ("la", "ra")), ("feet", ("lf", "rf"))):
        if pair in layers:
            layers = {**dict.fromkeys(sides, layers[pair]), **{k: v for k, v in layers.items() if k != pair}}
    score = {layer: LAYERS[layer].parse(text) for layer, text in layers.items()}
    if sharp:
        score = {layer: _sharpened(keys) for layer, keys in score.items()}
    if both_sides:
        score = _with_other_side(score)
    return Move(name, known, energy, score)


def _sharpened(keys: tuple[Key, ...]) -> tuple[Key, ...]:
    return tuple(Key(k.count, k.value, HIT if k.kind == STOP else k.kind) for k in keys)


def mirrored(score: Score) -> Score:
    """The score seen in a mirror: left and right change places."""
    return {OTHER_SIDE.get(layer, layer): LAYERS[layer].mirror(keys) for layer, keys in score.items()}


def shifted(score: Score, by: float, speed: float = 1.0) -> Score:
    """The score ``by`` counts later, played at another speed (2: in half the counts)."""
    return {
        layer: tuple(Key(1 + (k.count - 1) / speed + by, k.value, k.kind) for k in keys) for layer, keys in score.items()
    }


def _with_other_side(score: Score) -> Score:
    other = shifted(mirrored(score), 4)
    neutral = {layer: (Key(1, LAYERS[layer].neutral, STOP),) for layer in {*score, *other}}
    first = {layer: score.get(layer, neutral[layer]) for layer in neutral}
    second = {layer: other.get(layer, shifted(neutral, 4)[layer]) for layer in neutral}
    return {layer: first[layer] + second[layer] for layer in neutral}

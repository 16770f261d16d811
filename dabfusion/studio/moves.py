"""The vocabulary of authored moves: what a move is, and the named positions of each layer of the body.

A move is an eight-count written in the notation of :mod:`dabfusion.studio.tracks`. Its layers:

- ``lf``, ``rf``: a foot: out, front (leg lengths from the middle of the stance), lift, turn-out, heel raise (degrees);
- ``hips``: left, up, front (leg lengths from the balanced stance), turn to the left, bow, left side up (degrees);
- ``chest``, ``head``: bow, turn to the left, tilt to the right (degrees);
- ``la``, ``ra``: a hand: out, up, front in arm lengths from the shoulder, elbow swivel (0 down,
  1 out, 2 up), twist and bend of the hand (degrees), shrug of the shoulder (degrees);
- ``turn``: where the dancer faces (degrees to the left of the phrase's front).
"""

from __future__ import annotations

from dataclasses import dataclass

from dabfusion.studio.tracks import HIT, STOP, Key, Layer, positions

#: The genres, as a style is named everywhere in the project ("salsa" is captured, where there are takes).
STYLES: tuple[str, ...] = (
    "break", "pop", "lock", "middle-hip-hop", "la-hip-hop", "house", "waack", "krump", "street-jazz", "ballet-jazz",
    "salsa",
)  # fmt: skip

_FOOT = positions(
    "foot",
    (0.14, 0.0, 0.0, 10.0, 0.0),
    """
    home:.14 close:.09 wide:.32,0,0,18 lunge:.5,0,0,25 side:.4 front:.14,.34 back:.14,-.36,0,12,25
    cross:-.12,.2,0,15 behind:-.12,-.22,0,20,20 tap:.1,.06,0,15,22 heel:.18,.42,.03,10,-25 toe:.42,.05,0,20,28
    up:.13,.05,0,12,32 knee:.14,.12,.48,8,35 passe:.05,.05,.42,45,60 kick:.13,.78,.4,5,25 kick_low:.14,.5,.16,5,25
    kick_side:.72,.05,.4,25,25 flick:.16,-.36,.35,5,60 arabesque:.1,-.78,.42,25,95 high:.16,.1,.32,8,30
""",
)
_HIPS = positions(
    "hips",
    (0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    """
    mid:0 low:0,-.14,-.03,0,8 dip:0,-.07,0,0,3 high:0,.02 squat:0,-.38,-.1,0,22 left:.12,-.03,0,0,0,-7
    right:-.12,-.03,0,0,0,7 front:0,-.03,.1,0,-10 back:0,-.06,-.1,0,16 turn_left:.03,-.04,0,22
    turn_right:-.03,-.04,0,-22
""",
    sided=(0, 3, 5),
)
_CHEST = positions(
    "chest",
    (2.0, 0.0, 0.0),
    """
    mid:2 in:18 out:-12 bow:34 left:4,24 right:4,-24 tilt_left:3,0,-16 tilt_right:3,0,16 arch:-20 down_left:28,20,-8
    down_right:28,-20,8
""",
    sided=(1, 2),
)
_HEAD = positions(
    "head",
    (0.0, 0.0, 0.0),
    """
    mid:0 down:22 up:-16 left:0,45 right:0,-45 tilt_left:2,0,-14 tilt_right:2,0,14 nod:12
""",
    sided=(1, 2),
)
_ARM = positions(
    "arm",
    (0.24, -0.86, 0.14, 0.45, 0.0, 8.0, 0.0),
    """
    down:.16,-.96,.1,.35 loose:.3,-.78,.28,.5 hip:.12,-.7,.02,.95,0,35 chest:-.14,-.28,.42,.75
    clap:-.3,-.12,.52,.5,-60 clap_up:-.28,.8,.3,.9 clap_low:-.3,-.55,.5,.5,-60 up:.16,.95,.08,.9 v:.52,.8,.1,.7
    side:.96,.05,.1,.2 front:-.02,.02,.96,.5 low_v:.62,-.72,.1,.4 front_low:.05,-.6,.68,.4 front_up:.1,.62,.66,.5
    diag:.72,.55,.25,.5 cross:-.5,-.12,.56,.7 cross_low:-.42,-.62,.46,.6 cross_up:-.42,.45,.55,.8
    fold:-.46,-.36,.34,.35 head:.08,.42,.04,1.15,0,20 shoulder:.12,.04,.26,.8,0,20 face:-.26,.24,.4,.95
    guard:-.06,.02,.38,.25 l_up:.53,.46,.06,.5 l_down:.54,-.44,.06,1.5 l_front:.5,0,.5,1.05 robot:.1,-.5,.5,.1
    pull:.22,-.45,0,.45 wing:.36,-.3,.2,1.3 fifth:-.16,.82,.28,1 first:-.14,-.5,.56,.95 second:.88,-.12,.3,.6,0,8
    back:.35,-.7,-.42,.9 flex:.4,.36,.16,.45 chin:-.2,.08,.36,.5
""",
)
_TURN = positions(
    "turn",
    (0.0,),
    """
    front:0 left:45 right:-45
""",
    sided=(0,),
)

LAYERS: dict[str, Layer] = {
    "lf": _FOOT, "rf": _FOOT, "hips": _HIPS, "chest": _CHEST, "head": _HEAD, "la": _ARM, "ra": _ARM, "turn": _TURN,
}  # fmt: skip
_BOTH = {"arms": ("la", "ra"), "feet": ("lf", "rf")}
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


def parse_moves(text: str) -> tuple[Move, ...]:
    """Reads moves written down.

    Each begins with a line ``name: genres, energy 0.5`` (``all``: every genre), which may end in ``, sharp`` (every
    stop is a hit) and ``, whole`` (the layers give all eight counts; else 1 to 4, and 5 to 8 are their mirror image).
    Indented lines follow: a layer and its keys; ``arms`` and ``feet`` are both sides; a line without a layer goes on.

    Raises:
        ValueError: a layer, a genre or a position is unknown.
    """
    moves: list[tuple[str, list[str]]] = []
    for line in text.strip().splitlines():
        if line[0] != " ":
            moves.append((line, []))
        elif ":" in line.split()[0]:
            moves[-1][1][-1] += " " + line.strip()
        else:
            moves[-1][1].append(line.strip())
    return tuple(_parse_move(head, lines) for head, lines in moves)


def _parse_move(head: str, lines: list[str]) -> Move:
    name, _, rest = head.partition(":")
    genres, energy, *marks = (part.strip() for part in rest.split(","))
    styles = STYLES if genres == "all" else tuple(genres.split())
    if unknown := {*styles} - {*STYLES} | {*marks} - {"sharp", "whole"}:
        raise ValueError(f"Move {name!r}: unknown {sorted(unknown)}.")
    score: Score = {}
    for line in lines:
        layer, _, keys = line.partition(" ")
        for part in _BOTH.get(layer, (layer,)):
            if part not in LAYERS:
                raise ValueError(f"Move {name!r}: unknown layer {layer!r}.")
            known = {k.count: k for k in score.get(part, ())} | {k.count: k for k in LAYERS[part].parse(keys)}
            score[part] = tuple(known[count] for count in sorted(known))
    if "sharp" in marks:
        score = {layer: sharpened(keys) for layer, keys in score.items()}
    return Move(
        name, styles, float(energy.removeprefix("energy")), score if "whole" in marks else _with_other_side(score)
    )


def sharpened(keys: tuple[Key, ...]) -> tuple[Key, ...]:
    """The keys with every stop made a hit."""
    return tuple(Key(k.count, k.value, HIT if k.kind == STOP else k.kind) for k in keys)


def mirrored(score: Score) -> Score:
    """The score seen in a mirror: left and right change places."""
    return {OTHER_SIDE.get(layer, layer): LAYERS[layer].mirror(keys) for layer, keys in score.items()}


def shifted(score: Score, by: float, speed: float = 1.0) -> Score:
    """The score ``by`` counts later, played at another speed (2: in half the counts)."""
    return {
        layer: tuple(Key(1 + (k.count - 1) / speed + by, k.value, k.kind) for k in keys)
        for layer, keys in score.items()
    }


def _with_other_side(score: Score) -> Score:
    other = shifted(mirrored(score), 4)
    neutral: Score = {layer: (Key(1, LAYERS[layer].neutral, STOP),) for layer in (*score, *other)}
    first = {layer: score.get(layer, neutral[layer]) for layer in neutral}
    second = {layer: other.get(layer, shifted(neutral, 4)[layer]) for layer in neutral}
    return {layer: first[layer] + second[layer] for layer in neutral}

"""Puts moves together into a dance on a beat grid: which move when, smooth changes, freezes in the breaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dabfusion.studio.manner import MANNERS, posture
from dabfusion.studio.moves import LAYERS, Move, Score, mirrored, sharpened, shifted
from dabfusion.studio.posing import Channels, Foot, pose
from dabfusion.studio.repertoire import MOVES, POSES
from dabfusion.studio.tracks import STOP, Key, sample

_FEET = ("lf", "rf")
_HANDS = ("la", "ra")
#: A foot that goes further than this (leg lengths) steps, a nearer one slides.
_STEP = 0.05
#: Genres that hit their positions and hold them, and how often they do.
_HITTING = {
    "pop": 0.7,
    "lock": 0.8,
    "krump": 0.6,
    "waack": 0.4,
    "middle-hip-hop": 0.35,
    "break": 0.35,
    "la-hip-hop": 0.3,
    "street-jazz": 0.3,
}


@dataclass(frozen=True)
class Part:
    """A move in its place: its score from ``start`` on for ``length`` counts, where it stands, where it faces."""

    name: str
    score: Score
    start: float
    length: float
    front: float
    place: tuple[float, float]


@dataclass(frozen=True)
class Choreography:
    """Poses (F, 19, 3, 3), hip positions (F, 3) in leg lengths, and the names of the moves in order."""

    rotation: np.ndarray
    root: np.ndarray
    names: tuple[str, ...]


def choreograph(
    counts: np.ndarray, energy: np.ndarray, style: str, rng: np.random.Generator, settled: bool = True
) -> Choreography:
    """Makes up a dance.

    Args:
        counts: (F,) the dance count at each frame, increasing, whole on the beats (1 is the first beat of an eight).
        energy: (F,) how active the music is, 0 (a break: the dancer freezes) to 1.
        style: one of ``moves.STYLES``.
        rng: source of all choices; the same state gives the same dance.
        settled: start in a standing pose as in a photo; else in the middle of a move.
    """
    parts = plan(counts, energy, style, rng, settled)
    tracks = _join(parts)
    begin = parts[0].start + parts[0].length if settled else float(counts[0]) - 8
    rotation, root = pose(_channels(tracks, counts, energy, style, begin, rng))
    return Choreography(rotation.astype(np.float32), root, tuple(part.name for part in parts))


def plan(counts: np.ndarray, energy: np.ndarray, style: str, rng: np.random.Generator, settled: bool) -> list[Part]:
    """Chooses the parts of a dance; arguments as for :func:`choreograph`."""
    fitting = [m for m in MOVES if style in m.styles] or list(MOVES)
    first, last = float(counts[0]), float(counts[-1])
    loudness = float(rng.uniform(0.8, 1.2))
    parts: list[Part] = []
    at = 1 + 8 * np.floor((first - 1) / 8)
    if settled:
        at = np.ceil(first + rng.uniform(0.3, 2.0))
        parts.append(_still(rng, first - 0.01, at - 1 - first, (0.0, 0.0)))
    before = ""
    while at <= last + 1:
        level = float(np.interp(at + 0.5, counts, energy))
        place = tuple(rng.normal(0, 0.12, 2).clip(-0.3, 0.3)) if parts and rng.random() < 0.5 else (0.0, 0.0)
        if level < 0.08:
            parts.append(_still(rng, at, 1.0, place))
            at = _next_active(counts, energy, at)
            continue
        move = _choose(fitting, level, before, rng)
        before = move.name
        part = _vary(move, float(at), level * loudness, style, rng, place)
        room = _next_break(counts, energy, at) - at
        parts.append(_cut(part, room))
        at += min(part.length, room)
    return parts


def _still(rng: np.random.Generator, start: float, length: float, place: tuple[float, float]) -> Part:
    held = POSES[rng.integers(len(POSES))]
    score = mirrored(held.score) if rng.random() < 0.5 else held.score
    score = {layer: _jitter(layer, keys, 1.0, rng) for layer, keys in score.items()}
    score = {layer: (*keys, Key(1 + max(length, 0.1), keys[-1].value, STOP)) for layer, keys in score.items()}
    return Part(held.name, shifted(score, start - 1), start, length, float(rng.normal(0, 12)), place)


def _next_active(counts: np.ndarray, energy: np.ndarray, at: float) -> float:
    active = counts[(energy >= 0.08) & (counts > at)]
    return float(max(np.round(active[0]), at + 1)) if len(active) else float(counts[-1] + 2)


def _next_break(counts: np.ndarray, energy: np.ndarray, at: float) -> float:
    silent = counts[(energy < 0.08) & (counts > at)]
    return float(max(np.round(silent[0]), at + 1)) if len(silent) else float(counts[-1] + 16)


def _choose(fitting: list[Move], level: float, before: str, rng: np.random.Generator) -> Move:
    weight = np.array([np.exp(-(((m.energy - (0.2 + 0.6 * level)) / 0.35) ** 2)) + 0.08 for m in fitting])
    weight *= [(0.25 if m.name == before else 1.0) * _own(m) for m in fitting]
    return fitting[rng.choice(len(fitting), p=weight / weight.sum())]


def _own(move: Move) -> float:
    """How much a move belongs to its genres: what everybody dances says little about a genre, and comes less often."""
    return float((2 / max(len(move.styles), 2)) ** 0.8)


def _vary(
    move: Move, start: float, level: float, style: str, rng: np.random.Generator, place: tuple[float, float]
) -> Part:
    score = mirrored(move.score) if rng.random() < 0.5 else move.score
    speed = 0.5 if (move.energy > 0.3 and rng.random() < 0.25 * (1 - level)) else 1.0
    amount = float(np.clip(0.75 + 0.42 * level + rng.normal(0, 0.08), 0.6, 1.25))
    hits = rng.random() < _HITTING.get(style, 0.1)
    score = {layer: _jitter(layer, keys, amount, rng) for layer, keys in score.items()}
    if hits:
        score = {layer: sharpened(keys) for layer, keys in score.items()}
    front = float(rng.normal(0, 10) + (rng.choice([-40, 40]) if rng.random() < 0.15 else 0))
    return Part(move.name, shifted(score, start - 1, speed), start, 8 / speed, front, place)


def _cut(part: Part, room: float) -> Part:
    """The part without the keys for which there is no room before a break."""
    if room >= part.length:
        return part
    score = {n: tuple(k for k in keys if k.count < part.start + room - 1e-6) for n, keys in part.score.items()}
    return Part(part.name, {n: keys for n, keys in score.items() if keys}, part.start, room, part.front, part.place)


def _jitter(layer: str, keys: tuple[Key, ...], amount: float, rng: np.random.Generator) -> tuple[Key, ...]:
    """The keys made larger or smaller about the layer's neutral value, and a little different each time."""
    if layer == "turn":
        return keys
    neutral = np.array(LAYERS[layer].neutral)
    size = {"hips": amount, "chest": amount, "head": amount}.get(layer, 1 + 0.4 * (amount - 1))
    noise = {"lf": 0.01, "rf": 0.01, "la": 0.035, "ra": 0.035}.get(layer, 0.0)
    offset = rng.normal(0, 1, (len(keys), len(neutral))) * noise
    offset[:, 3 if layer in _HANDS else 2 :] = 0
    return tuple(
        Key(k.count, tuple(neutral + size * (np.array(k.value) - neutral) + o), k.kind)
        for k, o in zip(keys, offset, strict=True)
    )


def _join(parts: list[Part]) -> dict[str, list[Key]]:
    """One list of keys a layer over the whole dance; feet in world coordinates (x, z, lift, yaw, heel)."""
    tracks: dict[str, list[Key]] = {layer: [] for layer in LAYERS}
    turned = 0.0
    for part in parts:
        turn = part.score.get("turn", (Key(part.start, (0.0,), STOP),))
        turns = [Key(k.count, (k.value[0] + turned + part.front,), k.kind) for k in turn]
        turns += (
            [Key(part.start + part.length - 1, turns[-1].value, STOP)]
            if turns[-1].count < part.start + part.length - 1
            else []
        )
        tracks["turn"] += turns
        turned += 360 * np.round(turn[-1].value[0] / 360)
        for layer in LAYERS:
            if layer == "turn":
                continue
            keys = _complete(part, layer)
            if layer in _FEET:
                keys = [_in_world(k, turns, part.place, layer) for k in keys]
            tracks[layer] += keys
    tracks = {layer: _held(keys) for layer, keys in tracks.items()}
    return _one_foot_at_a_time(tracks)


def _complete(part: Part, layer: str) -> list[Key]:
    """A part's keys of a layer, from its first count on: neutral where it says nothing."""
    keys = list(part.score.get(layer, ()))
    if not keys or keys[0].count > part.start + 1e-6:
        keys.insert(0, Key(part.start, LAYERS[layer].neutral, STOP))
    return keys


def _in_world(key: Key, turns: list[Key], place: tuple[float, float], layer: str) -> Key:
    out, front, lift, turn_out, heel = key.value
    sign = 1 if layer == "lf" else -1
    heading = float(sample(turns, np.array([key.count]))[0, 0])
    c, s = np.cos(np.radians(heading)), np.sin(np.radians(heading))
    x, z = place[0] + sign * out * c + front * s, place[1] - sign * out * s + front * c
    return Key(key.count, (x, z, lift, heading + sign * turn_out, heel), key.kind)


def _held(keys: list[Key]) -> list[Key]:
    """A position lasts until one count before the next one."""
    done: list[Key] = []
    for key in keys:
        if done and key.count - done[-1].count > 1.01:
            done.append(Key(key.count - 1, done[-1].value, STOP))
        done.append(key)
    return done


def _moves(a: Key, b: Key) -> bool:
    return bool(
        np.hypot(a.value[0] - b.value[0], a.value[1] - b.value[1]) > _STEP and max(a.value[2], b.value[2]) < 0.03
    )


def _one_foot_at_a_time(tracks: dict[str, list[Key]]) -> dict[str, list[Key]]:
    """Where both feet would step between the same two counts, one goes first: half a count each."""
    starts = {k.count: i for i, k in enumerate(tracks["rf"])}
    added: dict[str, list[Key]] = {foot: [] for foot in _FEET}
    for a, b in zip(tracks["lf"], tracks["lf"][1:], strict=False):
        i = starts.get(a.count)
        if i is None or i + 1 >= len(tracks["rf"]):
            continue
        c, d = tracks["rf"][i], tracks["rf"][i + 1]
        if d.count != b.count or b.count - a.count < 0.9 or not (_moves(a, b) and _moves(c, d)):
            continue
        middle = 0.5 * (a.count + b.count)
        left_first = a.value[0] < b.value[0]
        added["lf"].append(Key(middle, (b if left_first else a).value, STOP))
        added["rf"].append(Key(middle, (c if left_first else d).value, STOP))
    return {n: sorted(keys + added.get(n, []), key=lambda k: k.count) for n, keys in tracks.items()}


def _foot(keys: list[Key], counts: np.ndarray) -> Foot:
    value = sample(keys, counts)
    at = np.array([k.count for k in keys])
    ground = np.array([k.value[:2] for k in keys])
    low = np.array([k.value[2] for k in keys]) < 0.03
    i = np.searchsorted(at, counts, side="right").clip(1, max(len(keys) - 1, 1)) - 1
    j = np.minimum(i + 1, len(keys) - 1)
    distance = np.linalg.norm(ground[j] - ground[i], axis=-1)
    gone = np.linalg.norm(value[:, :2] - ground[i], axis=-1) / distance.clip(1e-6)
    stepping = (distance > _STEP) & low[i] & low[j]
    arc = np.where(stepping, 4 * gone.clip(0, 1) * (1 - gone.clip(0, 1)), 0.0)
    lift = value[:, 2].clip(0) + arc * (0.03 + 0.16 * distance).clip(0, 0.13)
    return Foot(value[:, :2], lift, value[:, 3], value[:, 4] + 16 * arc)


def _channels(
    tracks: dict[str, list[Key]],
    counts: np.ndarray,
    energy: np.ndarray,
    style: str,
    begin: float,
    rng: np.random.Generator,
) -> Channels:
    layers = {layer: sample(keys, counts) for layer, keys in tracks.items() if layer not in _FEET}
    feet = (_foot(tracks["lf"], counts), _foot(tracks["rf"], counts))
    manner = MANNERS[style]
    down = 0.5 + 0.5 * np.cos(2 * np.pi * counts) * (-1 if manner.up else 1)  # 1 on the beats, or between them
    groove = down * energy.clip(0, 1) * rng.uniform(0.5, 1.0) * manner.groove
    layers["hips"][:, 1] -= 0.035 * groove
    layers["chest"][:, 0] += 3 * groove
    layers["head"][:, 0] += 5 * groove
    for layer, size in (("hips", [0.006, 0.004, 0.006, 1, 0.6, 0.6]), ("chest", [0.8, 1, 0.8]), ("head", [1.5, 2, 1])):
        layers[layer] += _wander(len(counts), rng) @ rng.normal(0, 0.6, (4, len(size))) * size
    held = posture(manner, counts, begin, float(rng.uniform(0.7, 1.2)))
    for layer, added in held.items():
        if layer not in _HANDS:
            layers[layer] += added
    for hand in _HANDS:
        layers[hand][:, :3] = _in_arcs(tracks[hand], layers[hand][:, :3], counts)
        layers[hand][:, :3] += 0.006 * _wander(len(counts), rng) @ rng.normal(0, 1, (4, 3)) + held[hand]
    return Channels(
        layers["turn"][:, 0], feet, layers["hips"], layers["chest"], layers["head"], (layers["la"], layers["ra"])
    )


def _in_arcs(keys: list[Key], hand: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Hands (F, 3) led around the shoulder rather than straight past it: out and to the front, at arm's length."""
    lengths = [Key(k.count, (float(np.linalg.norm(k.value[:3])),), k.kind) for k in keys]
    length = sample(lengths, counts).clip(0.2)  # (F, 1)
    short = (1 - np.linalg.norm(hand, axis=1, keepdims=True) / length).clip(0)
    hand = hand + short * length * np.array([0.7, 0.0, 0.7])
    return hand * (length / np.linalg.norm(hand, axis=1, keepdims=True).clip(1e-6))


def _wander(frames: int, rng: np.random.Generator) -> np.ndarray:
    """Four slow waves (F, 4): nobody stands perfectly still."""
    time = np.arange(frames)[:, None] / 30
    return np.sin(2 * np.pi * (time * rng.uniform(0.12, 0.45, 4) + rng.random(4)))

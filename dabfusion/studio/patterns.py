"""What each genre's band plays: drum patterns on sixteenths, bass lines, chords, sounds, swing.

A drum pattern is a bar of 16 marks: ``X`` loud, ``x`` normal, ``-`` soft and only sometimes, ``.`` silent. A bass line uses
``r`` root, ``t`` third, ``f`` fifth, ``o`` octave. Sounds are General MIDI programs and drum keys.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

#: Steps in a bar.
STEPS = 16
_KIT = {"kick": 36, "snare": 38, "hat": 42, "perc": 39, "crash": 49}


@dataclass(frozen=True)
class Band:
    """How a genre sounds.

    Attributes:
        drums: pattern by part (kick, snare, hat, perc).
        bass, comping: patterns of the bass and of the chords.
        swing: how late every second sixteenth is, in steps.
        major: how often the key is major.
        legato: share of the time to the next chord that a chord is held.
        sounds: General MIDI programs to choose from, for bass, chords and melody.
        kit: drum keys by part.
    """

    drums: dict[str, str]
    bass: str
    comping: str
    swing: float = 0.0
    major: float = 0.3
    legato: float = 0.9
    sounds: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]] = ((33, 38, 39), (4, 88, 89, 50), (80, 81, 11, 73))
    kit: dict[str, int] = field(default_factory=lambda: dict(_KIT))

    def programs(self, seed: int) -> dict[str, int]:
        """General MIDI programs of bass, chords and melody, chosen by seed."""
        rng = np.random.default_rng([seed, 17])
        return {part: int(rng.choice(choice)) for part, choice in zip(("bass", "chords", "melody"), self.sounds, strict=True)}


_FUNK = ((33, 36, 37), (4, 7, 16, 27), (61, 62, 65, 56))
_ELECTRIC = ((38, 39, 87), (81, 50, 89, 90), (80, 84, 87, 55))
_LOUNGE = ((32, 33, 35), (4, 0, 26, 88), (11, 73, 65, 52))
_DISCO = ((33, 38, 36), (0, 27, 48, 50), (48, 61, 81, 11))
_STRINGS = ((32, 43, 33), (0, 48, 49, 46), (40, 73, 68, 0))
_LATIN = ((32, 33, 35), (0, 1, 4), (56, 57, 73, 66))
_808 = {**_KIT, "kick": 35, "snare": 40, "perc": 37}
_LATIN_KIT = {**_KIT, "snare": 76, "hat": 70, "perc": 56}

BAND: dict[str, tuple[Band, ...]] = {
    "break": (
        Band({"kick": "X.x.......x..x..", "snare": "....X..-.-..X...", "hat": "x.x.x.x.x.x.x.x.", "perc": "..-...x...-...x."}, "r..rr..o..r.r.f.", "....x.......x...", 0.1, 0.3, 0.35, _FUNK),
        Band({"kick": "X.x...x...X.....", "snare": "....X..-.-..X..-", "hat": "xxx-xxx-xxx-xxx-", "perc": "......x.......x."}, "r.r...o.r...f.t.", "..x...x...x...x.", 0.12, 0.3, 0.3, _FUNK),
    ),
    "pop": (
        Band({"kick": "X.....x.X.......", "snare": "....X.......X...", "hat": "x-x-x-x-x-x-x-x-", "perc": "...x..x....x..x."}, "r..r..r.f..r..o.", "x..x..x.x..x..x.", 0.0, 0.2, 0.5, _ELECTRIC),
        Band({"kick": "X..x..x...X.....", "snare": "....X.......X..-", "hat": "x.x.x.x.x.xxx.x.", "perc": "....x.......x..."}, "r.r.r.r.f.f.o.o.", "x.......x..x....", 0.05, 0.3, 0.6, _ELECTRIC),
    ),
    "lock": (
        Band({"kick": "X..x....x.x.....", "snare": "....X..x....X..-", "hat": "x.x.x.x.x.x.x.x.", "perc": "..x...x...x...x."}, "r..o..r.r.o.t.f.", "..x...x..x..x...", 0.1, 0.5, 0.3, _FUNK),
        Band({"kick": "X.......X.x.....", "snare": "....X..-....X...", "hat": "x-xxx-x-x-xxx-x-", "perc": "....x.......x.x."}, "r.rr....o.rt.f..", "....x..x....x..x", 0.08, 0.5, 0.3, _FUNK),
    ),
    "middle-hip-hop": (
        Band({"kick": "X......x..x.....", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.x-", "perc": "..............x."}, "r......r..f.....", "x.......x.......", 0.25, 0.2, 0.9, _LOUNGE, _808),
        Band({"kick": "X.x.....x.x..x..", "snare": "....X.......X..-", "hat": "x-x-x-x-x-x-x-x-", "perc": "......x........."}, "r.r.....r.t..f..", "x.....x.....x...", 0.2, 0.2, 0.7, _LOUNGE, _808),
    ),
    "la-hip-hop": (
        Band({"kick": "X..x......x.....", "snare": "....X.......X...", "hat": "x.xxx.x.x.xxx.xx", "perc": "....x.......x..."}, "r..r......r...o.", "x...............", 0.1, 0.15, 0.95, _ELECTRIC, _808),
        Band({"kick": "X.....x..x......", "snare": "....X.......X...", "hat": "xx-xxx-xxx-xxxxx", "perc": "...x..x....x...."}, "r.....r..r..f...", "x.......x.......", 0.05, 0.15, 0.9, _ELECTRIC, _808),
    ),
    "house": (
        Band({"kick": "X...X...X...X...", "snare": "....x.......x...", "hat": "..x...x...x...x.", "perc": "-.-x-.-x-.-x-.-x"}, "r..r..r.r..r..o.", "..x..x....x..x..", 0.0, 0.3, 0.5, _ELECTRIC, {**_KIT, "hat": 46, "snare": 39, "perc": 70}),
        Band({"kick": "X...X...X...X..-", "snare": "....X.......X...", "hat": "-.x.-.x.-.x.-.x-", "perc": "x.xxx.xxx.xxx.xx"}, "..r...r...r...f.", "x..x..x...x..x..", 0.06, 0.3, 0.4, _DISCO, {**_KIT, "hat": 46, "perc": 70}),
    ),
    "waack": (
        Band({"kick": "X...X...X...X...", "snare": "....X.......X...", "hat": "x.X.x.X.x.X.x.X.", "perc": "....x..x....x.x."}, "r.o.r.o.r.o.f.o.", "x.xx..x.x.xx..x.", 0.0, 0.5, 0.4, _DISCO, {**_KIT, "perc": 54}),
        Band({"kick": "X...X...X...X...", "snare": "....X..-....X.--", "hat": "xxX.xxX.xxX.xxX.", "perc": "x...x...x...x..."}, "r..or..or..of..o", "....x.......x.x.", 0.0, 0.4, 0.5, _DISCO, {**_KIT, "perc": 54}),
    ),
    "krump": (
        Band({"kick": "X..X....X.X.....", "snare": "....X.......X..x", "hat": "x...x...x...x.xx", "perc": "X.......X......."}, "r..r....r.r...f.", "x...............", 0.0, 0.05, 0.9, _ELECTRIC, {**_808, "perc": 41}),
        Band({"kick": "X.x.X.....X.X...", "snare": "....X..x....X...", "hat": "x.x.x.x.x.x.xxxx", "perc": "......X.......X."}, "r.r.r.....r.t...", "x.......x.......", 0.0, 0.05, 0.8, _ELECTRIC, {**_808, "perc": 43}),
    ),
    "street-jazz": (
        Band({"kick": "X.....x...x.....", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.x.", "perc": "....x.......x.x."}, "r.....r.f...r...", "x...x.....x.....", 0.15, 0.4, 0.8, _LOUNGE),
        Band({"kick": "X...x...X..x....", "snare": "....X..-....X...", "hat": "x-x-x-x-x-x-x-x-", "perc": "..x...x...x...x."}, "r..r..f.r..r..t.", "x..x....x..x....", 0.05, 0.4, 0.6, _DISCO),
    ),
    "ballet-jazz": (
        Band({"kick": "X.......x.......", "snare": "....-.......-...", "hat": "x...x...x...x...", "perc": "........x......."}, "r.......f.......", "x...x...x...x...", 0.0, 0.6, 0.95, _STRINGS),
        Band({"kick": "X.......x.......", "snare": "....x.......x...", "hat": "x...x.x.x...x.x.", "perc": "................"}, "r...f...t...f...", "x.x.x.x.x.x.x.x.", 0.1, 0.6, 0.9, _STRINGS),
    ),
    "salsa": (
        Band({"kick": "X..x..x.x..x..x.", "snare": "x..x..x...x.x...", "hat": "x-x-x-x-x-x-x-x-", "perc": "X...x...X...x..."}, "...r..f....r..o.", "x..x..x...x.x..x", 0.0, 0.4, 0.4, _LATIN, _LATIN_KIT),
    ),
}  # fmt: skip

#: Chords (semitones above the key's root) bar by bar.
PROGRESSIONS: dict[str, tuple[tuple[tuple[int, ...], ...], ...]] = {
    "minor": (
        ((0, 3, 7), (8, 12, 15), (3, 7, 10), (10, 14, 17)), ((0, 3, 7, 10), (5, 8, 12, 15)), ((0, 3, 7), (0, 3, 7), (5, 8, 12), (7, 10, 14)),
        ((0, 3, 7, 10), (10, 14, 17), (8, 12, 15, 19), (7, 11, 14)), ((0, 3, 7), (10, 14, 17)),
    ),
    "major": (
        ((0, 4, 7), (7, 11, 14), (9, 12, 16), (5, 9, 12)), ((0, 4, 7, 11), (9, 12, 16, 19), (2, 5, 9, 12), (7, 11, 14, 17)), ((0, 4, 7), (5, 9, 12)),
        ((2, 5, 9, 12), (7, 11, 14, 17), (0, 4, 7, 11), (0, 4, 7, 11)),
    ),
}  # fmt: skip

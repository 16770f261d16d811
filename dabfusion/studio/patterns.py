"""What each genre's band plays: drum patterns on sixteenths, bass lines, chords, sounds, swing.

A drum pattern is a bar of 16 marks: ``X`` loud, ``x`` normal, ``-`` soft and only sometimes, ``.`` silent. A bass line
uses ``r`` root, ``t`` third, ``f`` fifth, ``o`` octave; in ``chords`` every mark is a chord, held for ``legato``
of the time to the next. Sounds are General MIDI programs and drum keys.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

#: Steps in a bar.
STEPS = 16
_KIT = {"kick": 36, "snare": 38, "hat": 42, "perc": 39, "crash": 49}
#: Programs to choose from for bass, chords and melody.
_SOUNDS: dict[str, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = {
    "funk": ((33, 36, 37), (4, 7, 16, 27), (61, 62, 65, 56)),
    "electric": ((38, 39, 87), (81, 50, 89, 90), (80, 84, 87, 55)),
    "lounge": ((32, 33, 35), (4, 0, 26, 88), (11, 73, 65, 52)),
    "disco": ((33, 38, 36), (0, 27, 48, 50), (48, 61, 81, 11)),
    "strings": ((32, 43, 33), (0, 48, 49, 46), (40, 73, 68, 0)),
    "latin": ((32, 33, 35), (0, 1, 4), (56, 57, 73, 66)),
}


@dataclass(frozen=True)
class Band:
    """How a genre sounds.

    Attributes:
        genre: whose band it is.
        sounds: key of the programs to choose from.
        swing: how late every second sixteenth is, in steps.
        major: how often the key is major.
        legato: share of the time to the next chord that a chord is held.
        kit: drum keys by part.
        drums: pattern by part (kick, snare, hat, perc).
        bass, comping: patterns of the bass and of the chords.
    """

    genre: str
    sounds: str
    swing: float
    major: float
    legato: float
    kit: dict[str, int]
    drums: dict[str, str]
    bass: str
    comping: str

    def programs(self, seed: int) -> dict[str, int]:
        """General MIDI programs of bass, chords and melody, chosen by seed."""
        rng = np.random.default_rng([seed, 17])
        parts = zip(("bass", "chords", "melody"), _SOUNDS[self.sounds], strict=True)
        return {part: int(rng.choice(choice)) for part, choice in parts}


#: How often an arrangement takes a part from the genre's other pattern, and how often it changes a soft step.
_BORROWED, _CHANGED = 0.35, 0.05


def arranged(band: Band, other: Band, rng: np.random.Generator) -> Band:
    """A song's own arrangement: parts borrowed from another band of the genre, soft steps changed, its own swing.

    The first kick of the bar and every loud step stay, so that the genre does.
    """
    drums = {
        part: _varied(other.drums.get(part, own) if rng.random() < _BORROWED else own, rng)
        for part, own in band.drums.items()
    }
    bass, comping = (
        theirs if rng.random() < _BORROWED else own
        for own, theirs in ((band.bass, other.bass), (band.comping, other.comping))
    )
    swing = float(np.clip(band.swing + rng.normal(0, 0.04), 0, 0.35))
    return replace(band, drums=drums, bass=bass, comping=comping, swing=swing)


def _varied(pattern: str, rng: np.random.Generator) -> str:
    """The pattern with some steps made ghost notes or rests; strong marks stay."""
    marks = list(pattern)
    for step, mark in enumerate(marks):
        if mark != "X" and step and rng.random() < _CHANGED:
            marks[step] = "-" if mark == "." else "."
    return "".join(marks)


def _parse_bands(text: str) -> dict[str, tuple[Band, ...]]:
    """Bands by genre; a head line ``genre: sounds, swing .1, ...`` and one indented pattern a part."""
    heads: list[tuple[str, dict[str, str]]] = []
    for line in text.strip().splitlines():
        if line[0] != " ":
            heads.append((line, {}))
        else:
            part, pattern = line.split()
            heads[-1][1][part] = pattern
    bands = [_parse_band(head, patterns) for head, patterns in heads]
    return {genre: tuple(b for b in bands if b.genre == genre) for genre in dict.fromkeys(b.genre for b in bands)}


def _parse_band(head: str, patterns: dict[str, str]) -> Band:
    genre, _, rest = head.partition(":")
    sounds, *settings = (word.strip() for word in rest.split(","))
    numbers = {name: float(value) for name, value in (s.split() for s in settings)}
    wrong = [p for p in patterns.values() if len(p) != STEPS]
    if sounds not in _SOUNDS or wrong:
        raise ValueError(
            f"Band of {genre!r}: unknown sounds {sounds!r} or patterns that are not {STEPS} steps: {wrong}."
        )
    return Band(
        genre=genre,
        sounds=sounds,
        swing=numbers["swing"],
        major=numbers["major"],
        legato=numbers["legato"],
        kit={part: int(numbers.get(part, key)) for part, key in _KIT.items()},
        drums={part: pattern for part, pattern in patterns.items() if part in _KIT},
        bass=patterns["bass"],
        comping=patterns["chords"],
    )


BAND: dict[str, tuple[Band, ...]] = _parse_bands("""
break: funk, swing 0.1, major 0.3, legato 0.35
    kick   X.x.......x..x..
    snare  ....X..-.-..X...
    hat    x.x.x.x.x.x.x.x.
    perc   ..-...x...-...x.
    bass   r..rr..o..r.r.f.
    chords ....x.......x...
break: funk, swing 0.12, major 0.3, legato 0.3
    kick   X.x...x...X.....
    snare  ....X..-.-..X..-
    hat    xxx-xxx-xxx-xxx-
    perc   ......x.......x.
    bass   r.r...o.r...f.t.
    chords ..x...x...x...x.
pop: electric, swing 0, major 0.2, legato 0.5
    kick   X.....x.X.......
    snare  ....X.......X...
    hat    x-x-x-x-x-x-x-x-
    perc   ...x..x....x..x.
    bass   r..r..r.f..r..o.
    chords x..x..x.x..x..x.
pop: electric, swing 0.05, major 0.3, legato 0.6
    kick   X..x..x...X.....
    snare  ....X.......X..-
    hat    x.x.x.x.x.xxx.x.
    perc   ....x.......x...
    bass   r.r.r.r.f.f.o.o.
    chords x.......x..x....
lock: funk, swing 0.1, major 0.5, legato 0.3
    kick   X..x....x.x.....
    snare  ....X..x....X..-
    hat    x.x.x.x.x.x.x.x.
    perc   ..x...x...x...x.
    bass   r..o..r.r.o.t.f.
    chords ..x...x..x..x...
lock: funk, swing 0.08, major 0.5, legato 0.3
    kick   X.......X.x.....
    snare  ....X..-....X...
    hat    x-xxx-x-x-xxx-x-
    perc   ....x.......x.x.
    bass   r.rr....o.rt.f..
    chords ....x..x....x..x
middle-hip-hop: lounge, swing 0.25, major 0.2, legato 0.9, kick 35, snare 40, perc 37
    kick   X......x..x.....
    snare  ....X.......X...
    hat    x.x.x.x.x.x.x.x-
    perc   ..............x.
    bass   r......r..f.....
    chords x.......x.......
middle-hip-hop: lounge, swing 0.2, major 0.2, legato 0.7, kick 35, snare 40, perc 37
    kick   X.x.....x.x..x..
    snare  ....X.......X..-
    hat    x-x-x-x-x-x-x-x-
    perc   ......x.........
    bass   r.r.....r.t..f..
    chords x.....x.....x...
la-hip-hop: electric, swing 0.1, major 0.15, legato 0.95, kick 35, snare 40, perc 37
    kick   X..x......x.....
    snare  ....X.......X...
    hat    x.xxx.x.x.xxx.xx
    perc   ....x.......x...
    bass   r..r......r...o.
    chords x...............
la-hip-hop: electric, swing 0.05, major 0.15, legato 0.9, kick 35, snare 40, perc 37
    kick   X.....x..x......
    snare  ....X.......X...
    hat    xx-xxx-xxx-xxxxx
    perc   ...x..x....x....
    bass   r.....r..r..f...
    chords x.......x.......
house: electric, swing 0, major 0.3, legato 0.5, snare 39, hat 46, perc 70
    kick   X...X...X...X...
    snare  ....x.......x...
    hat    ..x...x...x...x.
    perc   -.-x-.-x-.-x-.-x
    bass   r..r..r.r..r..o.
    chords ..x..x....x..x..
house: disco, swing 0.06, major 0.3, legato 0.4, hat 46, perc 70
    kick   X...X...X...X..-
    snare  ....X.......X...
    hat    -.x.-.x.-.x.-.x-
    perc   x.xxx.xxx.xxx.xx
    bass   ..r...r...r...f.
    chords x..x..x...x..x..
waack: disco, swing 0, major 0.5, legato 0.4, perc 54
    kick   X...X...X...X...
    snare  ....X.......X...
    hat    x.X.x.X.x.X.x.X.
    perc   ....x..x....x.x.
    bass   r.o.r.o.r.o.f.o.
    chords x.xx..x.x.xx..x.
waack: disco, swing 0, major 0.4, legato 0.5, perc 54
    kick   X...X...X...X...
    snare  ....X..-....X.--
    hat    xxX.xxX.xxX.xxX.
    perc   x...x...x...x...
    bass   r..or..or..of..o
    chords ....x.......x.x.
krump: electric, swing 0, major 0.05, legato 0.9, kick 35, snare 40, perc 41
    kick   X..X....X.X.....
    snare  ....X.......X..x
    hat    x...x...x...x.xx
    perc   X.......X.......
    bass   r..r....r.r...f.
    chords x...............
krump: electric, swing 0, major 0.05, legato 0.8, kick 35, snare 40, perc 43
    kick   X.x.X.....X.X...
    snare  ....X..x....X...
    hat    x.x.x.x.x.x.xxxx
    perc   ......X.......X.
    bass   r.r.r.....r.t...
    chords x.......x.......
street-jazz: lounge, swing 0.15, major 0.4, legato 0.8
    kick   X.....x...x.....
    snare  ....X.......X...
    hat    x.x.x.x.x.x.x.x.
    perc   ....x.......x.x.
    bass   r.....r.f...r...
    chords x...x.....x.....
street-jazz: disco, swing 0.05, major 0.4, legato 0.6
    kick   X...x...X..x....
    snare  ....X..-....X...
    hat    x-x-x-x-x-x-x-x-
    perc   ..x...x...x...x.
    bass   r..r..f.r..r..t.
    chords x..x....x..x....
ballet-jazz: strings, swing 0, major 0.6, legato 0.95
    kick   X.......x.......
    snare  ....-.......-...
    hat    x...x...x...x...
    perc   ........x.......
    bass   r.......f.......
    chords x...x...x...x...
ballet-jazz: strings, swing 0.1, major 0.6, legato 0.9
    kick   X.......x.......
    snare  ....x.......x...
    hat    x...x.x.x...x.x.
    perc   ................
    bass   r...f...t...f...
    chords x.x.x.x.x.x.x.x.
salsa: latin, swing 0, major 0.4, legato 0.4, snare 76, hat 70, perc 56
    kick   X..x..x.x..x..x.
    snare  x..x..x...x.x...
    hat    x-x-x-x-x-x-x-x-
    perc   X...x...X...x...
    bass   ...r..f....r..o.
    chords x..x..x...x.x..x
""")


def _parse_chords(text: str) -> tuple[tuple[tuple[int, ...], ...], ...]:
    return tuple(
        tuple(tuple(int(note) for note in chord.split()) for chord in line.split("|"))
        for line in text.strip().splitlines()
    )


#: Chords (semitones above the key's root) bar by bar.
PROGRESSIONS: dict[str, tuple[tuple[tuple[int, ...], ...], ...]] = {
    "minor": _parse_chords("""
    0 3 7 | 8 12 15 | 3 7 10 | 10 14 17
    0 3 7 10 | 5 8 12 15
    0 3 7 | 0 3 7 | 5 8 12 | 7 10 14
    0 3 7 10 | 10 14 17 | 8 12 15 19 | 7 11 14
    0 3 7 | 10 14 17
    """),
    "major": _parse_chords("""
    0 4 7 | 7 11 14 | 9 12 16 | 5 9 12
    0 4 7 11 | 9 12 16 19 | 2 5 9 12 | 7 11 14 17
    0 4 7 | 5 9 12
    2 5 9 12 | 7 11 14 17 | 0 4 7 11 | 0 4 7 11
    """),
}

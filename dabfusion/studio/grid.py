"""What a song is before it sounds: its tempo, its beats, its sections, and how active each moment is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BEATS_PER_BAR = 4
#: Tempo (beats per minute) of each genre's songs.
TEMPOS: dict[str, tuple[float, float]] = {
    "break": (100, 132), "pop": (90, 120), "lock": (100, 128), "middle-hip-hop": (82, 104), "la-hip-hop": (80, 100),
    "house": (115, 134), "waack": (110, 132), "krump": (80, 105), "street-jazz": (88, 120), "ballet-jazz": (80, 108),
    "salsa": (88, 112),
}  # fmt: skip
#: How active each kind of section is, from its beginning to its end.
SECTIONS: dict[str, tuple[float, float]] = {
    "intro": (0.35, 0.5), "verse": (0.5, 0.65), "build": (0.6, 0.85), "drop": (0.95, 1.0), "break": (0.0, 0.0),
    "bridge": (0.3, 0.4), "outro": (0.45, 0.25),
}  # fmt: skip


@dataclass(frozen=True)
class Section:
    """A stretch of a song: ``kind`` is a key of ``SECTIONS``; ``start`` and ``length`` are in beats."""

    kind: str
    start: int
    length: int


@dataclass(frozen=True)
class SongPlan:
    """A song on its grid; everything follows from ``style`` and ``seed``.

    Attributes:
        style: genre.
        seed: of all further choices (chords, drums, melody).
        tempo: beats per minute, constant.
        lead_in: seconds before the first beat.
        sections: in order, without gaps.
    """

    style: str
    seed: int
    tempo: float
    lead_in: float
    sections: tuple[Section, ...]

    @property
    def beats(self) -> int:
        """Number of beats."""
        return self.sections[-1].start + self.sections[-1].length

    @property
    def beat_times(self) -> np.ndarray:
        """Seconds of all beats (beats,)."""
        return self.lead_in + np.arange(self.beats) * 60 / self.tempo

    @property
    def duration(self) -> float:
        """Seconds from the start to the end of the last beat."""
        return self.lead_in + self.beats * 60 / self.tempo

    def counts(self, times: np.ndarray) -> np.ndarray:
        """The dance count (1 on the first beat, 9 on the first of the next eight) at times (F,) in seconds."""
        return 1 + (np.asarray(times) - self.lead_in) * self.tempo / 60

    def energy(self, times: np.ndarray) -> np.ndarray:
        """How active the song is at times (F,): 0 in a break, up to 1 in a drop."""
        beat = self.counts(times) - 1
        level = np.zeros(len(beat))
        for section in self.sections:
            low, high = SECTIONS[section.kind]
            inside = (beat >= section.start) & (beat < section.start + section.length)
            level[inside] = low + (high - low) * (beat[inside] - section.start) / section.length
        return level


def plan_song(style: str, seed: int, beats: int = 128) -> SongPlan:
    """Lays out a song: intro, verses, builds, drops, now and then a break of 2 or 4 beats, outro.

    Args:
        style: a key of ``TEMPOS``.
        seed: fixes the plan.
        beats: about how long it shall be.
    """
    rng = np.random.default_rng([seed, 11])
    low, high = TEMPOS[style]
    layout = [("intro", int(rng.choice([8, 16])))]
    while sum(length for _, length in layout) < beats - 16:
        layout += _cycle(rng)
    layout.append(("outro", 8))
    starts = np.cumsum([0, *(length for _, length in layout)])
    sections = tuple(Section(kind, int(at), length) for (kind, length), at in zip(layout, starts, strict=False))
    return SongPlan(style, seed, float(np.round(rng.uniform(low, high), 2)), float(rng.uniform(0.0, 0.4)), sections)


def _cycle(rng: np.random.Generator) -> list[tuple[str, int]]:
    """Verse, perhaps a build and a stop, the drop, perhaps a stop inside it, perhaps a bridge: kinds and beats."""
    pause = int(rng.choice([0, 0, 2, 4]))
    layout = [("verse", int(rng.choice([16, 24, 32])))]
    if rng.random() < 0.6:
        layout.append(("build", 8 - pause))
        if pause:
            layout.append(("break", pause))
    layout.append(("drop", int(rng.choice([16, 32]))))
    if rng.random() < 0.3:
        pause = int(rng.choice([2, 4]))
        layout += [("break", pause), ("drop", 16 - pause)]
    if rng.random() < 0.3:
        layout.append(("bridge", 16))
    return layout

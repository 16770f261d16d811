"""A small synthesiser: drums, bass, chords and melody in numpy, for machines without a soundfont and for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from dabfusion.studio.music import Note

#: Loudness of each part.
_GAIN = {
    "kick": 0.9,
    "snare": 0.55,
    "hat": 0.22,
    "perc": 0.3,
    "crash": 0.25,
    "bass": 0.5,
    "chords": 0.13,
    "melody": 0.25,
}
_DRUMS = ("kick", "snare", "hat", "perc", "crash")
_RELEASE = 0.03


def synthesise(
    notes: Sequence[tuple[Note, float, float]], programs: dict[str, int], seconds: float, sample_rate: int
) -> np.ndarray:
    """Mono sound (round(seconds * sample_rate),) float32 of notes with their start and length in seconds.

    Args:
        notes: note, start, length.
        programs: General MIDI programs by part; here they only choose how bright a part is.
        seconds: length of the result.
        sample_rate: Hz.
    """
    sound = np.zeros(round(seconds * sample_rate), np.float32)
    drums = {part: _drum(part, sample_rate) for part in _DRUMS}
    for note, start, length in notes:
        first = round(start * sample_rate)
        if first >= len(sound):
            continue
        wave = drums[note.part] if note.part in drums else _tone(note, length, programs.get(note.part, 0), sample_rate)
        piece = wave[: len(sound) - first] * (_GAIN[note.part] * note.velocity / 127)
        sound[first : first + len(piece)] += piece
    return np.tanh(sound)


def _drum(part: str, sample_rate: int) -> np.ndarray:
    """One stroke: a falling sine for the kick, shaped noise for the rest (always the same noise)."""
    length = {"kick": 0.25, "snare": 0.18, "hat": 0.05, "perc": 0.08, "crash": 0.9}[part]
    time = np.arange(int(length * sample_rate)) / sample_rate
    if part == "kick":
        phase = 2 * np.pi * (48 * time + 110 * 0.03 * (1 - np.exp(-time / 0.03)))
        return (np.sin(phase) * np.exp(-time / 0.08)).astype(np.float32)
    noise = np.random.default_rng(5).standard_normal(len(time))
    bright = np.diff(noise, prepend=0.0)
    decay = np.exp(-time / (length / 4))
    body = 0.6 * np.sin(2 * np.pi * 190 * time) if part == "snare" else 0.0
    return ((0.5 * (noise if part in ("snare", "perc") else bright) + body) * decay).astype(np.float32)


def _tone(note: Note, length: float, program: int, sample_rate: int) -> np.ndarray:
    """A note of a few harmonics with a soft start and end."""
    time = np.arange(int((length + _RELEASE) * sample_rate)) / sample_rate
    frequency = 440 * 2 ** ((note.pitch - 69) / 12)
    harmonics = np.arange(1, 4 + program % 4)
    harmonics = harmonics[harmonics * frequency < 0.45 * sample_rate]
    wave = (np.sin(2 * np.pi * frequency * harmonics[:, None] * time) / harmonics[:, None] ** 1.3).sum(0)
    envelope = np.minimum(1, time / 0.008) * np.clip((length + _RELEASE - time) / _RELEASE, 0, 1)
    fade = np.exp(-time / (0.5 if note.part == "bass" else 1.5))
    return (wave * envelope * fade).astype(np.float32)

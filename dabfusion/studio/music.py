"""Songs on a known beat grid: notes written by genre and section, sounded by a soundfont or a small synthesiser."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from dabfusion.studio.grid import BEATS_PER_BAR, SongPlan
from dabfusion.studio.patterns import BAND, PROGRESSIONS, STEPS, Band, arranged

_SCALE = {"minor": (0, 3, 5, 7, 10), "major": (0, 2, 4, 7, 9)}
_STEP_BEATS = BEATS_PER_BAR / STEPS
#: Which parts play in each kind of section.
_PLAYING: dict[str, tuple[str, ...]] = {
    "intro": ("hat", "chords"),
    "verse": ("kick", "snare", "hat", "bass", "chords"),
    "build": ("kick", "snare", "hat", "chords", "bass"),
    "drop": ("kick", "snare", "hat", "perc", "bass", "chords", "melody"),
    "break": (),
    "bridge": ("hat", "chords", "melody"),
    "outro": ("kick", "hat", "bass", "chords"),
}


@dataclass(frozen=True)
class Note:
    """One note: ``part`` is kick, snare, hat, perc, crash, bass, chords or melody; times in beats, pitch as in MIDI."""

    part: str
    start: float
    length: float
    pitch: int
    velocity: int


@dataclass(frozen=True)
class Song:
    """A piece of a song as sound.

    Attributes:
        audio: mono float32 in [-1, 1].
        sample_rate: Hz.
        beat_times: (B,) seconds of the beats from the start of ``audio``.
        energy: (ceil(30 * seconds),) float32: how active each moment is, at 30 per second.
        tempo: beats per minute.
        style: genre.
    """

    audio: np.ndarray
    sample_rate: int
    beat_times: np.ndarray
    energy: np.ndarray
    tempo: float
    style: str


def band_of(plan: SongPlan) -> Band:
    """The band that plays a song, with its own arrangement of the genre's patterns."""
    rng = np.random.default_rng([plan.seed, 19])
    bands = BAND[plan.style]
    return arranged(bands[rng.integers(len(bands))], bands[rng.integers(len(bands))], rng)


def compose(plan: SongPlan) -> tuple[Note, ...]:
    """Writes all notes of a song, in order of their start; the same plan gives the same notes."""
    rng = np.random.default_rng([plan.seed, 13])
    band = band_of(plan)
    mode = "major" if rng.random() < band.major else "minor"
    key = int(rng.integers(0, 12))
    chords = PROGRESSIONS[mode][rng.integers(len(PROGRESSIONS[mode]))]
    motif = _motif(rng)
    notes: list[Note] = []
    for section in plan.sections:
        playing = _PLAYING[section.kind]
        if section.kind == "verse" and rng.random() < 0.4:
            playing = (*playing, "melody")
        if not playing:
            continue
        written: list[Note] = []
        bars = np.arange(section.start, section.start + section.length, BEATS_PER_BAR)
        for number, bar in enumerate(bars):
            chord = chords[(int(bar) // BEATS_PER_BAR) % len(chords)]
            last = number == len(bars) - 1 or number % 4 == 3
            written += _drums(band, float(bar), playing, last and section.kind != "intro", section.kind, rng)
            written += _harmony(band, float(bar), playing, key, chord, rng)
            if "melody" in playing:
                written += _melody(motif, float(bar), number, 60 + key, _SCALE[mode], rng)
        notes += _within(written, section.start + section.length)
        if section.kind in ("drop", "verse"):
            notes.append(Note("crash", float(section.start), 2.0, 49, 100))
    return tuple(sorted(notes, key=lambda n: (n.start, n.part, n.pitch)))


def _within(notes: list[Note], end: float) -> list[Note]:
    """The notes that begin before ``end``, none of them ringing on over it, so that breaks are silent."""
    return [replace(n, length=max(0.05, min(n.length, end - n.start - 0.02))) for n in notes if n.start < end - 1e-6]


def _swung(step: int, swing: float) -> float:
    """Beats from the bar's start to a step: every second sixteenth comes late by ``swing`` of a step."""
    return (step + (swing if step % 2 else 0.0)) * _STEP_BEATS


def _drums(
    band: Band, bar: float, playing: tuple[str, ...], fill: bool, kind: str, rng: np.random.Generator
) -> list[Note]:
    notes = []
    for part, pattern in band.drums.items():
        if part not in playing:
            continue
        for step, mark in enumerate(pattern):
            if mark == "." or (fill and rng.random() < 0.5 and part == "snare" and step >= STEPS - 4):
                continue
            if mark == "-" and rng.random() < 0.5:
                continue
            loud = {"X": 118, "x": 96, "-": 62}[mark] + int(rng.integers(-6, 7))
            notes.append(Note(part, bar + _swung(step, band.swing), 0.2, band.kit[part], loud))
    if kind == "build":
        rate = 2 if rng.random() < 0.5 else 1
        notes += [
            Note("snare", bar + s * _STEP_BEATS, 0.1, band.kit["snare"], 55 + 3 * s) for s in range(0, STEPS, rate * 2)
        ]
    elif fill and "snare" in playing:
        toms = rng.choice([41, 43, 45, 47, 48, band.kit["snare"]], 4)
        notes += [
            Note("snare", bar + _swung(STEPS - 4 + i, band.swing), 0.2, int(tom), 84 + 6 * i)
            for i, tom in enumerate(toms)
            if rng.random() < 0.75
        ]
    return notes


def _harmony(
    band: Band, bar: float, playing: tuple[str, ...], key: int, chord: tuple[int, ...], rng: np.random.Generator
) -> list[Note]:
    notes = []
    root = key + chord[0]
    if "bass" in playing:
        for step, mark in enumerate(band.bass):
            if mark != ".":
                interval = {"r": 0, "f": 7, "o": 12, "t": chord[1] - chord[0]}[mark]
                notes.append(
                    Note(
                        "bass",
                        bar + _swung(step, band.swing),
                        0.45,
                        36 + (root + interval) % 24,
                        100 + int(rng.integers(-6, 7)),
                    )
                )
    if "chords" in playing:
        hits = [step for step, mark in enumerate(band.comping) if mark != "."]
        for step, following in zip(hits, [*hits[1:], STEPS], strict=True):
            held = (following - step) * _STEP_BEATS * band.legato
            notes += [
                Note("chords", bar + _swung(step, band.swing), held, 54 + (key + p) % 12 + 12 * (i // 3), 74)
                for i, p in enumerate(chord)
            ]
    return notes


def _motif(rng: np.random.Generator) -> list[tuple[int, int, int]]:
    """A tune of two bars: (step, length in steps, degree of the scale), starting on the beat more often than off it."""
    tune, step, degree = [], 0, int(rng.integers(0, 5))
    while step < 2 * STEPS:
        length = int(rng.choice([2, 2, 4, 4, 3, 6]))
        if rng.random() < 0.8:
            tune.append((step, length, degree))
        degree = int(np.clip(degree + rng.choice([-2, -1, -1, 0, 1, 1, 2]), -2, 8))
        step += length
    return tune


def _melody(
    motif: list[tuple[int, int, int]],
    bar: float,
    number: int,
    root: int,
    scale: tuple[int, ...],
    rng: np.random.Generator,
) -> list[Note]:
    lift = 1 if number % 4 == 3 and rng.random() < 0.5 else 0
    notes = []
    for step, length, degree in motif:
        if step // STEPS != number % 2:
            continue
        octave, index = divmod(degree + lift, len(scale))
        pitch = root + scale[index] + 12 * octave
        notes.append(Note("melody", bar + (step % STEPS) * _STEP_BEATS, length * _STEP_BEATS * 0.9, pitch, 88))
    return notes


def render_song(
    plan: SongPlan,
    start: float = 0.0,
    seconds: float | None = None,
    sample_rate: int = 22050,
    soundfont: bool | None = None,
) -> Song:
    """Makes a song, or a piece of it, sound.

    Args:
        plan: from ``grid.plan_song``.
        start: seconds from the song's start.
        seconds: length; None for all of it.
        sample_rate: Hz.
        soundfont: True: fluidsynth; False: the built-in synthesiser; None: fluidsynth where it is installed.

    Raises:
        UserError: ``soundfont`` is True, but fluidsynth or a soundfont is missing, or fluidsynth fails.
    """
    from dabfusion.studio import soundfont as fluid
    from dabfusion.studio.synth import synthesise

    seconds = plan.duration - start if seconds is None else seconds
    beat = 60 / plan.tempo
    before = min(start, 1.0)  # notes that still ring when the piece begins
    shift = plan.lead_in - start + before
    notes = compose(plan)
    heard = [
        (n, n.start * beat + shift, n.length * beat)
        for n in notes
        if (n.start + n.length) * beat + shift > 0 and n.start * beat + shift < seconds + before
    ]
    heard = [(n, max(at, 0.0), length + min(at, 0.0)) for n, at, length in heard]
    timed = [(n, at, length) for n, at, length in heard if length > 0.02]
    use_soundfont = fluid.available() if soundfont is None else soundfont
    total = before + seconds
    audio = (fluid.render if use_soundfont else synthesise)(
        timed, band_of(plan).programs(plan.seed), total, sample_rate
    )
    first, length = round(before * sample_rate), round(seconds * sample_rate)
    audio = audio[first : first + length]
    loudest = float(np.abs(audio).max()) if len(audio) else 0.0
    beats = plan.beat_times - start
    return Song(
        audio=(audio * (0.89 / loudest if loudest > 1e-4 else 1.0)).astype(np.float32),
        sample_rate=sample_rate,
        beat_times=beats[(beats >= 0) & (beats < seconds)],
        energy=plan.energy(start + np.arange(int(np.ceil(seconds * 30))) / 30).astype(np.float32),
        tempo=plan.tempo,
        style=plan.style,
    )

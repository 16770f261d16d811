"""A dance and its song: the beginning of every training example of Studio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dabfusion.studio import motion as captured
from dabfusion.studio.chain import chain, standing, take_style, trimmed
from dabfusion.studio.choreography import choreograph
from dabfusion.studio.grid import SongPlan, plan_song
from dabfusion.studio.motion import FPS, STAGE, Motion
from dabfusion.studio.moves import STYLES
from dabfusion.studio.music import render_song

CAPTURED_STYLE = "salsa"
#: Of songs, Hz.
SAMPLE_RATE = 22050
_ATTEMPTS = 20


@dataclass(frozen=True)
class Dance:
    """A dance at 30 frames per second on a song whose beats are known exactly.

    Attributes:
        rotation: (F, 19, 3, 3) float32 world rotations in camera axes, relative to the T-pose.
        root: (F, 3) float32 hip position in leg lengths: x right, y above the ground, z to the viewer.
        beat_times: (B,) seconds of the music's beats from the first frame on; those inside the dance.
        tempo: beats per minute.
        style: genre.
        energy: (F,) float32, how active the music is: 0 in a break, up to 1.
        counts: (F,) the dance count at each frame; an eight begins where (count - 1) is a multiple of 8.
        source: "captured" or "authored".
        move_names: the take, or the moves in order.
        audio: mono float32 of the same length as the dance, or None.
        sample_rate: of the audio, Hz.
    """

    rotation: np.ndarray
    root: np.ndarray
    beat_times: np.ndarray
    tempo: float
    style: str
    energy: np.ndarray
    counts: np.ndarray
    source: str
    move_names: tuple[str, ...]
    audio: np.ndarray | None
    sample_rate: int


def sample_dance(
    seed: int,
    *,
    seconds: float,
    style: str | None = None,
    takes: Sequence[Motion] | None = None,
    captured_share: float = 0.4,
    with_audio: bool = False,
    song: SongPlan | None = None,
    start: float | None = None,
) -> Dance:
    """Makes a dance; the same arguments give the same dance.

    Args:
        seed: fixes every choice.
        seconds: length.
        style: a genre of ``moves.STYLES``, or None for the song's, or a random one where there is no song. "salsa" is
            captured where there are takes.
        takes: captured motion to draw from (see ``motion.load_takes``); None or empty: everything is authored. Takes
            must be long enough alone; for short ones see :func:`chained_dance`.
        captured_share: how often a dance of no given style is captured.
        with_audio: also make the song sound.
        song: dance to this one; None: to a new one.
        start: seconds into the song; None: anywhere.

    Raises:
        ValueError: the style is unknown, or the length is not positive.
    """
    if style is not None and style not in STYLES:
        raise ValueError(f"Unknown style {style!r}; there are {', '.join(STYLES)}.")
    if seconds <= 0:
        raise ValueError("A dance needs a positive length.")
    rng = np.random.default_rng([seed, 7])
    style = song.style if song is not None and style is None else style
    use_take = bool(takes) and (style == CAPTURED_STYLE or (style is None and rng.random() < captured_share))
    if style is None:
        authored = [s for s in STYLES if s != CAPTURED_STYLE]
        style = CAPTURED_STYLE if use_take else authored[rng.integers(len(authored))]
    frames = max(2, round(seconds * FPS))
    if song is None:
        song = plan_song(style, int(rng.integers(2**31)), beats=96 + 2 * round(seconds * 2))
    if start is None:
        start = _start(song, seconds, use_take, rng)
    times = start + np.arange(frames) / FPS
    energy = song.energy(times)
    result = _captured(takes, song, start, frames, rng) if use_take and takes else None
    if result is None:
        made = choreograph(song.counts(times), energy, style, rng, settled=rng.random() < 0.6)
        result = Motion("", made.rotation, made.root, np.empty(0)), made.names, "authored"
    return _dance(result, song, style, start, frames, with_audio)


def chained_dance(seed: int, *, seconds: float, takes: Sequence[Motion], song: SongPlan, start: float) -> Dance:
    """A captured dance of several short takes (see ``chain.chain``), its own rests on the beats of a song.

    Only what is danced on the feet is taken (see ``chain.standing``).

    Args:
        seed: fixes every choice.
        seconds: length.
        takes: of one style, the style of the dance; the song may be of any.
        song: dance to this one.
        start: seconds into the song.

    Raises:
        ValueError: the takes have no part on the feet, or do not fit the song's tempo.
    """
    rng = np.random.default_rng([seed, 7])
    frames = round(seconds * FPS)
    pieces = [part for take in takes for part in standing(trimmed(take))]
    if not pieces:
        raise ValueError(f"in the takes of {takes[0].name} nobody is on their feet for long")
    for _ in range(_ATTEMPTS):
        body = _on_song([chain(pieces, seconds * 1.7 + 4, rng)], song, start, frames, rng)
        if body is not None:
            break
    else:
        raise ValueError(f"the takes of {takes[0].name} cannot be put on the beats of {song.tempo:.0f} BPM")
    return _dance((body[0], body[1], "captured"), song, take_style(takes[0].name), start, frames, False)


def _dance(
    result: tuple[Motion, tuple[str, ...], str], song: SongPlan, style: str, start: float, frames: int, sounding: bool
) -> Dance:
    body, names, source = result
    times = start + np.arange(frames) / FPS
    beats = song.beat_times - start
    return Dance(
        rotation=body.rotation.astype(np.float32),
        root=body.root.astype(np.float32),
        beat_times=beats[(beats >= 0) & (beats < frames / FPS)],
        tempo=song.tempo,
        style=style,
        energy=song.energy(times).astype(np.float32),
        counts=song.counts(times),
        source=source,
        move_names=names,
        audio=_audio(song, start, frames) if sounding else None,
        sample_rate=SAMPLE_RATE,
    )


def _start(song: SongPlan, seconds: float, unbroken: bool, rng: np.random.Generator) -> float:
    """Where in the song a dance begins; ``unbroken``: away from breaks, since captured dancers do not stop."""
    for _ in range(_ATTEMPTS):
        start = float(rng.uniform(0, max(0.1, song.duration - seconds)))
        if not unbroken or song.energy(start + np.arange(0, seconds, 0.1)).min() > 0:
            break
    return start


def _captured(
    takes: Sequence[Motion], song: SongPlan, start: float, frames: int, rng: np.random.Generator
) -> tuple[Motion, tuple[str, ...], str] | None:
    found = _on_song(takes, song, start, frames, rng)
    return (*found, "captured") if found else None


def _on_song(
    takes: Sequence[Motion], song: SongPlan, start: float, frames: int, rng: np.random.Generator
) -> tuple[Motion, tuple[str, ...]] | None:
    """A stretch of a take on the song's beats, or None where no take is long enough for it."""
    beat = 60 / song.tempo
    grid = song.lead_in - start + np.arange(-8, song.beats + 8) * beat
    needed = int(frames / FPS / beat) + 5
    for _ in range(_ATTEMPTS):
        take = takes[rng.integers(len(takes))]
        # Bend time by as little as possible: a take's beat stays one beat if the tempi are less than 1.5 apart.
        own = float(np.median(np.diff(take.beats))) if len(take.beats) > 2 else 0.0
        if len(take.beats) < needed + 1 or not 0.6 < own / beat < 1.6:
            continue
        first = int(rng.integers(len(take.beats) - needed))
        piece = Motion(take.name, take.rotation, take.root, take.beats[first:])
        piece = captured.on_beats(piece, grid, frames)
        if rng.random() < 0.5:
            piece = captured.mirrored(piece)
        piece = captured.facing_camera(piece, float(rng.normal(0, 15)))
        return captured.centred(piece, STAGE), (take.name,)
    return None


def _audio(song: SongPlan, start: float, frames: int) -> np.ndarray:
    return render_song(song, start, frames / FPS, SAMPLE_RATE).audio

"""What happens to a song between the studio and the user: tone, compression, room, noise, lost highs, speed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq

from dabfusion.studio.music import Song

#: Samples that a sound may ring on beyond its end before the transform wraps it round.
_TAIL = 48_000


def degrade(song: Song, rng: np.random.Generator, keep_speed: bool = False) -> Song:
    """A worse-sounding copy of a song, its beat times still exact.

    Each of these happens in half of the cases: another tone balance, heavy compression, noise 20 to 40 dB below the
    music, no sound above 3 to 8 kHz; in a third of the cases the song plays in a room, and in another third it runs up
    to 6 % faster or slower (unless ``keep_speed``).
    """
    audio = song.audio.astype(np.float64)
    if rng.random() < 1 / 3:
        audio = _in_a_room(audio, song.sample_rate, rng)
    if rng.random() < 0.5:
        audio = _tone_balance(audio, song.sample_rate, rng.normal(0, 5, 6))
    if rng.random() < 0.5:
        audio = np.tanh(audio * rng.uniform(2, 6))
    if rng.random() < 0.5:
        audio = _low_pass(audio, song.sample_rate, rng.uniform(3000, 8000))
    if rng.random() < 0.5:
        level = np.sqrt((audio**2).mean()) * 10 ** (-rng.uniform(20, 40) / 20)
        audio = audio + rng.standard_normal(len(audio)) * level
    audio = audio / max(np.abs(audio).max(), 1e-4) * rng.uniform(0.1, 0.95) if np.abs(audio).max() > 1e-4 else audio
    song = replace(song, audio=audio.astype(np.float32))
    if keep_speed or rng.random() >= 1 / 3:
        return song
    return change_speed(song, float(rng.uniform(0.94, 1.06)))


def change_speed(song: Song, speed: float) -> Song:
    """The song played ``speed`` times as fast (pitch goes with it, as on a turntable)."""
    length = max(1, round(len(song.audio) / speed))
    audio = np.interp(np.arange(length) * speed, np.arange(len(song.audio)), song.audio).astype(np.float32)
    energy = song.energy[
        np.minimum((np.arange(max(1, round(len(song.energy) / speed))) * speed).astype(int), len(song.energy) - 1)
    ]
    return replace(song, audio=audio, beat_times=song.beat_times / speed, energy=energy, tempo=song.tempo * speed)


def _tone_balance(audio: np.ndarray, sample_rate: int, gains: np.ndarray) -> np.ndarray:
    """Gains in dB at octave steps from 100 Hz up, in between by interpolation over log frequency."""
    knots = 100 * 2.0 ** np.arange(0, 2 * len(gains), 2) / 2
    frequency = _frequencies(audio, sample_rate).clip(20)
    return _filtered(audio, 10 ** (np.interp(np.log(frequency), np.log(knots), gains) / 20))


def _low_pass(audio: np.ndarray, sample_rate: int, cutoff: float) -> np.ndarray:
    return _filtered(audio, 1 / (1 + (_frequencies(audio, sample_rate) / cutoff) ** 8))


def _in_a_room(audio: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """The sound with the echo of a room: noise that dies away by 60 dB in 0.2 to 0.9 s, 6 to 16 dB below the sound."""
    seconds, level = rng.uniform(0.2, 0.9), 10 ** (-rng.uniform(6, 16) / 20)
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    echo = rng.standard_normal(len(time)) * 10 ** (-3 * time / seconds)
    echo *= level / max(float(np.sqrt((echo**2).sum())), 1e-9)
    echo[0] = 1.0
    return _filtered(audio, rfft(echo, _size(audio)))


def _size(audio: np.ndarray) -> int:
    """A length with room for a second's echo for which the transform is fast, whatever the song's own length."""
    return int(next_fast_len(len(audio) + _TAIL, real=True))


def _frequencies(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    return np.asarray(rfftfreq(_size(audio), 1 / sample_rate))


def _filtered(audio: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """The sound with each frequency of its (padded) transform multiplied."""
    size = _size(audio)
    return np.asarray(irfft(rfft(audio, size) * gain, size))[: len(audio)]

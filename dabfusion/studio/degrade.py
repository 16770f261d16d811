"""What happens to a song between the studio and the user: tone, loudness, compression, noise, lost highs, speed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dabfusion.studio.music import Song


def degrade(song: Song, rng: np.random.Generator) -> Song:
    """A worse-sounding copy of a song, its beat times still exact.

    Each of these happens in half of the cases: another tone balance, heavy compression, noise 20 to 40 dB below the
    music, no sound above 3 to 8 kHz; and in a third of the cases the song runs up to 6 % faster or slower.
    """
    audio = song.audio.astype(np.float64)
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
    return change_speed(song, float(rng.uniform(0.94, 1.06))) if rng.random() < 1 / 3 else song


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
    spectrum = np.fft.rfft(audio)
    frequency = np.fft.rfftfreq(len(audio), 1 / sample_rate).clip(20)
    knots = 100 * 2.0 ** np.arange(0, 2 * len(gains), 2) / 2
    gain = 10 ** (np.interp(np.log(frequency), np.log(knots), gains) / 20)
    return np.fft.irfft(spectrum * gain, len(audio))


def _low_pass(audio: np.ndarray, sample_rate: int, cutoff: float) -> np.ndarray:
    spectrum = np.fft.rfft(audio)
    frequency = np.fft.rfftfreq(len(audio), 1 / sample_rate)
    return np.fft.irfft(spectrum / (1 + (frequency / cutoff) ** 8), len(audio))

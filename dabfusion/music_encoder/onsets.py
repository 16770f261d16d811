"""The spectral front end that beats and rhythm share: band energies and onset strengths on a fine time grid.

Everything is measured relative to the song's own loudness, so that the same song played louder, or degraded by a lossy
format, gives nearly the same numbers. The time grid is finer (about 86 a second) than any video frame rate.
"""

from __future__ import annotations

from dataclasses import dataclass

import librosa
import numpy as np
from scipy.ndimage import uniform_filter1d

SAMPLE_RATE = 22050  # Hz, the rate of analysis
HOP = 256  # samples between two measurements: 11.6 ms
GRID_RATE = SAMPLE_RATE / HOP  # 86.13 measurements a second
WINDOW = 1024  # samples of one measurement: 46 ms
FFT_SIZE = 2048  # zero-padded, so that the lowest bands are more than one bin wide
NUM_BANDS = 40
BLOCK = 4096  # measurements computed at a time, which bounds the memory for long songs

LOWEST, LOW_TOP, MID_TOP, HIGHEST = 30.0, 150.0, 2000.0, 8000.0  # Hz: kick and bass | voice and chords | hats
GROUPS = ("all", "low", "mid", "high")

#: A song whose loudest moment is below this level (-70 dB of full scale) counts as silent.
SILENCE = 10.0 ** (-70 / 20)
#: Compression of band power before differences are taken: log(1 + COMPRESSION * power / reference).
COMPRESSION = 100.0
#: Onsets are rises over this many measurements (23 ms).
LAG = 2
#: Onset strength (mean rise of log power) below which a song has no events to follow.
WEAKEST_ONSET = 0.05
#: Seconds from the start of a sound to the top of its rise (measured: -1 ms on clicks, 4 on noise, 12 on kicks).
ONSET_DELAY = 0.004


@dataclass(frozen=True)
class Onsets:
    """Measurements of a song at :data:`GRID_RATE`; measurement k is centred on k / GRID_RATE seconds.

    Attributes:
        energy: (F, 4) float64 amplitude of the groups all, low, mid, high over their loud level (about 1: loud).
        strength: (F, 4) float64 onset strength of the groups: mean rise of the compressed band powers, >= 0.
        silent: True where nothing in the song is loud enough to be heard; everything is 0 then.
    """

    energy: np.ndarray
    strength: np.ndarray
    silent: bool


def measure_onsets(audio: np.ndarray, sample_rate: int) -> Onsets:
    """Measures band energies and onset strengths.

    Args:
        audio: (N,) mono samples, full scale 1.0; NaN and infinities count as 0.
        sample_rate: Hz; anything but 22050 is resampled first.

    Returns:
        The measurements; an empty or silent song gives zeros (at least one row).

    Raises:
        ValueError: the audio has more than one channel or the rate is not positive.
    """
    signal = _prepare(audio, sample_rate)
    power = _band_power(signal)  # (F, NUM_BANDS)
    amplitude = np.sqrt(np.stack([power[:, group].sum(1) for group in _groups()], 1))  # (F, 4)
    if np.abs(signal).max(initial=0.0) < SILENCE:
        zeros = np.zeros((len(power), len(GROUPS)))
        return Onsets(zeros, zeros, silent=True)
    loud = np.maximum(np.percentile(amplitude, 95, axis=0), 1e-2 * amplitude[:, 0].max())  # a missing band stays near 0
    reference = np.percentile(power.max(1), 95) + 1e-3 * power.max()
    level = np.log1p(COMPRESSION * power / reference)
    rise = np.zeros_like(level)
    rise[LAG:] = np.maximum(level[LAG:] - level[:-LAG], 0.0)
    strength = np.stack([rise[:, group].mean(1) for group in _groups()], 1)
    return Onsets(amplitude / loud, strength, silent=False)


def _prepare(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    signal = np.array(audio, np.float32)
    if signal.ndim != 1:
        raise ValueError(f"expected mono audio of shape (N,), got {signal.shape}")
    if sample_rate <= 0:
        raise ValueError(f"sample_rate must be positive, got {sample_rate}")
    np.nan_to_num(signal, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    np.clip(signal, -8.0, 8.0, out=signal)
    if sample_rate != SAMPLE_RATE and signal.size:
        signal = librosa.resample(signal, orig_sr=sample_rate, target_sr=SAMPLE_RATE)
    return signal


def _band_power(signal: np.ndarray) -> np.ndarray:
    """(F, NUM_BANDS) mel band power; measurement k is centred on sample k * HOP."""
    filters = librosa.filters.mel(
        sr=SAMPLE_RATE, n_fft=FFT_SIZE, n_mels=NUM_BANDS, fmin=LOWEST, fmax=HIGHEST, norm=None
    )
    count = len(signal) // HOP + 1
    padded = np.pad(signal, (FFT_SIZE // 2, FFT_SIZE // 2 + HOP))
    blocks = []
    for first in range(0, count, BLOCK):
        size = min(BLOCK, count - first)
        piece = padded[first * HOP : first * HOP + (size - 1) * HOP + FFT_SIZE]
        spectrum = librosa.stft(piece, n_fft=FFT_SIZE, hop_length=HOP, win_length=WINDOW, center=False)
        blocks.append((filters @ (np.abs(spectrum) ** 2)).T)  # (size, NUM_BANDS)
    return np.concatenate(blocks).astype(np.float64)


def _groups() -> tuple[np.ndarray, ...]:
    """Masks (NUM_BANDS,) of the groups all, low, mid, high, by the bands' centre frequencies."""
    centre = librosa.mel_frequencies(n_mels=NUM_BANDS + 2, fmin=LOWEST, fmax=HIGHEST)[1:-1]
    low, high = centre < LOW_TOP, centre >= MID_TOP
    return np.ones(NUM_BANDS, bool), low, ~low & ~high, high


def pool(values: np.ndarray, times: np.ndarray, spacing: float) -> np.ndarray:
    """Averages (F, C) measurements around ``times`` (T,) under a triangle reaching ``spacing`` seconds to both sides.

    Neighbouring frames share what lies between them, so a short event keeps its place below the frame's length.
    """
    reach = max(int(np.floor(spacing * GRID_RATE)), 0)
    weights = 1.0 - np.abs(np.arange(-reach, reach + 1)) / max(spacing * GRID_RATE, 1.0)
    weights = np.maximum(weights, 0.0)
    smooth = np.stack([np.convolve(v, weights / weights.sum(), "full")[reach : reach + len(v)] for v in values.T], 1)
    grid = np.arange(len(values)) / GRID_RATE
    return np.stack([np.interp(times, grid, column) for column in smooth.T], 1)


def local_mean(values: np.ndarray, seconds: float) -> np.ndarray:
    """Running mean of (F,) measurements over ``seconds``."""
    return uniform_filter1d(values, max(round(seconds * GRID_RATE), 1), mode="nearest")

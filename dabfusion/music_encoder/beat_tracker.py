"""Where the beats of a song are: tempo, then phase, then the exact place of every beat.

Own code, on numpy alone: no compilation at the first call, a tempo that need not be a whole number of measurements, and
an estimate of the tempo that looks as far as a bar.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from . import steady_grid
from .bar_phase import on_the_beat
from .onsets import GRID_RATE, ONSET_DELAY, WEAKEST_ONSET, Onsets, local_mean, measure_onsets

#: Tempi are looked for in this range, where people dance one step to a beat, with a mild preference for its middle.
SLOWEST, FASTEST = 75.0, 165.0
LIKELIEST, SPREAD = 115.0, 1.0  # BPM, octaves
#: Numbers of beats after which a song should resemble itself, if the beat is right (DabFusion's songs are in 4/4).
REPEATS = (1, 2, 3, 4)
REFERENCE_TEMPO = 120.0  # BPM, where nothing tells the tempo
#: How strongly beats keep their distance: 400 lets a song drift by a few per cent, and holds the beat through breaks.
TIGHTNESS = 400.0
#: The off-beat takes over where its onsets are this much stronger than those on the beat.
OFF_BEAT_MARGIN = 1.3


def track_beats(audio: np.ndarray, sample_rate: int) -> tuple[float, np.ndarray]:
    """Finds the tempo and the beats of a song.

    Dynamic programming over the onset strength (Ellis 2007, "Beat Tracking by Dynamic Programming", with the
    low and middle bands counted again, our own estimate of the tempo, each beat moved to the onset beside it, one tempo
    through songs that keep theirs (:mod:`.steady_grid`), and off-beats corrected (:mod:`.bar_phase`).

    Args:
        audio: (N,) mono samples.
        sample_rate: Hz.

    Returns:
        Tempo in BPM, about [75, 165], and (B,) float64 ascending beat times in seconds, over the whole song.
        A song with nothing to follow (silent, empty, without a single onset) gives ``(0.0, [])``.
    """
    return beats_from_onsets(measure_onsets(audio, sample_rate), len(audio) / sample_rate)


def beats_from_onsets(onsets: Onsets, duration: float) -> tuple[float, np.ndarray]:
    """Tempo and beats from measurements already made; see :func:`track_beats`."""
    strength = onsets.strength
    if onsets.silent or len(strength) < 8 or strength[:, 0].max() < WEAKEST_ONSET:
        return 0.0, np.zeros(0)
    tempo = estimate_tempo(strength)
    envelope = (strength / np.maximum(strength.std(0), 1e-6))[:, :3].sum(
        1
    )  # (F,) hats are left out: they mark off-beats
    frames = _best_chain(envelope, 60 / tempo * GRID_RATE)
    if len(frames) < 3:
        onset = float(np.argmax(envelope)) / GRID_RATE - ONSET_DELAY
        return tempo, _inside(extend_beats(np.array([onset]), tempo, 0.0, duration), duration)
    frames = _on_beat(frames, strength[:, 1] + 0.5 * strength[:, 2])
    peaks, weight = _move_to_peaks(frames, strength[:, 0] + strength[:, 1])
    frames = _steadied(_smooth_grid(peaks, weight), strength[:, 0] + strength[:, 1])
    beats = on_the_beat(onsets, frames / GRID_RATE - ONSET_DELAY)
    tempo = 60.0 / float(np.median(np.diff(beats)))
    return tempo, _inside(extend_beats(beats, tempo, 0.0, duration), duration)


def extend_beats(beat_times: np.ndarray, tempo: float, start: float, end: float) -> np.ndarray:
    """Continues a grid (B,) at the pace of its nearest beats until it covers [start, end]; all in ascending seconds."""
    beats = np.asarray(beat_times, np.float64)
    if len(beats) == 0 or (len(beats) == 1 and tempo <= 0):
        return beats
    gaps = np.diff(beats) if len(beats) > 1 else np.array([60.0 / tempo])
    head, tail = max(float(np.median(gaps[:4])), 0.05), max(float(np.median(gaps[-4:])), 0.05)
    before = max(int(np.ceil((beats[0] - start) / head)), 0)
    after = max(int(np.ceil((end - beats[-1]) / tail)), 0)
    earlier, later = beats[0] - head * np.arange(before, 0, -1), beats[-1] + tail * np.arange(1, after + 1)
    return np.concatenate([earlier, beats, later])


def _best_chain(envelope: np.ndarray, period: float) -> np.ndarray:
    """The chain of measurements, about ``period`` apart, with the strongest onsets (Ellis 2007, Eq. 1-5).

    C(t) = O(t) + max over lags of [C(t - lag) - TIGHTNESS log(lag / period)^2], then back from the best end.

    Args:
        envelope: (F,) onset strength.
        period: measurements between two beats; need not be whole.

    Returns:
        (B,) float64 ascending indices; empty where the song is shorter than a beat.
    """
    if len(envelope) <= period:
        return np.zeros(0)
    local = gaussian_filter1d(envelope, period / 32)
    local = local / max(float(local.std()), 1e-9)
    lags = np.arange(max(int(0.6 * period), 1), int(1.6 * period) + 1)
    cost = TIGHTNESS * np.log(lags / period) ** 2
    total, previous = local.copy(), np.full(len(local), -1)
    for t in range(int(lags[0]), len(local)):
        reach = min(len(lags), t - int(lags[0]) + 1)
        gain = total[t - lags[:reach]] - cost[:reach]
        best = int(gain.argmax())
        if gain[best] > 0:
            total[t] += gain[best]
            previous[t] = t - lags[best]
    last = len(local) - int(period)
    chain = [last + int(total[last:].argmax())]
    while previous[chain[-1]] >= 0:
        chain.append(int(previous[chain[-1]]))
    return np.array(chain[::-1], np.float64)


def estimate_tempo(strength: np.ndarray) -> float:
    """The tempo at which a song resembles itself one, two, three and four beats later.

    Looking as far as a whole bar tells the beat from rhythms of three sixteenths against it, which autocorrelation at
    one beat alone takes for a tempo 4/3 as fast.

    Args:
        strength: (F, C) onset strengths of C bands at GRID_RATE.

    Returns:
        BPM in [75, 165]; 120 where nothing repeats.
    """
    bpm = np.arange(SLOWEST, FASTEST + 0.25, 0.25)
    longest = int(len(strength) * 0.85)
    lags = np.arange(min(int(REPEATS[-1] * 60 / SLOWEST * GRID_RATE) + 2, max(longest, 2)))
    likeness = np.mean([_autocorrelation(gaussian_filter1d(band, 1.5), lags) for band in strength.T], 0)
    score = np.zeros(len(bpm))
    for done, beats in enumerate(REPEATS):
        lag = beats * 60 / bpm * GRID_RATE
        mean_so_far = score / max(done, 1)  # stands in where the song is too short for this lag
        score += np.where(lag < lags[-1], np.interp(lag, lags, likeness), mean_so_far)
    score *= np.exp(-0.5 * (np.log2(bpm / LIKELIEST) / SPREAD) ** 2)
    return float(bpm[np.argmax(score)]) if score.max() > 1e-6 else REFERENCE_TEMPO


def _autocorrelation(values: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Correlation coefficient (L,) of (F,) values with themselves ``lags`` later; 0 where they do not vary."""
    v = values - values.mean()
    power = np.concatenate([[0.0], np.cumsum(v * v)])
    n = len(v)
    products = np.array([np.dot(v[: n - lag], v[lag:]) for lag in lags])
    energy = np.sqrt(power[n - lags] * (power[n] - power[lags]))
    return np.where(energy > 1e-9, products / np.maximum(energy, 1e-9), 0.0)


def _inside(beats: np.ndarray, duration: float) -> np.ndarray:
    return beats[(beats >= 0.0) & (beats <= duration)]


def _on_beat(frames: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """Moves the grid by half a beat where kick and snare fall between its beats, not on them."""
    half = frames[:-1] + np.diff(frames) / 2
    on, off = (_peak_near(strength, at).mean() for at in (frames, half))
    return half if off > OFF_BEAT_MARGIN * on else frames


def _steadied(frames: np.ndarray, envelope: np.ndarray) -> np.ndarray:
    """One tempo from end to end, if that meets about as strong onsets as the tracked grid does."""
    if len(frames) < steady_grid.FEWEST_BEATS:
        return frames
    even = steady_grid.steady_grid(frames)
    tracked, steady = (_peak_near(envelope, grid).sum() for grid in (frames, even))
    return even if steady >= steady_grid.ENOUGH * tracked else frames


def _peak_near(strength: np.ndarray, frames: np.ndarray, reach: int = 3) -> np.ndarray:
    index = np.clip(np.round(frames).astype(int)[:, None] + np.arange(-reach, reach + 1), 0, len(strength) - 1)
    return strength[index].max(1)


def _move_to_peaks(frames: np.ndarray, envelope: np.ndarray, reach: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Each beat at the top of the onset peak beside it, below the grid's spacing, and how strong that peak is."""
    excess = np.maximum(envelope - local_mean(envelope, 0.5), 0.0)
    offsets = np.arange(-reach, reach + 1)
    index = np.clip(np.round(frames).astype(int)[:, None] + offsets, 1, len(envelope) - 2)  # (B, 2 reach + 1)
    best = np.take_along_axis(index, excess[index].argmax(1)[:, None], 1)[:, 0]
    a, b, c = envelope[best - 1], envelope[best], envelope[best + 1]
    curve = a - 2 * b + c
    shift = np.where(curve < -1e-9, 0.5 * (a - c) / np.where(curve < -1e-9, curve, 1.0), 0.0)
    moved = best + np.clip(shift, -0.5, 0.5)
    weight = excess[best]
    return np.where(weight > 0, moved, frames), weight


def _smooth_grid(frames: np.ndarray, weight: np.ndarray, reach: int = 6) -> np.ndarray:
    """Straight lines through neighbouring beats, weighted by their onsets, so that no single event bends the grid.

    Later passes trust those beats less that lie far from the earlier lines (Cauchy weights, 2 measurements wide).
    """
    trust = weight + 0.05 * float(weight.max(initial=0.0)) + 1e-6
    smooth = frames
    for _ in range(3):
        smooth = _local_lines(frames, trust / (1.0 + ((frames - smooth) / 2.0) ** 2), reach)
    return np.maximum.accumulate(smooth)


def _local_lines(frames: np.ndarray, trust: np.ndarray, reach: int) -> np.ndarray:
    index = np.arange(len(frames), dtype=np.float64)
    smooth = np.empty_like(frames)
    for k in range(len(frames)):
        near = slice(max(k - reach, 0), k + reach + 1)
        w = np.sqrt(trust[near] * np.exp(-0.5 * ((index[near] - k) / (reach / 2)) ** 2))
        design = np.stack([np.ones(len(w)), index[near] - k], 1) * w[:, None]
        smooth[k] = np.linalg.lstsq(design, frames[near] * w, rcond=None)[0][0]
    return smooth

"""The beats and rhythm towers: what every frame knows about the pulse of the song.

Notation: t a time in seconds, p(t) the running beat count at t (0 on the first beat, 1 on the second, ...), linear
between beats.

The `beats` tower, 8 numbers: sin 2 pi p, cos 2 pi p | sin 2 pi p/2, cos 2 pi p/2 | sin 2 pi p/8, cos 2 pi p/8 |
exp(-(d / 50 ms)^2 / 2) with d the distance to the nearest beat | log2(tempo / 120).
The `rhythm` tower, 8 numbers: onset strength, loudness, energy of the low, mid and high band, onset strength of the
low, mid and high band, all relative to the song's own level.
"""

from __future__ import annotations

import librosa
import numpy as np

from .onsets import (
    GRID_RATE,
    HOP,
    ONSET_DELAY,
    SAMPLE_RATE,
    Onsets,
    local_mean,
    measure_onsets,
    pool,
)

BEAT_FEATURES = 8
RHYTHM_FEATURES = 8
PULSE_WIDTH = 0.05  # s, standard deviation of the pulse around a beat
REFERENCE_TEMPO = 120.0  # BPM
#: Tempi are brought into this octave, where people dance one step to a beat.
SLOWEST, FASTEST = 80.0, 160.0
#: Onset strength (mean rise of log power) below which a song has no events to follow.
WEAKEST_ONSET = 0.05
#: The off-beat takes over where its low-band onsets are this much stronger than those on the beat.
OFF_BEAT_MARGIN = 1.3
#: Rhythm numbers are clipped here; 1.0 is the song's own loud level.
CEILING = 1.5


def frame_count(duration: float, fps: float) -> int:
    """Frames that a song of ``duration`` seconds has at ``fps``: the nearest whole number, at least 1."""
    return max(int(np.floor(duration * fps + 0.5)), 1)


def beat_features(times: np.ndarray, beat_times: np.ndarray, tempo: float, *, count_offset: int = 0) -> np.ndarray:
    """Where each time lies between the beats.

    Args:
        times: (T,) seconds.
        beat_times: (B,) ascending seconds of the beats, same clock; the grid goes on beyond both ends at the pace
            of the nearest beats.
        tempo: BPM, for the last number and for the pace where there is only one beat.
        count_offset: beats to add to the count, so that ``beat_times[0]`` is count ``count_offset`` of the 8.

    Returns:
        (T, 8) float32, see the top of this file; zeros where there are no beats.
    """
    t = np.asarray(times, np.float64)
    features = np.zeros((len(t), BEAT_FEATURES), np.float32)
    if len(beat_times) == 0 or (len(beat_times) == 1 and tempo <= 0):
        return features
    beats = extend_beats(beat_times, tempo, t.min(initial=0.0) - 1e-3, t.max(initial=0.0) + 1e-3)
    first = int(np.argmin(np.abs(beats - beat_times[0])))
    index = np.arange(len(beats)) - first + count_offset
    p = np.interp(t, beats, index)
    distance = np.abs(t[:, None] - beats[None]).min(1) if len(beats) < 64 else _nearest(t, beats)
    for column, beats_per_cycle in enumerate((1, 2, 8)):
        angle = 2 * np.pi * p / beats_per_cycle
        features[:, 2 * column], features[:, 2 * column + 1] = np.sin(angle), np.cos(angle)
    features[:, 6] = np.exp(-0.5 * (distance / PULSE_WIDTH) ** 2)
    features[:, 7] = np.log2(tempo / REFERENCE_TEMPO) if tempo > 0 else 0.0
    return features


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


def rhythm_features(audio: np.ndarray, sample_rate: int, fps: float) -> np.ndarray:
    """Loudness and onsets per frame.

    Args:
        audio: (N,) mono samples.
        sample_rate: Hz.
        fps: frames a second; frame i stands for the time i / fps.

    Returns:
        (T, 8) float32 in [0, 1.5], T = :func:`frame_count` of the duration; zeros for silence.
    """
    return pool_rhythm(measure_onsets(audio, sample_rate), frame_count(len(audio) / sample_rate, fps), fps)


def pool_rhythm(onsets: Onsets, frames: int, fps: float) -> np.ndarray:
    """The rhythm tower (frames, 8) from measurements already made; see :func:`rhythm_features`."""
    if onsets.silent:
        return np.zeros((frames, RHYTHM_FEATURES), np.float32)
    times = np.arange(frames) / fps
    energy = np.sqrt(pool(onsets.energy, times, 1 / fps))  # (T, 4), compressed: quiet parts stay visible
    strength = pool(onsets.strength, times + ONSET_DELAY, 1 / fps)  # (T, 4)
    strength = strength / np.maximum(np.percentile(strength, 98, axis=0), WEAKEST_ONSET)
    columns = np.concatenate([strength[:, :1], energy, strength[:, 1:]], 1)
    return np.clip(columns, 0.0, CEILING).astype(np.float32)


def track_beats(audio: np.ndarray, sample_rate: int) -> tuple[float, np.ndarray]:
    """Finds the tempo and the beats of a song.

    Dynamic programming over the onset strength (Ellis 2007, "Beat Tracking by Dynamic Programming", by librosa), with
    the low band counted twice, the tempo brought into one octave, off-beats corrected, and each beat moved to the onset
    beside it.

    Args:
        audio: (N,) mono samples.
        sample_rate: Hz.

    Returns:
        Tempo in BPM, in [80, 160), and (B,) float64 ascending beat times in seconds, from the song's start to its end.
        A song with nothing to follow (silent, empty, without a single onset) gives ``(0.0, [])``.
    """
    return beats_from_onsets(measure_onsets(audio, sample_rate), len(audio) / sample_rate)


def beats_from_onsets(onsets: Onsets, duration: float) -> tuple[float, np.ndarray]:
    """Tempo and beats from measurements already made; see :func:`track_beats`."""
    envelope = onsets.strength[:, 0] + onsets.strength[:, 1]
    if onsets.silent or len(envelope) < 8 or envelope.max() < WEAKEST_ONSET:
        return 0.0, np.zeros(0)
    envelope = envelope / max(float(envelope.std()), 1e-9)
    guess = fold_tempo(float(librosa.feature.tempo(onset_envelope=envelope, sr=SAMPLE_RATE, hop_length=HOP)[0]))
    _, found = librosa.beat.beat_track(
        onset_envelope=envelope, sr=SAMPLE_RATE, hop_length=HOP, bpm=guess, trim=False, units="frames"
    )
    frames = np.asarray(found, np.float64)
    if len(frames) < 3:
        onset = float(np.argmax(envelope)) / GRID_RATE - ONSET_DELAY
        return guess, _inside(extend_beats(np.array([onset]), guess, 0.0, duration), duration)
    frames = _on_beat(frames, onsets.strength[:, 1] + 0.5 * onsets.strength[:, 2])
    beats = _smooth_grid(*_move_to_peaks(frames, envelope)) / GRID_RATE - ONSET_DELAY
    tempo = 60.0 / float(np.median(np.diff(beats)))
    return tempo, _inside(extend_beats(beats, tempo, 0.0, duration), duration)


def fold_tempo(tempo: float) -> float:
    """The tempo doubled or halved into [80, 160) BPM; 120 where it is not a positive number."""
    if not np.isfinite(tempo) or tempo <= 0:
        return REFERENCE_TEMPO
    return float(SLOWEST * 2.0 ** (np.log2(tempo / SLOWEST) % 1.0))


def _inside(beats: np.ndarray, duration: float) -> np.ndarray:
    return beats[(beats >= 0.0) & (beats <= duration)]


def _nearest(times: np.ndarray, beats: np.ndarray) -> np.ndarray:
    """Distance (T,) from each time to the nearest of the ascending beats."""
    right = np.clip(np.searchsorted(beats, times), 1, len(beats) - 1)
    return np.minimum(np.abs(times - beats[right - 1]), np.abs(times - beats[right]))


def _on_beat(frames: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """Moves the grid by half a beat where kick and snare fall between its beats, not on them."""
    half = frames[:-1] + np.diff(frames) / 2
    on, off = (_peak_near(strength, at).mean() for at in (frames, half))
    return half if off > OFF_BEAT_MARGIN * on else frames


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

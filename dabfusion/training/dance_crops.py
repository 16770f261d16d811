"""Random windows of packed dances as training batches: crops, start frames, mirror, turns, counts, tempi, breaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dabfusion.flow_diffusion import Condition
from dabfusion.flow_diffusion.normalise import proper_codes
from dabfusion.skeleton import MIRRORED, ROTATION_SIZE

from .dance_data import PackedDance
from .dance_timing import Timing, has_beats, retimed_music, retimed_poses, steady, tempo_factor, with_break

#: Lengths of the breaks put into windows, beats.
_BREAK_BEATS = (2, 2, 3, 4, 4, 5)
_MIRROR_6D = np.array([1, -1, -1, -1, 1, 1], np.float32)  # columns of F R F for F = diag(-1, 1, 1)
_MIRROR_ROOT = np.array([-1, 1, 1], np.float32)


@dataclass(frozen=True)
class Augmentation:
    """How windows are varied; angles in degrees, noise in units of a rotation matrix's entries.

    ``tempo`` of the windows run at another tempo, ``slowest`` to ``fastest`` BPM and ``tempo_factors`` times their own;
    ``breaks`` of them get a break (see :mod:`.dance_timing`).
    """

    mirror: float = 0.5
    turn: float = 25.0
    big_turn: float = 60.0
    big_turn_share: float = 0.2
    at_start: float = 0.5
    start_noise: float = 0.08
    count_offset: float = 0.15
    music_noise: float = 0.04
    tempo: float = 0.5
    tempo_factors: tuple[float, float] = (0.65, 1.6)
    slowest: float = 60.0
    fastest: float = 200.0
    breaks: float = 0.2


@dataclass(frozen=True)
class Batch:
    """B windows of T frames: codes (B, T, 117), not normalised, and their conditions."""

    codes: Tensor
    condition: Condition


def mirror_window(rotation: np.ndarray, root: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mirror image of rotation (T, 19, 6) and root (T, 3): left and right change places."""
    return rotation[:, list(MIRRORED)] * _MIRROR_6D, root * _MIRROR_ROOT


def turn_window(rotation: np.ndarray, root: np.ndarray, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """Turns a dance about the vertical through the origin; positive turns the dancer to their left (counter-clockwise
    from above)."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32)
    columns = rotation.reshape(*rotation.shape[:-1], 2, 3)
    return (columns @ turn.T).reshape(rotation.shape), root @ turn.T


def shift_count(music: np.ndarray, beats: int) -> np.ndarray:
    """Music features (T, D) whose count of 8 (and of 2) starts ``beats`` beats later; see the tower "beats"."""
    out = music.copy()
    for column, cycle in ((2, 2), (4, 8)):
        angle = 2 * np.pi * beats / cycle
        sin, cos = music[:, column], music[:, column + 1]
        out[:, column] = sin * np.cos(angle) + cos * np.sin(angle)
        out[:, column + 1] = cos * np.cos(angle) - sin * np.sin(angle)
    return out


def make_codes(rotation: np.ndarray, root: np.ndarray, start_root: np.ndarray) -> np.ndarray:
    """Codes (T, 117) from rotation (T, 19, 6), root (T, 3) and the start frame's root (3,)."""
    return np.concatenate([rotation.reshape(len(rotation), ROTATION_SIZE), root - start_root], 1).astype(np.float32)


def _poses(dance: PackedDance, start: int, timing: Timing) -> tuple[np.ndarray, np.ndarray]:
    """Row ``start`` of a dance, then its poses at the times: rotation (1 + T, 19, 6), root (1 + T, 3) relative to row
    ``start``."""
    if timing.is_plain:
        rotation, root = dance.rotation[timing.plain_rows], dance.root[timing.plain_rows]
    else:
        rotation, root = retimed_poses(dance.rotation, timing.poses), retimed_poses(dance.root, timing.poses)
    rotation = np.concatenate([dance.rotation[start : start + 1], rotation]).astype(np.float32)
    return rotation, np.concatenate([dance.root[start : start + 1], root]) - dance.root[start]


class DanceCrops:
    """Draws batches of windows from dances."""

    def __init__(self, dances: list[PackedDance], augmentation: Augmentation) -> None:
        if not dances:
            raise ValueError("there are no dances to train on")
        self.dances, self.augmentation = dances, augmentation

    def batch(self, size: int, frames: int, rng: np.random.Generator) -> Batch:
        """``size`` windows of ``frames`` frames (fewer where every dance drawn is shorter)."""
        chosen = [self.dances[i] for i in rng.integers(len(self.dances), size=size)]
        length = min(frames, *(len(d.root) for d in chosen))
        windows = [self._window(dance, length, rng) for dance in chosen]
        codes, start, at_start, music = (np.stack(part) for part in zip(*windows, strict=True))
        style = torch.tensor([d.style for d in chosen])
        condition = Condition.given(torch.from_numpy(start), torch.from_numpy(at_start), torch.from_numpy(music), style)
        return Batch(proper_codes(torch.from_numpy(codes)), condition)

    def _window(
        self, dance: PackedDance, length: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Codes (T, 117), start code (117,), whether frame 0 is the start, music (T, D)."""
        a = self.augmentation
        at_start = bool(rng.random() < a.at_start)
        timing = self._timing(dance, length, at_start and rng.random() < 0.3, rng)
        begin = int(timing.poses[0])
        start = begin if at_start else 0 if rng.random() < 0.7 else int(rng.integers(begin + 1))
        rotation, root = _poses(dance, start, timing)
        if rng.random() < a.mirror:
            rotation, root = mirror_window(rotation, root)
        limit = a.big_turn if rng.random() < a.big_turn_share else a.turn
        rotation, root = turn_window(rotation, root, rng.uniform(-limit, limit))
        codes = make_codes(rotation, root, root[0])
        first = codes[0].copy()
        first[:ROTATION_SIZE] += rng.normal(0, a.start_noise * rng.random(), ROTATION_SIZE).astype(np.float32)
        return codes[1:], first, np.asarray(at_start), self._music(dance, timing, rng)

    def _timing(self, dance: PackedDance, length: int, opening: bool, rng: np.random.Generator) -> Timing:
        """When a window happens; ``opening``: from the dance's beginning on, as dances really begin."""
        a, rows = self.augmentation, len(dance.root)
        beaten = has_beats(dance.music)
        factor = 1.0
        if beaten and rng.random() < a.tempo:
            factor = tempo_factor(dance.music, *a.tempo_factors, a.slowest, a.fastest, rng)
            factor = min(factor, (rows - 1) / max(length - 1, 1))
        reach = int(np.ceil(factor * (length - 1))) + 1
        begin = 0 if opening else int(rng.integers(rows - min(reach, rows) + 1))
        timing = steady(begin, length, factor)
        if beaten and rng.random() < a.breaks:
            timing = with_break(timing, dance.music, int(rng.choice(_BREAK_BEATS)), rng)
        return timing

    def _music(self, dance: PackedDance, timing: Timing, rng: np.random.Generator) -> np.ndarray:
        a = self.augmentation
        if timing.is_plain:
            music = dance.music[timing.plain_rows].astype(np.float32)
        else:
            music = retimed_music(dance.music, timing, rng)
        if rng.random() < a.count_offset:
            music = shift_count(music, int(rng.integers(8)))
        rhythm = music[:, 8:]
        gain = rng.uniform(0.85, 1.15, rhythm.shape[1]).astype(np.float32)
        noise = rng.normal(0, a.music_noise * rng.random(), rhythm.shape).astype(np.float32)
        return np.concatenate([music[:, :8], rhythm * gain + noise * (rhythm != 0)], 1)

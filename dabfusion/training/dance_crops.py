"""Random windows of packed dances as training batches: crops, start frames, mirror, turns, count offsets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dabfusion.flow_diffusion import Condition
from dabfusion.skeleton import MIRRORED, ROTATION_SIZE

from .dance_data import PackedDance

_MIRROR_6D = np.array([1, -1, -1, -1, 1, 1], np.float32)  # columns of F R F for F = diag(-1, 1, 1)
_MIRROR_ROOT = np.array([-1, 1, 1], np.float32)


@dataclass(frozen=True)
class Augmentation:
    """How windows are varied; angles in degrees, noise in units of a rotation matrix's entries."""

    mirror: float = 0.5
    turn: float = 25.0
    big_turn: float = 60.0
    big_turn_share: float = 0.2
    at_start: float = 0.5
    start_noise: float = 0.08
    count_offset: float = 0.15
    music_noise: float = 0.04


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
        return Batch(torch.from_numpy(codes), condition)

    def _window(
        self, dance: PackedDance, length: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Codes (T, 117), start code (117,), whether frame 0 is the start, music (T, D)."""
        a = self.augmentation
        begin = int(rng.integers(len(dance.root) - length + 1))
        at_start = bool(rng.random() < a.at_start)
        if at_start and rng.random() < 0.3:
            begin = 0  # how dances really begin
        start = begin if at_start else 0 if rng.random() < 0.7 else int(rng.integers(begin + 1))
        rows = np.r_[start, begin : begin + length]
        rotation, root = dance.rotation[rows].astype(np.float32), dance.root[rows] - dance.root[start]
        if rng.random() < a.mirror:
            rotation, root = mirror_window(rotation, root)
        limit = a.big_turn if rng.random() < a.big_turn_share else a.turn
        rotation, root = turn_window(rotation, root, rng.uniform(-limit, limit))
        codes = make_codes(rotation, root, root[0])
        first = codes[0].copy()
        first[:ROTATION_SIZE] += rng.normal(0, a.start_noise * rng.random(), ROTATION_SIZE).astype(np.float32)
        return codes[1:], first, np.asarray(at_start), self._music(dance, begin, length, rng)

    def _music(self, dance: PackedDance, begin: int, length: int, rng: np.random.Generator) -> np.ndarray:
        a = self.augmentation
        music = dance.music[begin : begin + length].astype(np.float32)
        if rng.random() < a.count_offset:
            music = shift_count(music, int(rng.integers(8)))
        rhythm = music[:, 8:]
        gain = rng.uniform(0.85, 1.15, rhythm.shape[1]).astype(np.float32)
        noise = rng.normal(0, a.music_noise * rng.random(), rhythm.shape).astype(np.float32)
        return np.concatenate([music[:, :8], rhythm * gain + noise * (rhythm != 0)], 1)

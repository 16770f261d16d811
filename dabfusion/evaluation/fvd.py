"""FVD (Unterthiner et al. 2018): Frechet distance between I3D logits of two sets of clips.

Notation: mu, C mean and unbiased covariance of each set's logits.
FVD = |mu_x - mu_y|^2 + tr(C_x + C_y - 2 (C_x C_y)^(1/2)).
Clips are 16 or 40 frames long, resized so that the short side is 224, centre crop, [-1, 1]. The distance is biased by
the number of clips: compare only equal numbers, and beside it a distance between two halves of the real clips.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from .i3d import I3D

SIDE = 224
CLIP_FRAMES = (16, 40)


def frechet_distance(x: np.ndarray, y: np.ndarray) -> float:
    """Frechet distance of two sets of features (N, D) and (M, D), N and M at least 2.

    The trace of the root is the nuclear norm of C_x^(1/2) C_y^(1/2), got from the centred features themselves, so that
    few samples in many dimensions cause no singular matrix.
    """
    if len(x) < 2 or len(y) < 2:
        raise ValueError("A Frechet distance needs at least two samples on each side.")
    mean_x, mean_y = x.mean(0), y.mean(0)
    a, b = (x - mean_x) / np.sqrt(len(x) - 1), (y - mean_y) / np.sqrt(len(y) - 1)
    root = np.linalg.svd(_triangle(a) @ _triangle(b).T, compute_uv=False).sum()
    return float(((mean_x - mean_y) ** 2).sum() + (a**2).sum() + (b**2).sum() - 2 * root)


def _triangle(centred: np.ndarray) -> np.ndarray:
    """R of the QR factors of (N, D): the same covariance and at most D rows."""
    return np.asarray(np.linalg.qr(centred, mode="r"))


def cut_clips(frames: np.ndarray, length: int) -> list[np.ndarray]:
    """Whole clips of ``length`` frames, one after the other, from (F, H, W, 3)."""
    return [frames[i : i + length] for i in range(0, len(frames) - length + 1, length)]


def prepared(frames: np.ndarray) -> Tensor:
    """(T, H, W, 3) uint8 -> (1, 3, T, 224, 224) in [-1, 1]."""
    x = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 127.5 - 1  # (T, 3, H, W)
    scale = SIDE / min(x.shape[-2:])
    size = (max(SIDE, round(x.shape[2] * scale)), max(SIDE, round(x.shape[3] * scale)))
    x = F.interpolate(x, size, mode="bilinear", antialias=True, align_corners=False)
    top, left = (size[0] - SIDE) // 2, (size[1] - SIDE) // 2
    return x[..., top : top + SIDE, left : left + SIDE].permute(1, 0, 2, 3)[None]


@torch.inference_mode()
def video_features(model: I3D, clips: list[np.ndarray]) -> np.ndarray:
    """Logits (N, 400) of clips (T, H, W, 3) uint8."""
    return np.concatenate([model(prepared(clip)).double().numpy() for clip in clips])

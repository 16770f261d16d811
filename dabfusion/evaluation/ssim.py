"""SSIM (Wang et al. 2004): Gaussian window of sigma 1.5 over 11 px, K1 = .01, K2 = .03, per colour channel."""

from __future__ import annotations

import numpy as np
from skimage.metrics import structural_similarity


def ssim(x: np.ndarray, y: np.ndarray) -> float:
    """Mean SSIM in [-1, 1] of two videos (F, H, W, 3) uint8, at least 11 px a side; 1 for equal ones."""
    values = [
        structural_similarity(a, b, channel_axis=-1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
        for a, b in zip(x, y, strict=True)
    ]
    return float(np.mean(values))

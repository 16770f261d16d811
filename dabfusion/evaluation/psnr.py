"""PSNR of 8-bit pictures: 10 log10(255^2 / MSE), mean over frames."""

from __future__ import annotations

import numpy as np

CEILING = 100.0  #: dB, given to equal frames, whose PSNR is infinite


def psnr(x: np.ndarray, y: np.ndarray) -> float:
    """Mean PSNR in dB of two videos (F, H, W, 3) uint8."""
    error = ((x.astype(np.float64) - y.astype(np.float64)) ** 2).reshape(len(x), -1).mean(1)  # (F,)
    with np.errstate(divide="ignore"):
        return float(np.minimum(10 * np.log10(255.0**2 / error), CEILING).mean())

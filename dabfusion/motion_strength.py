"""Calmer or wilder: the same dance with smaller or larger movements, on the same beats."""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d

from .flow_diffusion.normalise import proper_codes

SWAY = 1.0  #: sigma of what counts as slow movement (turning, travelling) and is kept as it is, seconds
LEAVE = 0.5  #: the change grows in over this long, so that the first frame stays the photo's pose, seconds


def scale_motion(codes: np.ndarray, strength: float, fps: float) -> np.ndarray:
    """Codes (T, 117) whose quick movements are ``strength`` times as large; frame 0 stays, and 1.0 changes nothing.

    Only the deviation from a slow average (Gaussian, SWAY seconds) is scaled: whole turns stay whole turns.
    """
    if strength == 1.0 or len(codes) < 2:
        return codes
    slow = gaussian_filter1d(codes.astype(np.float64), SWAY * fps, axis=0, mode="nearest")
    grown = np.clip(np.arange(len(codes)) / (LEAVE * fps), 0, 1)[:, None]
    scaled = codes + grown * (strength - 1.0) * (codes - slow)
    return proper_codes(torch.from_numpy(scaled)).float().numpy()

"""Rotations about one axis, for tests."""

from __future__ import annotations

import numpy as np


def about(axis: int, angles: np.ndarray) -> np.ndarray:
    """Rotations (F, 3, 3) by angles (F,) about axis 0, 1 or 2."""
    a, b = (axis + 1) % 3, (axis + 2) % 3
    out = np.tile(np.eye(3), (len(angles), 1, 1))
    out[:, a, a] = out[:, b, b] = np.cos(angles)
    out[:, b, a], out[:, a, b] = np.sin(angles), -np.sin(angles)
    return out

"""Keeps a dancer on the stage: travel is free near the middle and pressed together towards the edges of the frame."""

from __future__ import annotations

import numpy as np

from .skeleton import ROTATION_SIZE

KNEE = 0.35  #: travel to the side up to this, in leg lengths, is not touched
LIMIT = 0.65  #: no travel goes beyond this


def keep_on_stage(codes: np.ndarray) -> np.ndarray:
    """Flow codes (T, 117) whose sideways and forward hip displacements stay within LIMIT leg lengths of the start.

    Up to KNEE nothing changes; beyond, ``KNEE + (LIMIT - KNEE) tanh((|x| - KNEE) / (LIMIT - KNEE))``, which is smooth.
    """
    kept = codes.copy()
    for column in (ROTATION_SIZE, ROTATION_SIZE + 2):  # x and z; height is the dance's own
        travel = np.abs(codes[:, column])
        pressed = KNEE + (LIMIT - KNEE) * np.tanh((travel - KNEE) / (LIMIT - KNEE))
        kept[:, column] = np.sign(codes[:, column]) * np.where(travel > KNEE, pressed, travel)
    return kept

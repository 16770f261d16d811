"""Which pixels are the dancer: limbs as thick lines, the torso as a polygon, the head as a disc, from keypoints."""

from __future__ import annotations

import cv2
import numpy as np

from .motion import VISIBLE
from .pose import HIPS, SHOULDERS

LIMBS = ((5, 7), (7, 9), (6, 8), (8, 10), (11, 13), (13, 15), (12, 14), (14, 16))  #: COCO keypoints
HEAD = slice(0, 5)
LIMB_WIDTH = 0.22  #: torso lengths
HEAD_RADIUS = 0.25  #: torso lengths
_FRACTION_BITS = 4  # cv2 takes coordinates in sixteenths of a pixel


def torso_of(points: np.ndarray) -> float:
    """Distance from the middle of the shoulders to the middle of the hips of one pose (17, 2), in its unit."""
    return float(np.linalg.norm(points[list(SHOULDERS)].mean(0) - points[list(HIPS)].mean(0)))


def body_mask(shape: tuple[int, int], points: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """The dancer's pixels.

    Args:
        shape: (H, W) of the picture.
        points: (17, 2) COCO keypoints in its pixels.
        confidence: (17,); limbs with a joint below 0.3 are left out.

    Returns:
        (H, W) bool; nothing where the torso cannot be placed.
    """
    mask = np.zeros(shape, np.uint8)
    torso = torso_of(points)
    if not np.isfinite(torso) or torso <= 0:
        return mask > 0
    at = np.round(np.nan_to_num(points) * 2**_FRACTION_BITS).astype(np.int32)
    seen = confidence > VISIBLE
    width = max(1, round(LIMB_WIDTH * torso))
    for a, b in LIMBS:
        if seen[a] and seen[b]:
            _line(mask, at[a], at[b], width)
    cv2.fillConvexPoly(mask, at[[5, 6, 12, 11]], [1], cv2.LINE_8, _FRACTION_BITS)
    if seen[HEAD].any():
        x, y = at[HEAD][seen[HEAD]].mean(0).astype(int)
        cv2.circle(mask, (int(x), int(y)), int(HEAD_RADIUS * torso * 2**_FRACTION_BITS), [1], -1, 8, _FRACTION_BITS)
    return mask > 0


def _line(mask: np.ndarray, start: np.ndarray, end: np.ndarray, width: int) -> None:
    first, last = (int(start[0]), int(start[1])), (int(end[0]), int(end[1]))
    cv2.line(mask, first, last, [1], width, cv2.LINE_8, _FRACTION_BITS)

"""Correct a mask by painting over it: strokes add to the figure or take away, exactly where they were painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from preprocess.errors import PhotoError
from preprocess.segment import MIN_MASK_SHARE, Cutout
from preprocess.stroke import Stroke


def paint(cutout: Cutout, strokes: Sequence[Stroke]) -> Cutout:
    """The cut-out after all strokes, in their order; the quality stays that of the mask before.

    Raises:
        PhotoError: nothing is left of the figure.
    """
    if not strokes:
        return cutout
    mask = cutout.mask.copy()  # (H, W)
    for stroke in strokes:
        mask[_covered(stroke, mask.shape)] = stroke.inside
    if mask.sum() < MIN_MASK_SHARE * mask.size:
        raise PhotoError("Nothing is left of the dancer: undo the last stroke, or paint the dancer in again.")
    return replace(cutout, mask=mask)


def _covered(stroke: Stroke, shape: tuple[int, ...]) -> np.ndarray:
    """(H, W) bool: the pixels under a stroke."""
    sheet = np.zeros(shape[:2], np.uint8)
    places = np.rint(np.array(stroke.path)).astype(np.int32)  # (N, 2)
    radius = max(1, round(stroke.radius))
    cv2.polylines(sheet, [places[:, None]], False, (1,), 2 * radius + 1)
    for place in (places[0], places[-1]):
        cv2.circle(sheet, (int(place[0]), int(place[1])), radius, (1,), -1)
    return sheet > 0

"""Bare hands in a photo, so that a hand that lies on a hip can be told from the hip.

Segment Anything is asked for the smallest thing at each wrist and at the hand beyond it. What it sees is the hand, or
hand and arm up to the sleeve. A hand in a glove of the sleeve's colour, or one that is not seen, is simply not found.
"""

from __future__ import annotations

import cv2
import numpy as np

from preprocess.person import (
    LEFT_ELBOW,
    LEFT_HIP,
    LEFT_KNEE,
    LEFT_SHOULDER,
    LEFT_WRIST,
    NOSE,
    RIGHT_ELBOW,
    RIGHT_HIP,
    RIGHT_KNEE,
    RIGHT_SHOULDER,
    RIGHT_WRIST,
    SEEN,
    Person,
)
from preprocess.photo import Photo
from preprocess.segment import Cutout, Point, Segmenter

HAND_BEYOND_WRIST = 0.35  # of the forearm's length: the middle of a hand
LEAST_QUALITY = 0.75  # Segment Anything's own guess; below it the part is a guess as well
MOST_SHARE = 0.09  # of the figure: a whole bare arm has less, a coat more
APART = 0.3  # forearms between a place on a hand and one beside it

_ARMS = ((LEFT_ELBOW, LEFT_WRIST), (RIGHT_ELBOW, RIGHT_WRIST))
_BESIDE = (LEFT_SHOULDER, RIGHT_SHOULDER, LEFT_HIP, RIGHT_HIP, LEFT_KNEE, RIGHT_KNEE, NOSE)
_ACROSS = ((LEFT_SHOULDER, RIGHT_HIP), (RIGHT_SHOULDER, LEFT_HIP))


def find_hands(segmenter: Segmenter, photo: Photo, person: Person, cutout: Cutout, joints: np.ndarray) -> np.ndarray:
    """Left and right hand of ``person`` with (17, 3) ``joints``, with what is bare of the arm.

    Returns:
        (2, H, W) bool in photo pixels; nothing where a wrist was not seen or no hand could be told.

    Raises:
        WeightsError: the model's weights are missing.
    """
    nothing, found = np.zeros_like(cutout.mask), []
    for arm in _ARMS:
        points = _prompts(joints, cutout.mask, *arm)
        found.append(_hand(segmenter.part_of(photo, person, points), cutout, points) if points else nothing)
    left, right = found
    if (left & right).any():  # one hand, claimed by both wrists
        less = joints[LEFT_WRIST, 2] < joints[RIGHT_WRIST, 2]
        left, right = (nothing, right) if less else (left, nothing)
    return np.stack([left, right])


def _prompts(joints: np.ndarray, figure: np.ndarray, elbow: int, wrist: int) -> list[Point]:
    """Places on the hand, and beside it; none where the arm is not seen."""
    if joints[[elbow, wrist], 2].min() < SEEN:
        return []
    forearm = joints[wrist, :2] - joints[elbow, :2]
    hand = joints[wrist, :2], joints[wrist, :2] + HAND_BEYOND_WRIST * forearm
    on = [place for place in hand if _covers(figure, place)]
    if not on:
        return []
    apart = APART * float(np.linalg.norm(forearm))
    beside = [
        place
        for place in _beside(joints)
        if _covers(figure, place) and all(np.linalg.norm(place - other) > apart for other in on)
    ]
    return [(float(x), float(y), inside) for places, inside in ((on, True), (beside, False)) for x, y in places]


def _hand(found: Cutout, cutout: Cutout, points: list[Point]) -> np.ndarray:
    """What was found, if it is a hand, or nothing."""
    hand = _pieces_at(found.mask & cutout.mask, [(x, y) for x, y, inside in points if inside])
    trusted = found.quality >= LEAST_QUALITY and hand.sum() <= MOST_SHARE * cutout.mask.sum()
    return hand if trusted else np.zeros_like(hand)


def _beside(joints: np.ndarray) -> list[np.ndarray]:
    """Places (2,) on the figure that are not hands."""
    places = [joints[n, :2] for n in _BESIDE if joints[n, 2] >= SEEN]
    return places + [joints[list(ends), :2].mean(0) for ends in _ACROSS if joints[list(ends), 2].min() >= SEEN]


def _covers(mask: np.ndarray, place: np.ndarray) -> bool:
    """Whether the mask covers a place (x, y), which may lie outside the photo."""
    x, y = int(place[0]), int(place[1])
    return 0 <= x < mask.shape[1] and 0 <= y < mask.shape[0] and bool(mask[y, x])


def _pieces_at(mask: np.ndarray, places: list[tuple[float, float]]) -> np.ndarray:
    """The connected pieces of a mask at places (x, y)."""
    _, labels = cv2.connectedComponents(mask.astype(np.uint8))
    kept = {int(labels[int(y), int(x)]) for x, y in places} - {0}
    return np.isin(labels, sorted(kept))

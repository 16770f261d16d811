"""Hands are asked for at wrists, and only what can be a hand is taken for one."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from preprocess.hands import LEAST_QUALITY, find_hands
from preprocess.person import (
    LEFT_ELBOW,
    LEFT_HIP,
    LEFT_WRIST,
    RIGHT_ELBOW,
    RIGHT_SHOULDER,
    RIGHT_WRIST,
    Person,
    no_keypoints,
)
from preprocess.photo import Photo
from preprocess.segment import Cutout, Point, Segmenter

PHOTO = Photo(np.zeros((200, 100, 3), np.uint8), None, (100, 200))
PERSON = Person(np.float32([10, 10, 90, 190]), 0.9)


class SeesSquares:
    """A segmenter that sees a square of ``side`` around the first point, and a stray one in a corner."""

    def __init__(self, side: int = 10, quality: float = 0.9) -> None:
        self.side, self.quality = side, quality
        self.asked: list[list[Point]] = []

    def part_of(self, photo: Photo, person: Person, points: list[Point]) -> Cutout:
        self.asked.append(points)
        mask = np.zeros(photo.pixels.shape[:2], bool)
        x, y, half = int(points[0][0]), int(points[0][1]), self.side // 2
        mask[y - half : y + half, x - half : x + half] = True
        mask[180:190, 80:90] = True
        return Cutout(mask, self.quality)


def joints() -> np.ndarray:
    found = no_keypoints()
    places = {LEFT_ELBOW: (70, 70), LEFT_WRIST: (70, 100), RIGHT_ELBOW: (30, 70), RIGHT_WRIST: (30, 100)}
    for joint, place in {**places, LEFT_HIP: (66, 104), RIGHT_SHOULDER: (35, 40)}.items():
        found[joint] = (*place, 0.9)
    return found


def hands_of(segmenter: SeesSquares, found: np.ndarray, figure: np.ndarray | None = None) -> np.ndarray:
    mask = np.zeros((200, 100), bool)
    mask[10:190, 10:90] = True
    cutout = Cutout(mask if figure is None else mask & figure, 0.9)
    return find_hands(cast(Segmenter, segmenter), PHOTO, PERSON, cutout, found)


def test_the_left_hand_comes_first_and_strays_are_dropped() -> None:
    left, right = hands_of(SeesSquares(), joints())
    assert left[100, 70] and left.sum() == 100 and not left[185, 85]
    assert right[100, 30] and right.sum() == 100


def test_wrist_and_hand_are_asked_for_and_the_rest_of_the_body_is_told_apart() -> None:
    segmenter = SeesSquares()
    hands_of(segmenter, joints())
    left, right = segmenter.asked
    assert [(x, y) for x, y, inside in left if inside] == [(70, 100), (70, 110.5)]
    assert (35, 40, False) in left and (35, 40, False) in right
    assert (66, 104, False) not in left and (66, 104, False) in right  # a hip so near may lie under the hand


def test_an_arm_that_is_not_seen_has_no_hand_and_is_not_asked_for() -> None:
    segmenter, found = SeesSquares(), joints()
    found[LEFT_WRIST, 2] = 0.1
    left, right = hands_of(segmenter, found)
    assert not left.any() and right.any() and len(segmenter.asked) == 1
    assert not hands_of(segmenter, no_keypoints()).any() and len(segmenter.asked) == 1


def test_a_hand_outside_the_figure_is_not_asked_for() -> None:
    figure = np.ones((200, 100), bool)
    figure[90:, 60:] = False
    segmenter = SeesSquares()
    left, right = hands_of(segmenter, joints(), figure)
    assert not left.any() and right.any() and len(segmenter.asked) == 1


@pytest.mark.parametrize(("side", "quality"), [(60, 0.9), (10, LEAST_QUALITY - 0.05)])
def test_what_is_too_large_or_a_guess_is_no_hand(side: int, quality: float) -> None:
    assert not hands_of(SeesSquares(side, quality), joints()).any()


def test_a_hand_that_both_wrists_claim_is_the_surer_ones() -> None:
    found = joints()
    found[RIGHT_WRIST] = (68, 100, 0.8)
    left, right = hands_of(SeesSquares(), found)
    assert left.any() and not right.any()
    found[RIGHT_WRIST, 2] = 0.95
    left, right = hands_of(SeesSquares(), found)
    assert right.any() and not left.any()


def test_no_hand_reaches_beyond_the_figure() -> None:
    figure = np.ones((200, 100), bool)
    figure[:, 72:] = False
    left, _ = hands_of(SeesSquares(), joints(), figure)
    assert left.any() and not (left & ~figure).any()

"""Plain sentences about photos that will work badly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from preprocess.composite import STANDING, Body
from preprocess.detect import CERTAIN
from preprocess.person import FIGURE, HEAD, LEFT_SHOULDER, NOSE, RIGHT_SHOULDER, SEEN, Person
from preprocess.segment import Cutout

SMALL = 120  # photo pixels from head to feet below which a figure looks soft
UNSURE_MASK = 0.75  # predicted IoU below which the outline is probably wrong
RIVAL = 0.5  # another person this share as tall as the chosen one is worth a word


def hints(people: Sequence[Person], person: Person, cutout: Cutout, body: Body, asked: bool) -> tuple[str, ...]:
    """Warnings for one choice, most important first.

    Args:
        people: everyone found in the photo.
        person: the chosen one, with close-up joints.
        cutout: its mask.
        body: its measures.
        asked: whether the user chose the person (then others in the photo need no mention).
    """
    found = [
        _unknown(person),
        _cut(person, body),
        _sides(cutout),
        _small(body),
        _outline(cutout),
        _back(person),
        _others(people, person) if not asked else "",
    ]
    return tuple(sentence for sentence in found if sentence)


def _unknown(person: Person) -> str:
    if person.kind == FIGURE:
        return (
            "No person was recognised in this picture, so the figure that stands out most was taken: check the outline."
        )
    if not person.is_person:
        return f"No person was recognised, so the {person.kind} in the picture dances instead."
    if person.confidence < CERTAIN:
        return "It is not certain that this figure is a person: check the outline before you go on."
    return ""


def _cut(person: Person, body: Body) -> str:
    if not body.cut:
        return ""
    if not person.is_person:
        return "The figure is cut off at the bottom of the picture: one that is visible as a whole dances better."
    return "The legs are cut off in this photo, so only the upper part dances: a photo from head to feet works best."


def _sides(cutout: Cutout) -> str:
    """An arm that leaves the photo at the side, or hair at the top."""
    mask = cutout.mask
    rim = max(1, round(0.004 * max(mask.shape)))
    tall = 0.05 * float(mask.any(axis=1).sum())
    cut = [
        mask[:, :rim].any(axis=1).sum() > tall,
        mask[:, -rim:].any(axis=1).sum() > tall,
        mask[:rim].any(axis=0).sum() > tall,
    ]
    return "A part of the figure lies outside the photo and will be missing in the dance." if any(cut) else ""


def _small(body: Body) -> str:
    tall = body.bottom - body.top
    if tall >= min(SMALL, STANDING):
        return ""
    return f"The figure is only {tall:.0f} pixels tall in this photo, so the dance will look blurred: use a closer one."


def _outline(cutout: Cutout) -> str:
    if cutout.quality >= UNSURE_MASK:
        return ""
    return "The outline may be wrong: click on missing parts, or on parts that do not belong to the figure."


def _back(person: Person) -> str:
    """Shoulders the wrong way round and no face: seen from behind."""
    joints = person.keypoints
    if not person.is_person or not person.sees(LEFT_SHOULDER, RIGHT_SHOULDER):
        return ""
    faceless = joints[NOSE, 2] < SEEN and np.count_nonzero(joints[list(HEAD), 2] >= SEEN) < 3
    turned = joints[LEFT_SHOULDER, 0] < joints[RIGHT_SHOULDER, 0]
    if faceless and turned:
        return "The person is seen from behind, so the face has to be made up: a photo from the front works best."
    return ""


def _others(people: Sequence[Person], person: Person) -> str:
    rivals = [other for other in people if other is not person and other.height > RIVAL * person.height]
    if not rivals or len(people) < 2:
        return ""
    return f"{len(people)} people were found; number 1 was taken: choose another number if you want someone else."

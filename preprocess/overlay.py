"""Pictures that show the user what was found: numbered boxes, and the mask over the photo."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from preprocess.person import Person
from preprocess.photo import Photo
from preprocess.segment import Cutout, Point

CHOSEN = (255, 64, 129)
OTHER = (38, 166, 236)
INSIDE, OUTSIDE = (38, 190, 90), (230, 60, 50)
_WHITE = (255, 255, 255)


def draw_people(photo: Photo, people: Sequence[Person], chosen: int | None = None) -> np.ndarray:
    """The photo with a numbered box around everyone; number ``chosen`` (from 1) stands out. (H, W, 3) uint8 RGB."""
    picture = photo.pixels.copy()
    unit = max(picture.shape[:2]) / 400
    for number, person in sorted(enumerate(people, start=1), key=lambda item: item[0] == chosen):
        colour = CHOSEN if number == chosen else OTHER
        x1, y1, x2, y2 = (round(float(v)) for v in person.box)
        cv2.rectangle(picture, (x1, y1), (x2, y2), _WHITE, max(2, round(2.2 * unit)), cv2.LINE_AA)
        cv2.rectangle(picture, (x1, y1), (x2, y2), colour, max(1, round(1.4 * unit)), cv2.LINE_AA)
        _label(picture, str(number), (x1, y1), colour, unit)
    return picture


def draw_mask(photo: Photo, cutout: Cutout, points: Sequence[Point] = ()) -> np.ndarray:
    """The photo dimmed outside the mask, its outline drawn, clicked points on top. (H, W, 3) uint8 RGB."""
    grey = cv2.cvtColor(cv2.cvtColor(photo.pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    dimmed = (grey * 0.35 + 40).astype(np.uint8)
    picture = np.where(cutout.mask[..., None], photo.pixels, dimmed)
    unit = max(picture.shape[:2]) / 400
    outlines, _ = cv2.findContours(cutout.mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, outlines, -1, CHOSEN, max(1, round(1.2 * unit)), cv2.LINE_AA)
    for x, y, inside in points:
        centre = (round(x), round(y))
        cv2.circle(picture, centre, max(3, round(4.5 * unit)), _WHITE, -1, cv2.LINE_AA)
        cv2.circle(picture, centre, max(2, round(3.4 * unit)), INSIDE if inside else OUTSIDE, -1, cv2.LINE_AA)
    return picture


def _label(picture: np.ndarray, text: str, corner: tuple[int, int], colour: tuple[int, int, int], unit: float) -> None:
    """A filled tag with white text, kept inside the picture."""
    size, thickness = 0.45 * unit, max(1, round(unit))
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, size, thickness)
    pad = round(4 * unit)
    x = int(np.clip(corner[0], 0, max(0, picture.shape[1] - width - 2 * pad)))
    y = int(np.clip(corner[1], 0, max(0, picture.shape[0] - height - 2 * pad)))
    cv2.rectangle(picture, (x, y), (x + width + 2 * pad, y + height + 2 * pad), colour, -1)
    place = (x + pad, y + pad + height)
    cv2.putText(picture, text, place, cv2.FONT_HERSHEY_DUPLEX, size, _WHITE, thickness, cv2.LINE_AA)

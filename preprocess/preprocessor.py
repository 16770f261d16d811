"""The photo stage as one object: photo -> people -> mask -> composite -> :class:`StartFrame`.

Each step can be called on its own (the page shows what each finds), and remembers what it did for a photo:

1. ``read_photo(path)``: pixels, the right way up.
2. ``Preprocessor.find_people(photo)``: numbered boxes with joints.
3. ``Preprocessor.cut_out(photo, person, points)``: the mask; points correct it.
4. ``Preprocessor.compose(photo, person, cutout, background)``: the start frame.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from preprocess.background import make_plate
from preprocess.brush import paint
from preprocess.composite import FINE, FRAME, measure, move_keypoints, place
from preprocess.detect import Detector
from preprocess.edges import draw_figure, shrink, warp
from preprocess.errors import PhotoError
from preprocess.hands import find_hands
from preprocess.hints import hints
from preprocess.person import SEEN, Person, no_keypoints
from preprocess.photo import Photo, read_photo
from preprocess.plates import DEFAULT_PLATE
from preprocess.sam import SMALL
from preprocess.segment import Cutout, Point, Segmenter
from preprocess.start_frame import FinePicture, StartFrame
from preprocess.stroke import Stroke
from preprocess.weights import CHECKPOINTS

TRUSTED_JOINTS = 10  # joints that must be seen before a drawing or an animal counts as built like a person
_REMEMBERED = 16  # photos whose people are kept; a few kB each


class Preprocessor:
    """Detector and segmenter with their models, loaded once on first use; may be shared by threads.

    Args:
        detector, segmenter: built ones; see :meth:`from_checkpoints`.
    """

    def __init__(self, detector: Detector, segmenter: Segmenter) -> None:
        self._detector = detector
        self._segmenter = segmenter
        self._found: OrderedDict[str, list[Person]] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def from_checkpoints(
        cls, checkpoints: Path = CHECKPOINTS, device: str = "cpu", segmenter: str = SMALL
    ) -> Preprocessor:
        """With the weights of a folder; ``segmenter`` is "mobile-sam", "vit_b", "vit_l" or "vit_h"."""
        return cls(Detector(checkpoints, device), Segmenter(segmenter, checkpoints, device))

    def find_people(self, photo: str | Path | bytes | np.ndarray | Photo) -> list[Person]:
        """Everyone in the photo, the most prominent first; never empty (see ``Detector.find_people``).

        Raises:
            PhotoError: the photo cannot be used.
        """
        photo = read_photo(photo)
        with self._lock:
            if photo.digest in self._found:
                self._found.move_to_end(photo.digest)
                return list(self._found[photo.digest])
        people = self._detector.find_people(photo)
        with self._lock:
            self._found[photo.digest] = people
            while len(self._found) > _REMEMBERED:
                self._found.popitem(last=False)
        return list(people)

    def choose(self, photo: Photo, person: int | None = None) -> Person:
        """Person number ``person`` as drawn on the boxes (1 is the most prominent, and the default).

        Raises:
            PhotoError: there is no person of that number.
        """
        people = self.find_people(photo)
        number = 1 if person is None else person
        if not 1 <= number <= len(people):
            have = "only person 1" if len(people) == 1 else f"persons 1 to {len(people)}"
            raise PhotoError(f"There is no person {number} in this photo: {have} can be chosen.")
        return people[number - 1]

    def cut_out(self, photo: Photo, person: Person, points: Sequence[Point] = ()) -> Cutout:
        """The mask of a person, corrected by points (x, y in photo pixels, True for inside).

        The first call for a person costs seconds, further ones with other points a fraction of one.
        """
        return self._segmenter.cut_out(photo, person, points)

    def compose(
        self,
        photo: Photo,
        person: Person,
        cutout: Cutout,
        background: str | Path = DEFAULT_PLATE,
        asked: bool = False,
    ) -> StartFrame:
        """Place a cut-out person on a background.

        Args:
            photo, person, cutout: from the earlier steps.
            background: a studio (``plates.PLATES``), a colour, "original", or a picture's path.
            asked: the user chose this person, so other people in the photo need no mention.
        """
        joints = self._joints(photo, person, cutout)
        close = replace(person, keypoints=joints)
        body = measure(cutout.mask, joints)
        transform = place(cutout.mask, body)
        people = [close if other is person else other for other in self.find_people(photo)]
        figure = draw_figure(photo.pixels, cutout.mask, transform, FRAME)
        hands = find_hands(self._segmenter, photo, person, cutout, joints)
        plates = [make_plate(background, photo, cutout.mask, transform, side) for side in (FRAME, FINE)]
        return StartFrame(
            person=shrink(figure, FRAME),
            plate=plates[0],
            keypoints=move_keypoints(joints, transform),
            transform=transform,
            warnings=hints(people, close, cutout, body, asked),
            fine=FinePicture(_to_bytes(shrink(figure, FINE)), _to_bytes(plates[1])),
            hands=np.stack([_in_frame(hand, transform) for hand in hands]),
        )

    def _joints(self, photo: Photo, person: Person, cutout: Cutout) -> np.ndarray:
        """(17, 3) joints from a close-up of the figure; zeros for a creature that the pose model can't make out."""
        close = self._detector.keypoints_in(photo, cutout.box)
        best = max(close, person.keypoints, key=lambda joints: float(joints[:, 2].sum()))
        found = _on_the_figure(best, cutout)
        known = person.is_person or np.count_nonzero(found[:, 2] >= SEEN) >= TRUSTED_JOINTS
        return found if known else no_keypoints()

    def start_frame(
        self,
        photo: str | Path | bytes | np.ndarray | Photo,
        person: int | None = None,
        points: Sequence[Point] = (),
        background: str | Path = DEFAULT_PLATE,
        strokes: Sequence[Stroke] = (),
    ) -> StartFrame:
        """All steps at once.

        Args:
            photo: path, bytes, pixels, or a photo already read.
            person: number of the person, from 1; None takes the most prominent.
            points: (x, y, inside) corrections in photo pixels.
            background: see :meth:`compose`.
            strokes: corrections by brush, after the points.

        Raises:
            PhotoError: bad photo, number, point or background; the message says what to do.
        """
        read = read_photo(photo)
        chosen = self.choose(read, person)
        cutout = paint(self.cut_out(read, chosen, points), strokes)
        return self.compose(read, chosen, cutout, background, asked=person is not None)


def _in_frame(mask: np.ndarray, transform: np.ndarray) -> np.ndarray:
    """A mask (H, W) of the photo on the finer frame: (512, 512) uint8."""
    return _to_bytes(warp(_to_bytes(mask), transform * (FINE // FRAME), FINE, cv2.BORDER_CONSTANT))


def _to_bytes(picture: np.ndarray) -> np.ndarray:
    """[0, 1] -> uint8."""
    return (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)


def _on_the_figure(joints: np.ndarray, cutout: Cutout) -> np.ndarray:
    """Joints far outside the mask's box belong to someone else or to nobody: zero them."""
    x1, y1, x2, y2 = cutout.box
    margin = 0.08 * max(x2 - x1, y2 - y1)
    inside = (
        (joints[:, 0] > x1 - margin)
        & (joints[:, 0] < x2 + margin)
        & (joints[:, 1] > y1 - margin)
        & (joints[:, 1] < y2 + margin)
    )
    return np.where(inside[:, None], joints, 0).astype(np.float32)

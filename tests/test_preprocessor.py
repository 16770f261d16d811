"""The photo stage as one object, with stand-ins for its networks: the start frame and its finer picture agree."""

from __future__ import annotations

from typing import cast

import numpy as np

from preprocess.detect import Detector
from preprocess.person import Person, no_keypoints
from preprocess.photo import Photo
from preprocess.preprocessor import Preprocessor
from preprocess.segment import Cutout, Segmenter


class OnePerson:
    """Detector and segmenter of photos with one person in a known box."""

    def find_people(self, photo: Photo) -> list[Person]:
        return [Person(np.float32([200, 50, 400, 750]), 0.9)]

    def keypoints_in(self, photo: Photo, box: np.ndarray) -> np.ndarray:
        return no_keypoints()

    def cut_out(self, photo: Photo, person: Person, points: object) -> Cutout:
        mask = np.zeros(photo.pixels.shape[:2], bool)
        mask[50:750, 200:400] = True
        return Cutout(mask, 0.9)


def test_a_start_frame_brings_a_finer_picture_of_itself() -> None:
    rows, columns = np.mgrid[0:800, 0:600]
    pixels = np.stack([127 + 120 * np.sin(rows / 4), rows * 0.3, columns * 0.4], -1).astype(np.uint8)
    photo = Photo(pixels, None, (600, 800))
    stage = OnePerson()
    preprocessor = Preprocessor(cast(Detector, stage), cast(Segmenter, stage))
    frame = preprocessor.start_frame(photo, background="wood-floor")
    assert frame.fine is not None
    assert frame.fine.person.shape == (512, 512, 4) and frame.fine.plate.shape == (512, 512, 3)
    assert frame.fine.person.dtype == frame.fine.plate.dtype == np.uint8
    for fine, coarse in zip(frame.layers(512), frame.layers(256), strict=True):
        shrunk = fine.reshape(256, 2, 256, 2, -1).mean((1, 3))
        assert np.abs(shrunk - coarse).mean() < 0.01 and np.abs(coarse - shrunk).max() < 0.5
    assert frame.composite_at(512)[100:400, 230:280].std() > frame.composite[50:200, 115:140].std()

"""What the photo stage hands on: a figure in frame position, the plate behind it, and what is known of both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class FinePicture:
    """The same frame on a finer grid, from the photo's own pixels. Bytes, since pages keep many of them.

    Attributes:
        person: (512, 512, 4) uint8 premultiplied RGBA.
        plate: (512, 512, 3) uint8 RGB.
    """

    person: np.ndarray
    plate: np.ndarray


@dataclass(frozen=True)
class StartFrame:
    """The start of the dance.

    Attributes:
        person: (256, 256, 4) float32 premultiplied RGBA in [0, 1], in frame position.
        plate: (256, 256, 3) float32 RGB in [0, 1].
        keypoints: (17, 3) float32 COCO joints: x, y in frame pixels and confidence; zeros where none was found.
        transform: (2, 3) photo pixels -> frame pixels, both counted from the edge of pixel 0.
        warnings: sentences for the user about what may look bad, most important first; empty when all is well.
        fine: the same at twice the size; None: what is finer can only be enlarged.
        hands: (2, 512, 512) uint8 cover of the left and the right hand, with what is bare of the arm, 0 where none was
            found; None: nobody looked for any.
    """

    person: np.ndarray
    plate: np.ndarray
    keypoints: np.ndarray
    transform: np.ndarray
    warnings: tuple[str, ...] = ()
    fine: FinePicture | None = None
    hands: np.ndarray | None = None

    @property
    def composite(self) -> np.ndarray:
        """The person over the plate: (256, 256, 3) float32."""
        return self.composite_at(len(self.plate))

    def composite_at(self, side: int) -> np.ndarray:
        """The person over the plate: (side, side, 3) float32."""
        person, plate = self.layers(side)
        return person[..., :3] + plate * (1 - person[..., 3:])

    def layers(self, side: int) -> tuple[np.ndarray, np.ndarray]:
        """Person (side, side, 4) and plate (side, side, 3), float32 in [0, 1].

        They are enlarged where no picture of that size is kept.
        """
        if side == len(self.plate):
            return self.person, self.plate
        if self.fine is not None and side == len(self.fine.plate):
            return _unit(self.fine.person), _unit(self.fine.plate)
        return _enlarged(self.person, side), _enlarged(self.plate, side)


def _unit(picture: np.ndarray) -> np.ndarray:
    return picture.astype(np.float32) / 255


def _enlarged(picture: np.ndarray, side: int) -> np.ndarray:
    import cv2  # late: who only carries a start frame needs no picture library

    return np.clip(cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC), 0, 1)

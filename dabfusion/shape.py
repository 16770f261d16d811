"""The video's shape: the square dance as it is rendered, or placed in a tall 9:16 picture for phones.

The tall picture is the square, scaled to the full width, with the plate continued above and below it. Nobody dances up
there, so the continuation is one still picture: the plate's outermost rows drawn on, the softer the farther out.
(Mirroring them would show every lamp and every board twice.)
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .config import FRAME_SIZE, PORTRAIT, SQUARE
from .errors import OptionError

TALL_WIDTH, TALL_HEIGHT = 360, 640  #: 9:16 exactly; 360 is the least width that phone video services take
_ABOVE = 0.62  #: share of the added height that lies above the square: the dancer stands a little below the middle
_FADE = 10  #: rows at the square's upper and lower edge over which it passes into the still continuation
_SOFTEST = 30.0  #: blur far from the square, pixels (standard deviation)
_LEVELS = 4  #: blurs that the continuation is mixed from


@dataclass(frozen=True)
class Framing:
    """How rendered frames become frames of the video.

    Attributes:
        size: width and height of the video.
        still: (height, width, 3) uint8 picture around the square; None: the frames are used as they are.
        top: first row of the square in it.
        weight: (width, 1, 1) float32: how much of the square shows in each of its rows.
    """

    size: tuple[int, int]
    still: np.ndarray | None = None
    top: int = 0
    weight: np.ndarray | None = None

    def place(self, frames: np.ndarray) -> np.ndarray:
        """Frames (B, 256, 256, 3) uint8 as frames (B, height, width, 3) uint8 of the video."""
        if self.still is None or self.weight is None:
            return frames
        side = self.size[0]
        placed = np.repeat(self.still[None], len(frames), axis=0)
        behind = self.still[self.top : self.top + side].astype(np.float32)
        for picture, frame in zip(placed, frames, strict=True):
            square = cv2.resize(frame, (side, side), interpolation=cv2.INTER_CUBIC).astype(np.float32)
            mixed = behind + self.weight * (square - behind)
            picture[self.top : self.top + side] = (mixed + 0.5).astype(np.uint8)
        return placed


def make_framing(shape: str, plate: np.ndarray) -> Framing:
    """The framing of a shape around a plate.

    Args:
        shape: SQUARE or PORTRAIT.
        plate: (256, 256, 3) float32 in [0, 1].

    Raises:
        OptionError: another shape.
    """
    if shape == SQUARE:
        return Framing((FRAME_SIZE, FRAME_SIZE))
    if shape != PORTRAIT:
        raise OptionError(f"There is no shape {shape!r}; choose {SQUARE} or {PORTRAIT}.")
    top = round((TALL_HEIGHT - TALL_WIDTH) * _ABOVE)
    ramp = np.minimum(np.arange(TALL_WIDTH), np.arange(TALL_WIDTH)[::-1]) / _FADE
    weight = np.clip(ramp, 0, 1).astype(np.float32)[:, None, None]
    return Framing((TALL_WIDTH, TALL_HEIGHT), extend_plate(plate, top), top, weight)


def other_shape(shape: str) -> str:
    """The shape that a video of this shape is not."""
    return SQUARE if shape == PORTRAIT else PORTRAIT


def extend_plate(plate: np.ndarray, top: int) -> np.ndarray:
    """A plate (256, 256, 3) float32 continued to (640, 360, 3) uint8, the plate itself from row ``top`` on."""
    square = cv2.resize(plate, (TALL_WIDTH, TALL_WIDTH), interpolation=cv2.INTER_CUBIC)
    below = TALL_HEIGHT - TALL_WIDTH - top
    tall = cv2.copyMakeBorder(square, top, below, 0, 0, cv2.BORDER_REPLICATE)
    rows = np.arange(TALL_HEIGHT)
    outside = np.maximum(np.maximum(top - rows, rows - (top + TALL_WIDTH - 1)), 0)  # rows away from the square
    level = np.clip(outside / (top / 2), 0, 1) * _LEVELS  # 0: sharp, _LEVELS: softest
    soft = [tall] + [cv2.GaussianBlur(tall, (0, 0), _SOFTEST * k / _LEVELS) for k in range(1, _LEVELS + 1)]
    share = np.clip(1 - np.abs(level[:, None] - np.arange(_LEVELS + 1)), 0, 1)  # (640, 5), sums to 1
    mixed = sum(share[:, k, None, None] * soft[k] for k in range(_LEVELS + 1))
    return (np.clip(mixed, 0, 1) * 255 + 0.5).astype(np.uint8)

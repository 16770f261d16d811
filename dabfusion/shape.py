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
#: Lengths of pictures around a square of FRAME_SIZE; those around a larger one are as many times longer.
_FADE = 10  #: rows at the square's upper and lower edge over which it passes into the still continuation
_SOFTEST = 30.0  #: blur far from the square, pixels (standard deviation)
_ABOVE = 0.62  #: share of the added height that lies above the square: the dancer stands a little below the middle
_LEVELS = 4  #: blurs that the continuation is mixed from


@dataclass(frozen=True)
class Framing:
    """How rendered frames become frames of the video.

    Attributes:
        size: width and height of the video.
        still: (height, width, 3) uint8 picture around the square; None: the frames are used as they are.
        top: first row of the square in it.
        fade: rows at the square's upper and lower edge over which it passes into the still picture.
    """

    size: tuple[int, int]
    still: np.ndarray | None = None
    top: int = 0
    fade: int = 0

    def place(self, frames: np.ndarray) -> np.ndarray:
        """Square frames (B, S, S, 3) uint8 as frames (B, height, width, 3) uint8 of the video."""
        if self.still is None:
            return frames
        side = self.size[0]
        placed = np.repeat(self.still[None], len(frames), axis=0)
        weight = (np.arange(self.fade) / self.fade).astype(np.float32)[:, None, None]
        for picture, frame in zip(placed, frames, strict=True):
            square = cv2.resize(frame, (side, side), interpolation=cv2.INTER_CUBIC)
            inside = picture[self.top : self.top + side]
            inside[self.fade : side - self.fade] = square[self.fade : side - self.fade]
            _mix_in(inside[: self.fade], square[: self.fade], weight)
            _mix_in(inside[side - self.fade :], square[side - self.fade :], weight[::-1])
        return placed


def _mix_in(behind: np.ndarray, rows: np.ndarray, weight: np.ndarray) -> None:
    """Puts rows (n, width, 3) uint8 over ``behind`` with weights (n, 1, 1)."""
    under = behind.astype(np.float32)
    behind[...] = (under + weight * (rows.astype(np.float32) - under) + 0.5).astype(np.uint8)


def make_framing(shape: str, plate: np.ndarray) -> Framing:
    """The framing of a shape around a plate.

    Args:
        shape: SQUARE or PORTRAIT.
        plate: (S, S, 3) float32 in [0, 1], as large as the square frames: S a whole multiple of FRAME_SIZE.

    Raises:
        OptionError: another shape.
    """
    side = len(plate)
    if shape == SQUARE:
        return Framing((side, side))
    if shape != PORTRAIT:
        raise OptionError(f"There is no shape {shape!r}; choose {SQUARE} or {PORTRAIT}.")
    times = side // FRAME_SIZE
    top = round((TALL_HEIGHT - TALL_WIDTH) * _ABOVE) * times
    return Framing((TALL_WIDTH * times, TALL_HEIGHT * times), extend_plate(plate, top), top, _FADE * times)


def other_shape(shape: str) -> str:
    """The shape that a video of this shape is not."""
    return SQUARE if shape == PORTRAIT else PORTRAIT


def extend_plate(plate: np.ndarray, top: int) -> np.ndarray:
    """A plate (S, S, 3) float32 continued to the tall picture's uint8, the plate itself from row ``top`` on."""
    times = len(plate) // FRAME_SIZE
    width, height = TALL_WIDTH * times, TALL_HEIGHT * times
    square = cv2.resize(plate, (width, width), interpolation=cv2.INTER_CUBIC)
    tall = cv2.copyMakeBorder(square, top, height - width - top, 0, 0, cv2.BORDER_REPLICATE)
    rows = np.arange(height)
    outside = np.maximum(np.maximum(top - rows, rows - (top + width - 1)), 0)  # rows away from the square
    level = np.clip(outside / (top / 2), 0, 1) * _LEVELS  # 0: sharp, _LEVELS: softest
    soft = [tall] + [_blurred(tall, _SOFTEST * k / _LEVELS) for k in range(1, _LEVELS + 1)]
    share = np.clip(1 - np.abs(level[:, None] - np.arange(_LEVELS + 1)), 0, 1)  # (height, 5), sums to 1
    mixed = sum(share[:, k, None, None] * soft[k] for k in range(_LEVELS + 1))
    return (np.clip(mixed, 0, 1) * 255 + 0.5).astype(np.uint8)


def _blurred(tall: np.ndarray, deviation: float) -> np.ndarray:
    """A tall picture blurred at TALL_WIDTH, since so wide a blur needs no more pixels and takes long on them."""
    small = cv2.resize(tall, (TALL_WIDTH, TALL_HEIGHT), interpolation=cv2.INTER_AREA)
    return cv2.resize(cv2.GaussianBlur(small, (0, 0), deviation), tall.shape[1::-1], interpolation=cv2.INTER_LINEAR)

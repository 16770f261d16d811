"""The visible "AI-generated" mark: small, in the bottom right corner, readable on any picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

TEXT = "AI-generated"
TEXT_HEIGHT = 0.047  # of the picture's shorter side: 12 px of 256
SMALLEST = 9  # px
BOX_OPACITY, TEXT_OPACITY = 0.5, 0.95


@dataclass(frozen=True)
class Mark:
    """A ready-drawn mark.

    Attributes:
        top, left: where its corner lies in the frame, pixels.
        colour: (h, w, 3) float32 in 0..255, premultiplied by alpha.
        alpha: (h, w, 1) float32 opacity.
    """

    top: int
    left: int
    colour: np.ndarray
    alpha: np.ndarray


def draw_mark(size: tuple[int, int]) -> Mark:
    """Draws the mark for frames of ``size`` (width, height); on very narrow frames it is cut at the left."""
    width, height = size
    side = min(size)
    font = ImageFont.load_default(max(SMALLEST, round(TEXT_HEIGHT * side)))
    x0, y0, x1, y1 = (round(v) for v in font.getbbox(TEXT))
    pad = max(2, round(0.012 * side))
    w, h = x1 - x0 + 2 * pad + 2, y1 - y0 + 2 * pad
    box = Image.new("L", (w, h), 0)
    ImageDraw.Draw(box).rounded_rectangle((0, 0, w - 1, h - 1), radius=pad + 1, fill=round(255 * BOX_OPACITY))
    text = Image.new("L", (w, h), 0)
    ImageDraw.Draw(text).text((pad + 1 - x0, pad - y0), TEXT, font=font, fill=round(255 * TEXT_OPACITY))
    dark, light = np.asarray(box, np.float32) / 255, np.asarray(text, np.float32) / 255
    alpha = (light + dark * (1 - light))[..., None]  # white text over a black box
    colour = np.repeat(255 * light[..., None], 3, axis=2)
    margin = max(2, round(0.015 * side))
    left, top = width - margin - w, height - margin - h
    cut_x, cut_y = max(-left, 0), max(-top, 0)
    return Mark(max(top, 0), max(left, 0), colour[cut_y:, cut_x:], alpha[cut_y:, cut_x:])


def burn_mark(frame: np.ndarray, mark: Mark) -> np.ndarray:
    """A copy of a frame (H, W, 3) uint8 with the mark over it."""
    marked = frame.copy()
    h, w = mark.alpha.shape[:2]
    under = marked[mark.top : mark.top + h, mark.left : mark.left + w]
    under[...] = np.round(mark.colour + (1 - mark.alpha) * under).astype(np.uint8)
    return marked

"""A first look at a dance while it is still being drawn: a small moving picture of the frames rendered so far."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from .drawings import clock

PICTURES_PER_SECOND = 6
SIDE = 176  #: pixels
FIRST = 4  #: pictures after which there is something to see
MOST = 48  #: pictures that are kept; of longer dances, fewer a second
_GROWTH = 1.6  #: a new preview comes when there are so many times more pictures, so that all of them cost little


@dataclass(frozen=True)
class Preview:
    """The dance so far.

    Attributes:
        seconds: of the dance that it shows.
        moving: an animated WebP.
        still: its last picture as a JPEG, for those who asked for less motion.
    """

    seconds: float
    moving: bytes
    still: bytes


class PreviewReel:
    """Watches the frames of one dance as they are rendered, and shows a preview now and then.

    Args:
        fps: frames a second.
        show: called with each new preview, in the thread that renders.
    """

    def __init__(self, fps: int, show: Callable[[Preview], None]) -> None:
        self._fps, self._show = fps, show
        self._stride = max(1, round(fps / PICTURES_PER_SECOND))
        self._pictures: list[Image.Image] = []
        self._seen, self._next = 0, FIRST * self._stride

    def __call__(self, batch: np.ndarray) -> None:
        """Takes the next frames (B, H, W, 3) uint8."""
        for frame in batch:
            if self._seen % self._stride == 0:
                self._pictures.append(Image.fromarray(frame).resize((SIDE, SIDE), Image.Resampling.BILINEAR, None, 2.0))
            self._seen += 1
        if len(self._pictures) > MOST:
            self._pictures, self._stride = self._pictures[::2], 2 * self._stride
        if self._seen >= self._next:
            self._next = int(_GROWTH * self._seen) + 1
            self._show(self._draw())

    def _draw(self) -> Preview:
        moving, still = io.BytesIO(), io.BytesIO()
        first, *rest = self._pictures
        pause = round(1000 * self._stride / self._fps)
        first.save(moving, "WEBP", save_all=True, append_images=rest, duration=pause, loop=0, quality=60, method=0)
        self._pictures[-1].save(still, "JPEG", quality=80)
        return Preview(self._seen / self._fps, moving.getvalue(), still.getvalue())


def draw_preview(preview: Preview) -> str:
    """The preview with its caption; it stands still where the visitor's system asks for less motion."""
    moving, still = (base64.b64encode(data).decode() for data in (preview.moving, preview.still))
    return (
        '<figure class="preview"><picture>'
        f'<source media="(prefers-reduced-motion: reduce)" srcset="data:image/jpeg;base64,{still}">'
        f'<img src="data:image/webp;base64,{moving}" width="{SIDE}" height="{SIDE}" alt="Rough preview of the dance">'
        f"</picture><figcaption>A first look: the dance up to {clock(preview.seconds)}, small and without sound. "
        "You can still cancel.</figcaption></figure>"
    )

"""Turn the user's choice of background into a plate: a studio, a colour, an own picture, or the photo's own."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import ImageColor

from preprocess.composite import FRAME
from preprocess.edges import warp
from preprocess.errors import PhotoError
from preprocess.inpaint import fill_hole
from preprocess.photo import Photo, read_photo
from preprocess.plates import PLATES, draw_plate

ORIGINAL = "original"
_AROUND = 4  # frame pixels by which the hole is wider than the figure
_BLUR_EDGE = 2.0  # frame pixels over which the photo passes into its continuation
_BLUR_OUTSIDE = 5.0  # frame pixels: the picture is continued softly beyond the photo's edges


def make_plate(
    choice: str | Path, photo: Photo, mask: np.ndarray, transform: np.ndarray, side: int = FRAME
) -> np.ndarray:
    """The plate for a choice of background.

    Args:
        choice: one of ``PLATES``; a colour ("teal", "#204060", "rgb(20, 40, 60)"); "original"; or a picture's path.
        photo: the photo that the figure is cut from (used by "original").
        mask: (H, W) bool, the figure.
        transform: (2, 3) photo -> frame of FRAME pixels.
        side: pixels of the plate; the frame's place in the photo stays the same.

    Returns:
        (side, side, 3) float32 in [0, 1].

    Raises:
        PhotoError: no such studio or colour and no such file, or the file cannot be read as a picture.
    """
    name = str(choice).strip()
    if name in PLATES:
        return draw_plate(name, side)
    if name == ORIGINAL:
        return own_background(photo, mask, transform, side)
    colour = _colour(name)
    if colour is not None:
        return np.broadcast_to(colour, (side, side, 3)).astype(np.float32)
    if not Path(name).is_file():
        raise PhotoError(
            f"There is no background {name!r}: choose {', '.join(PLATES)}, {ORIGINAL}, a colour such as teal or "
            "#204060, or the path of a picture."
        )
    return cover(read_photo(Path(name)).pixels, side)


def cover(pixels: np.ndarray, side: int = FRAME) -> np.ndarray:
    """Fill the frame with a picture, keeping its proportions and its middle: (side, side, 3) float32."""
    height, width = pixels.shape[:2]
    scale = side / min(height, width)
    shift = (side - scale * width) / 2, (side - scale * height) / 2
    return np.clip(warp(pixels, np.array([[scale, 0, shift[0]], [0, scale, shift[1]]]), side), 0, 1)


def own_background(photo: Photo, mask: np.ndarray, transform: np.ndarray, side: int = FRAME) -> np.ndarray:
    """The photo's own background in frame position, without the figure; mirrored and softened beyond its edges."""
    unit = side / FRAME  # a frame pixel in pixels of the plate
    here = transform * unit
    picture = np.clip(warp(photo.pixels, here, side, cv2.BORDER_REFLECT), 0, 1)
    hole = warp((mask * 255).astype(np.uint8), here, side, cv2.BORDER_REFLECT) > 0.02
    reach = 2 * round(_AROUND * unit) + 1
    hole = cv2.dilate(hole.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))) > 0
    filled = fill_hole(picture, hole)
    inside = warp(np.full(photo.pixels.shape[:2], 255, np.uint8), here, side, cv2.BORDER_CONSTANT)
    outside = 1 - cv2.GaussianBlur(inside, (0, 0), _BLUR_EDGE * unit)[..., None]
    soft = cv2.GaussianBlur(filled, (0, 0), _BLUR_OUTSIDE * unit)
    return (filled * (1 - outside) + soft * outside).astype(np.float32)


def _colour(name: str) -> np.ndarray | None:
    """(3,) float32 of a colour's name or code, or None."""
    try:
        return np.array(ImageColor.getrgb(name)[:3], np.float32) / 255
    except ValueError:
        return None

"""From a photo and a hard mask to a soft-edged figure in frame position, with nothing of the old background in it."""

from __future__ import annotations

import cv2
import numpy as np

FINER = 4  # the edge is worked out on a grid this many times finer than the frame
SHRINK = 0.3  # frame pixels by which the outline moves inwards: masks are a little generous
SOFTNESS = 0.5  # frame pixels over which alpha falls on the fine grid; drawing the frame adds one pixel
RIM = 1.5  # frame pixels along the outline whose colours may be mixed with the background


def cut_figure(pixels: np.ndarray, mask: np.ndarray, transform: np.ndarray, size: int) -> np.ndarray:
    """The figure as premultiplied RGBA on a square frame: :func:`draw_figure`, made smaller.

    Args:
        pixels, mask, transform, size: as there.

    Returns:
        (size, size, 4) float32 in [0, 1].
    """
    return shrink(draw_figure(pixels, mask, transform, size), size)


def draw_figure(pixels: np.ndarray, mask: np.ndarray, transform: np.ndarray, size: int) -> np.ndarray:
    """The figure as premultiplied RGBA on a grid FINER times finer than the frame.

    Colours within ``RIM`` of the outline are replaced by the nearest colours from further inside, so that no
    halo of the old background is left. Parts thinner than the rim keep the colours of their own core.

    Args:
        pixels: (H, W, 3) uint8 RGB photo.
        mask: (H, W) bool.
        transform: (2, 3) photo -> frame, uniform scale and shift, of coordinates that count from the edge of pixel 0.
        size: side of the frame in pixels.

    Returns:
        (FINER * size, FINER * size, 4) float32 in [0, 1].
    """
    fine = transform * FINER
    colour = warp(pixels, fine, size * FINER)
    inside = warp((mask * 255).astype(np.uint8), fine, size * FINER, cv2.BORDER_CONSTANT)
    inside = cv2.GaussianBlur(inside, (0, 0), 0.4 * FINER) > 0.5
    depth = signed_depth(inside)
    alpha = np.clip((depth - SHRINK * FINER) / (SOFTNESS * FINER) + 0.5, 0, 1)
    clean = spread_core_colours(colour, depth)
    return np.concatenate([clean * alpha[..., None], alpha[..., None]], axis=-1).astype(np.float32)


def shrink(figure: np.ndarray, size: int) -> np.ndarray:
    """A square picture as the means over the pixels of a size x size one."""
    return cv2.resize(figure, (size, size), interpolation=cv2.INTER_AREA)


def warp(image: np.ndarray, transform: np.ndarray, size: int, border: int = cv2.BORDER_REPLICATE) -> np.ndarray:
    """Draw an 8 bit image through a (2, 3) scale-and-shift on a size x size canvas, filtered; float32 in [0, 1].

    ``transform`` maps coordinates that count from the edge of pixel 0; outside the image ``border`` holds:
    BORDER_CONSTANT (black) for masks, so that a figure ends where the photo ends.
    """
    matrix = transform.astype(np.float64).copy()
    ratio = float(matrix[0, 0])
    if ratio < 1:
        shrunk = (max(1, round(image.shape[1] * ratio)), max(1, round(image.shape[0] * ratio)))
        matrix[0, 0] *= image.shape[1] / shrunk[0]
        matrix[1, 1] *= image.shape[0] / shrunk[1]
        image = cv2.resize(image, shrunk, interpolation=cv2.INTER_AREA)
    matrix[:, 2] += 0.5 * (np.diag(matrix) - 1)  # from pixel edges to pixel centres
    mode = cv2.INTER_CUBIC if ratio > 1 and image.ndim == 3 else cv2.INTER_LINEAR
    drawn = cv2.warpAffine(image, matrix, (size, size), flags=mode, borderMode=border)
    return drawn.astype(np.float32) / 255


def signed_depth(inside: np.ndarray) -> np.ndarray:
    """Distance to the outline in pixels, positive inside: (H, W) float32."""
    filled = inside.astype(np.uint8)
    deep = cv2.distanceTransform(filled, cv2.DIST_L2, 5)
    far = cv2.distanceTransform(1 - filled, cv2.DIST_L2, 5)
    return np.where(inside, deep - 0.5, 0.5 - far).astype(np.float32)


def spread_core_colours(colour: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Replace everything outside the figure's core by the nearest colour of the core.

    The core is where the depth is over RIM, or over 60% of the depth of the surrounding part where that is thin.

    Args:
        colour: (H, W, 3) float32 on the fine grid.
        depth: (H, W) signed depth in fine pixels.

    Returns:
        (H, W, 3) float32, smooth along the outline.
    """
    rim = RIM * FINER
    reach = 2 * round(rim) + 1
    thickest = cv2.dilate(depth, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    core = (depth > 0) & (depth >= np.minimum(rim, 0.6 * thickest))
    if not core.any():
        return colour
    around = (~core).astype(np.uint8)
    _, labels = cv2.distanceTransformWithLabels(around, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    lookup = np.zeros((int(labels.max()) + 1, 3), np.float32)
    lookup[labels[core]] = colour[core]
    spread = lookup[labels]
    soft = cv2.GaussianBlur(spread, (0, 0), 0.35 * FINER)
    return np.where(core[..., None], colour, soft).astype(np.float32)

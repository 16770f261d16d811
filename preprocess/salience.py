"""What stands out from a picture's border: the last resort for figures that no detector knows."""

from __future__ import annotations

import cv2
import numpy as np

_SIDE = 160  # pixels; a glance is enough
_SAME_COLOUR = 7.0  # distance in Lab up to which a pixel counts as ground
_PLAIN_SHARE = 0.93  # of the border must be of one colour for the ground to be plain


def salience(pixels: np.ndarray) -> np.ndarray:
    """How unlike the picture's border each place is.

    The border's colours in Lab are summed up by 6 clusters; a pixel's distance to the nearest, favouring the
    middle of the picture, is its salience.

    Args:
        pixels: (H, W, 3) uint8 RGB.

    Returns:
        (h, w) float32 in [0, 1], longer side ``_SIDE``.
    """
    ratio = _SIDE / max(pixels.shape[:2])
    size = (max(8, round(pixels.shape[1] * ratio)), max(8, round(pixels.shape[0] * ratio)))
    small = cv2.GaussianBlur(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), (0, 0), 1.0)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    rim = max(2, round(0.03 * min(size)))
    border = np.ones(lab.shape[:2], bool)
    border[rim:-rim, rim:-rim] = False
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    _, _, centres = cv2.kmeans(lab[border], 6, np.empty(0, np.int32), stop, 2, cv2.KMEANS_PP_CENTERS)
    gaps = lab[:, :, None].astype(np.float32) - centres[None, None]  # (h, w, 6, 3)
    distance = np.linalg.norm(gaps, axis=-1).min(axis=-1)  # (h, w)
    y, x = np.mgrid[: size[1], : size[0]]
    middle = np.exp(-(((x / size[0] - 0.5) / 0.4) ** 2 + ((y / size[1] - 0.5) / 0.45) ** 2) / 2)
    weighted = distance * middle
    return (weighted / max(float(weighted.max()), 1e-6)).astype(np.float32)


def figure_on_plain_ground(pixels: np.ndarray) -> np.ndarray | None:
    """Everything that the even ground of a picture does not reach from the border: a drawing on white paper.

    Args:
        pixels: (H, W, 3) uint8 RGB.

    Returns:
        (H, W) bool with enclosed areas filled, or None if the border is not of one colour, or if hardly anything
        or nearly everything would be figure.
    """
    lab = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    rim = max(1, round(0.01 * min(pixels.shape[:2])))
    border = np.ones(pixels.shape[:2], bool)
    border[rim:-rim, rim:-rim] = False
    ground = np.median(lab[border], axis=0)
    near = np.linalg.norm(lab - ground, axis=-1) < _SAME_COLOUR
    if near[border].mean() < _PLAIN_SHARE:
        return None
    _, labels = cv2.connectedComponents(near.astype(np.uint8), connectivity=4)
    outside = near & np.isin(labels, np.unique(labels[border & near]))
    share = 1 - float(outside.mean())
    return ~outside if 0.003 < share < 0.8 else None


def salient_box(pixels: np.ndarray) -> np.ndarray:
    """The box around the most salient region: (4,) float32 x1, y1, x2, y2 in the picture's pixels.

    A picture where nothing stands out gives its middle (80% of both sides).
    """
    height, width = pixels.shape[:2]
    drawn = figure_on_plain_ground(pixels)
    if drawn is not None:
        _, _, stats, _ = cv2.connectedComponentsWithStats(drawn.astype(np.uint8))
        x, y, w, h = stats[1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])), :4]
        return np.array([x, y, x + w, y + h], np.float32)
    seen = salience(pixels)
    level, _ = cv2.threshold((seen * 255).astype(np.uint8), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    bright = (seen * 255 > 0.7 * level).astype(np.uint8)
    mask = cv2.morphologyEx(bright, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7)))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    weights = [float(seen[labels == k].sum()) for k in range(1, count)]
    if not weights or stats[1 + int(np.argmax(weights)), cv2.CC_STAT_AREA] < 0.005 * mask.size:
        return np.array([0.1 * width, 0.1 * height, 0.9 * width, 0.9 * height], np.float32)
    x, y, w, h = stats[1 + int(np.argmax(weights)), :4]
    scale_x, scale_y = width / seen.shape[1], height / seen.shape[0]
    return np.array([x * scale_x, y * scale_y, (x + w) * scale_x, (y + h) * scale_y], np.float32)

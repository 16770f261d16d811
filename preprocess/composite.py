"""Where a cut-out figure goes in the frame: by height and feet, centred; cut-off figures end at the frame's edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from preprocess.person import (
    HEAD,
    LEFT_ANKLE,
    LEFT_HIP,
    LEFT_KNEE,
    LEFT_SHOULDER,
    RIGHT_ANKLE,
    RIGHT_HIP,
    RIGHT_KNEE,
    RIGHT_SHOULDER,
    SEEN,
)

FRAME = 256  # pixels, both sides
FINE = 2 * FRAME  # side of the finer picture of the same frame
STANDING = 184  # pixels from the top of the head to the soles of a standing dancer
FLOOR = 240  # y of the soles
EDGE = 3  # pixels that stay free at the sides and the top
MAX_ZOOM = 2.0  # how much larger than life a figure without legs may become to fill the frame
MAX_FOLD = 1.35  # how much taller than it appears a crouching or running figure may be taken to be
CUT_OVERLAP = 2  # pixels by which a cut lies below the frame's bottom edge

# Lengths in body heights (Drillis and Contini 1966, as in Winter, "Biomechanics and Motor Control").
HEAD_TO_SHOULDER, TORSO, THIGH, SHIN = 0.182, 0.288, 0.245, 0.246
FOOT_BELOW_ANKLE = 0.10  # generous: toes that point at the camera
SHOULDER_WIDTH = 0.245


@dataclass(frozen=True)
class Body:
    """What can be measured of a figure, in photo pixels.

    Attributes:
        top, bottom: y of the top of the head and of the soles (or of the lowest visible part).
        stature: the height that the figure would have standing straight.
        cut: whether the legs end before the feet.
        centre: x of the hips, or of the figure's middle.
    """

    top: float
    bottom: float
    stature: float
    cut: bool
    centre: float


def measure(mask: np.ndarray, keypoints: np.ndarray) -> Body:
    """Measure a figure from its (H, W) mask and (17, 3) joints (zeros where unknown)."""
    rows = np.flatnonzero(mask.any(axis=1))
    mask_top, mask_bottom = float(rows[0]), float(rows[-1] + 1)
    columns = np.flatnonzero(mask.any(axis=0))
    middle = float(columns[0] + columns[-1] + 1) / 2
    touches = _touches_bottom(mask)
    if (keypoints[:, 2] >= SEEN).sum() < 4:
        return Body(mask_top, mask_bottom, mask_bottom - mask_top, touches, middle)
    top = _head_top(mask, keypoints, mask_top)
    bottom, cut = _feet(keypoints, top, mask_bottom, touches)
    stature = _stature(keypoints, top)
    visible = bottom - top
    stature = max(stature, visible) if cut else float(np.clip(stature, visible, MAX_FOLD * visible))
    hips = _joints(keypoints, LEFT_HIP, RIGHT_HIP)
    return Body(top, bottom, stature, cut, float(hips[:, 0].mean()) if len(hips) else middle)


def place(mask: np.ndarray, body: Body) -> np.ndarray:
    """The (2, 3) transform from photo to frame, both counted from the edge of pixel 0.

    A whole figure is scaled so that it would stand STANDING pixels tall, with its soles on FLOOR. A figure
    whose legs are cut off is scaled up, within MAX_ZOOM, until the visible part is STANDING tall, and its cut lies
    on the frame's bottom edge. Both shrink further if arms would leave the frame.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, right, top = float(columns[0]), float(columns[-1] + 1), float(rows[0])
    scale = STANDING / body.stature
    ground = float(FLOOR)
    if body.cut:
        scale *= float(np.clip(STANDING / ((body.bottom - body.top) * scale), 1, MAX_ZOOM))
        ground = float(FRAME + CUT_OVERLAP)
    scale = min(scale, (FRAME - 2 * EDGE) / (right - left), (ground - EDGE) / (body.bottom - top))
    shift_x = FRAME / 2 - scale * body.centre
    shift_x += max(0.0, EDGE - (scale * left + shift_x)) - max(0.0, (scale * right + shift_x) - (FRAME - EDGE))
    return np.array([[scale, 0, shift_x], [0, scale, ground - scale * body.bottom]], np.float64)


def move_points(points: np.ndarray, transform: np.ndarray) -> np.ndarray:
    """Map (N, 2) photo points through a (2, 3) transform: (N, 2) float32."""
    return (points @ transform[:, :2].T + transform[:, 2]).astype(np.float32)


def move_keypoints(keypoints: np.ndarray, transform: np.ndarray) -> np.ndarray:
    """Map (17, 3) joints to the frame; joints without confidence become zeros."""
    known = keypoints[:, 2] > 0
    moved = np.zeros_like(keypoints, dtype=np.float32)
    moved[known, :2] = move_points(keypoints[known, :2], transform)
    moved[known, 2] = keypoints[known, 2]
    return moved


def _joints(keypoints: np.ndarray, *joints: int) -> np.ndarray:
    """(n, 2) places of those of the joints that were seen."""
    chosen = keypoints[list(joints)]
    return chosen[chosen[:, 2] >= SEEN, :2]


def _touches_bottom(mask: np.ndarray) -> bool:
    """Whether the figure runs out of the photo at the bottom, on more than a tenth of its width."""
    edge = max(1, round(0.005 * mask.shape[0]))
    width = int(mask.any(axis=0).sum())
    return bool(mask[-edge:].any(axis=0).sum() > 0.1 * width)


def _head_top(mask: np.ndarray, keypoints: np.ndarray, mask_top: float) -> float:
    """y of the top of the head: up from the face through the mask, so that raised arms do not count."""
    head = _joints(keypoints, *HEAD)
    shoulders = _joints(keypoints, LEFT_SHOULDER, RIGHT_SHOULDER)
    if not len(head) or not len(shoulders):
        return mask_top
    x, y = head.mean(axis=0)
    neck = max(float(shoulders[:, 1].mean() - y), 0.03 * mask.shape[0])
    reach = max(2, round(0.5 * neck))
    columns = mask[:, max(0, round(x) - reach) : round(x) + reach + 1].mean(axis=1) > 0.15
    row = int(np.clip(round(y), 0, mask.shape[0] - 1))
    while row > 0 and columns[row - 1]:
        row -= 1
    return float(np.clip(row, max(mask_top, y - 2.2 * neck), y))


def _feet(keypoints: np.ndarray, top: float, mask_bottom: float, touches: bool) -> tuple[float, bool]:
    """(y of the soles or of the lowest visible part, whether the legs are cut off)."""
    ankles = _joints(keypoints, LEFT_ANKLE, RIGHT_ANKLE)
    if len(ankles):
        lowest = float(ankles[:, 1].max())
        return min(mask_bottom, lowest + FOOT_BELOW_ANKLE * (mask_bottom - top)), False
    if touches:
        return mask_bottom, True
    knees = _joints(keypoints, LEFT_KNEE, RIGHT_KNEE)
    if not len(knees):
        return mask_bottom, True
    shins = (mask_bottom - float(knees[:, 1].max())) / max(mask_bottom - top, 1.0)
    return mask_bottom, shins < 0.5 * SHIN


def _length(keypoints: np.ndarray, upper: int, lower: int) -> float:
    """Distance of two joints in photo pixels, 0 where one was not seen."""
    ends = _joints(keypoints, upper, lower)
    return float(np.linalg.norm(ends[0] - ends[1])) if len(ends) == 2 else 0.0


def _stature(keypoints: np.ndarray, top: float) -> float:
    """Height standing straight, from the lengths of the limbs that are seen; 0 where none is."""
    shoulders, hips = _joints(keypoints, LEFT_SHOULDER, RIGHT_SHOULDER), _joints(keypoints, LEFT_HIP, RIGHT_HIP)
    parts: list[tuple[float, float]] = []
    if len(shoulders):
        parts.append((float(shoulders[:, 1].mean()) - top, HEAD_TO_SHOULDER))
    if len(shoulders) and len(hips):
        parts.append((float(np.linalg.norm(shoulders.mean(axis=0) - hips.mean(axis=0))), TORSO))
    thigh = max(_length(keypoints, LEFT_HIP, LEFT_KNEE), _length(keypoints, RIGHT_HIP, RIGHT_KNEE))
    shin = max(_length(keypoints, LEFT_KNEE, LEFT_ANKLE), _length(keypoints, RIGHT_KNEE, RIGHT_ANKLE))
    parts += [(length, share) for length, share in ((thigh, THIGH), (shin, SHIN)) if length > 0]
    known = sum(share for _, share in parts)
    along = sum(length for length, _ in parts) / known if known else 0.0
    return max(along, _length(keypoints, LEFT_SHOULDER, RIGHT_SHOULDER) / SHOULDER_WIDTH)

"""Fill in what a figure hides: patches from elsewhere in the picture, coarse to fine.

Notation (after Wexler, Shechtman, Irani 2007, "Space-Time Completion of Video"): every patch that touches the hole
looks for its most similar patch among those that do not; each hole pixel becomes the mean of what the patches
over it propose. This is repeated on a pyramid, from a picture of 64 pixels up.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.spatial import cKDTree

PATCH = 7  # pixels, odd
COARSEST = 64  # pixels of the longer side
SEARCHED = 128  # pixels up to which patches are searched; finer levels copy from the places found there
_MOST_SOURCES = 6000  # patches of a level to choose from; more only cost time
_TRUST = 1.3  # a patch counts this much less per pixel that its centre lies inside the hole (Wexler et al.'s gamma)
_COMPONENTS = 12  # principal components by which patches are compared
_ROUNDS = {0: 5, 1: 2}  # search rounds per level from the coarsest; later levels one


def fill_hole(picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Fill the hole from its surroundings.

    Args:
        picture: (H, W, 3) float32 in [0, 1].
        hole: (H, W) bool; where it is False the picture is returned as it is.

    Returns:
        (H, W, 3) float32. A picture that is nearly all hole comes back streaked.
    """
    if not hole.any():
        return picture.copy()
    levels = _pyramid(picture, hole)
    filled = _bridge(*levels[0])
    for depth, (image, missing) in enumerate(levels):
        guess = cv2.resize(filled, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        filled = np.where(missing[..., None], guess, image).astype(np.float32)
        known = _patches_without(missing)
        if len(known) < 50:
            continue
        for _ in range(_ROUNDS.get(depth, 1)):
            filled = _vote(filled, missing, known)
    return _finish(picture, hole, filled)


def _pyramid(picture: np.ndarray, hole: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """(image, missing) from COARSEST to SEARCHED pixels, or to the picture's own size."""
    longest = max(picture.shape[:2])
    levels = []
    side = COARSEST
    while True:
        ratio = min(1.0, side / longest)
        size = (max(PATCH + 1, round(picture.shape[1] * ratio)), max(PATCH + 1, round(picture.shape[0] * ratio)))
        missing = cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.01
        known = (~hole).astype(np.float32)
        weight = cv2.resize(known, size, interpolation=cv2.INTER_AREA)[..., None]
        image = cv2.resize(picture * known[..., None], size, interpolation=cv2.INTER_AREA) / np.maximum(weight, 1e-3)
        levels.append((image.astype(np.float32), missing))
        if side >= min(SEARCHED, longest):
            return levels
        side *= 2


def _bridge(image: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """First guess: join the colours left and right of the hole, row by row.

    A figure leaves a tall hole, and what is behind it (floor, wall, horizon) mostly runs across.
    """
    known = (~missing).astype(np.float32)[..., None]
    spread = cv2.blur(known, (5, 3)).reshape(known.shape)
    edge = cv2.blur(image * known, (5, 3)) / np.maximum(spread, 1e-6)  # colours near the rim, without the hole's
    result = image.copy()
    for y in range(image.shape[0]):
        here = np.flatnonzero(~missing[y])
        gaps = np.flatnonzero(missing[y])
        if len(here) and len(gaps):
            for channel in range(3):
                result[y, gaps, channel] = np.interp(gaps, here, edge[y, here, channel])
    empty = missing.all(axis=1)
    if empty.any() and not empty.all():
        rows = np.flatnonzero(~empty)
        nearest = rows[np.abs(np.flatnonzero(empty)[:, None] - rows[None]).argmin(axis=1)]
        result[empty] = result[nearest]
    return result


def _patches_without(missing: np.ndarray) -> np.ndarray:
    """(N, 2) row, column of the centres of whole patches that do not touch the hole; a fixed choice of them."""
    touched = cv2.dilate(missing.astype(np.uint8), np.ones((PATCH, PATCH), np.uint8)) > 0
    half = PATCH // 2
    free = np.zeros_like(missing)
    free[half:-half, half:-half] = ~touched[half:-half, half:-half]
    centres = np.argwhere(free)
    if len(centres) <= _MOST_SOURCES:
        return centres
    return centres[np.sort(np.random.default_rng(0).choice(len(centres), _MOST_SOURCES, replace=False))]


def _gather(image: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """(N, PATCH * PATCH * 3) patches around the (N, 2) centres."""
    half = PATCH // 2
    windows = np.lib.stride_tricks.sliding_window_view(image, (PATCH, PATCH, 3))  # (H-6, W-6, 1, 7, 7, 3)
    chosen = windows[centres[:, 0] - half, centres[:, 1] - half, 0]  # (N, 7, 7, 3)
    return chosen.reshape(len(centres), -1)


def _vote(image: np.ndarray, missing: np.ndarray, known: np.ndarray) -> np.ndarray:
    """One round: find the nearest known patch of every patch over the hole, and average the proposals."""
    half = PATCH // 2
    touched = cv2.dilate(missing.astype(np.uint8), np.ones((PATCH, PATCH), np.uint8)) > 0
    inner = np.zeros_like(missing)
    inner[half:-half, half:-half] = True
    targets = np.argwhere(touched & inner)
    source, query = _gather(image, known), _gather(image, targets)
    mean = source.mean(axis=0)
    _, _, axes = np.linalg.svd((source - mean)[:: max(1, len(source) // 2000)], full_matrices=False)
    axes = axes[:_COMPONENTS].T
    distance, nearest = cKDTree((source - mean) @ axes).query((query - mean) @ axes, eps=0.5)
    spread = max(float(np.percentile(distance, 50)) ** 2, 1e-6)
    depth = cv2.distanceTransform(missing.astype(np.uint8), cv2.DIST_L2, 5)[targets[:, 0], targets[:, 1]]
    weights = (np.exp(-(distance**2) / (2 * spread)) * _TRUST**-depth + 1e-6).astype(np.float32)
    total, mass = np.zeros_like(image), np.zeros(image.shape[:2], np.float32)
    proposals = source[nearest].reshape(-1, PATCH, PATCH, 3)
    for dy in range(PATCH):
        for dx in range(PATCH):
            rows, columns = targets[:, 0] + dy - half, targets[:, 1] + dx - half
            np.add.at(total, (rows, columns), proposals[:, dy, dx] * weights[:, None])
            np.add.at(mass, (rows, columns), weights)
    voted = total / np.maximum(mass, 1e-6)[..., None]
    return np.where((missing & (mass > 0))[..., None], voted, image).astype(np.float32)


def _finish(picture: np.ndarray, hole: np.ndarray, filled: np.ndarray) -> np.ndarray:
    """Bring the fill to the picture's size and blend it in over two pixels, so that no outline shows."""
    large = cv2.resize(filled, picture.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    share = cv2.GaussianBlur(cv2.dilate(hole.astype(np.float32), np.ones((3, 3))), (0, 0), 1.0)
    share = np.where(hole, 1.0, share)[..., None]
    return np.clip(large * share + picture * (1 - share), 0, 1).astype(np.float32)

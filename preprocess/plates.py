"""Studio backgrounds, drawn in code: float32 RGB in [0, 1], 256 x 256 or finer, in the manner of AIST++'s white studio.

Every plate has its floor meet the wall at about three quarters of the height, so that a dancer whose soles are at
y = 240 stands on it. Lights are shadowless: contact shadows belong to the renderer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np

SIDE = 256
_FINE = 2  # plates are drawn on a grid this many times finer than they become
HORIZON = 0.74  # of the height: where floor and wall meet

Colour = tuple[float, float, float]


def _grid(n: int) -> tuple[np.ndarray, np.ndarray]:
    """x in [-1, 1] and y in [0, 1] of the pixel centres of an n x n grid: two (n, n) arrays."""
    places = (np.arange(n, dtype=np.float32) + 0.5) / n
    y, x = np.meshgrid(places, places * 2 - 1, indexing="ij")
    return x, y


def _step(values: np.ndarray, start: float, end: float) -> np.ndarray:
    """Smooth step from 0 at ``start`` to 1 at ``end``."""
    t = np.clip((values - start) / (end - start), 0, 1)
    return t * t * (3 - 2 * t)


def _mix(a: np.ndarray | Colour, b: np.ndarray | Colour, share: np.ndarray) -> np.ndarray:
    """a where ``share`` (H, W) is 0, b where it is 1: (H, W, 3)."""
    weight = share[..., None]
    return np.asarray(a, np.float32) * (1 - weight) + np.asarray(b, np.float32) * weight


def _pool(x: np.ndarray, y: np.ndarray, centre: tuple[float, float], radius: tuple[float, float]) -> np.ndarray:
    """A soft elliptic pool of light: 1 in its centre, falling off like a Gaussian."""
    return np.exp(-(((x - centre[0]) / radius[0]) ** 2 + ((y - centre[1]) / radius[1]) ** 2)).astype(np.float32)


def _noise(n: int, seed: int, cells: tuple[int, int]) -> np.ndarray:
    """Smooth noise in [-1, 1] on an n x n grid, with about ``cells`` (rows, columns) bumps."""
    coarse = np.random.default_rng(seed).uniform(-1, 1, cells).astype(np.float32)
    return cv2.resize(coarse, (n, n), interpolation=cv2.INTER_CUBIC)


def _cyclorama(n: int, wall: Colour, floor: Colour, glow: float) -> np.ndarray:
    """A wall that curves into the floor without an edge, lit evenly from above."""
    x, y = _grid(n)
    picture = _mix(wall, floor, _step(y, HORIZON - 0.06, HORIZON + 0.12))
    curve = np.exp(-(((y - HORIZON - 0.01) / 0.045) ** 2))
    light = 1 + glow * _pool(x, y, (0, 0.35), (0.9, 0.5)) + 0.5 * glow * _pool(x, y, (0, 0.95), (0.8, 0.12))
    light *= 1 - 0.035 * curve - 0.10 * _step(np.abs(x), 0.55, 1.15) - 0.05 * _step(0.25 - y, 0, 0.3)
    return picture * light[..., None]


def _white_studio(n: int) -> np.ndarray:
    return _cyclorama(n, (0.86, 0.865, 0.87), (0.80, 0.805, 0.81), 0.07)


def _grey_studio(n: int) -> np.ndarray:
    return _cyclorama(n, (0.50, 0.505, 0.52), (0.43, 0.435, 0.45), 0.22)


def _warm_studio(n: int) -> np.ndarray:
    return _cyclorama(n, (0.83, 0.70, 0.57), (0.74, 0.60, 0.47), 0.14)


def _floor_depth(y: np.ndarray, horizon: float) -> np.ndarray:
    """Distance along a level floor seen from eye height, 1 at the frame's bottom edge, growing towards the horizon."""
    return (1 - horizon + 0.22) / np.maximum(y - horizon + 0.22, 1e-3)


def _planks(n: int, light: Colour, dark: Colour, seed: int) -> np.ndarray:
    """Wooden boards running away from the viewer, with grain and varying tone: (H, W, 3)."""
    x, y = _grid(n)
    depth = _floor_depth(y, HORIZON)
    across = x * depth * 5.0
    board = np.floor(across).astype(int)
    tones = np.random.default_rng(seed).uniform(0.0, 1.0, 64).astype(np.float32)
    along = depth * 3.0 + tones[(board + 7) % 64] * 5
    tone = tones[(board * 5 + np.floor(along).astype(int) * 11) % 64]
    grain = 0.5 * _noise(n, seed + 1, (24, 220)) + 0.5 * _noise(n, seed + 2, (10, 120))
    picture = _mix(dark, light, np.clip(0.35 + 0.45 * tone + 0.12 * grain, 0, 1))
    seam = np.exp(-(((across - np.round(across)) / 0.035) ** 2))
    return picture * (1 - 0.35 * seam - 0.10 * _step(depth, 1.6, 2.4))[..., None]


def _wood_floor(n: int) -> np.ndarray:
    x, y = _grid(n)
    wall = _mix((0.80, 0.79, 0.77), (0.90, 0.89, 0.87), _pool(x, y, (0, 0.3), (1.0, 0.5)))
    board = _step(y, HORIZON - 0.035, HORIZON - 0.03) * (1 - 0.5 * _step(y, HORIZON - 0.006, HORIZON))
    wall = _mix(wall, (0.95, 0.945, 0.93), board)
    light = 0.95 + 0.15 * _pool(x, y, (0, 0.9), (0.8, 0.2))
    floor = _planks(n, (0.78, 0.59, 0.40), (0.60, 0.42, 0.26), 3) * light[..., None]
    return _mix(wall, floor, _step(y, HORIZON - 0.002, HORIZON + 0.002))


def _mirror_hall(n: int) -> np.ndarray:
    x, y = _grid(n)
    back = _mix((0.66, 0.71, 0.75), (0.80, 0.83, 0.85), _step(y, 0.0, 0.6))
    windows = _step(np.cos(x * np.pi * 2.5 + 0.6), 0.15, 0.5) * _step(y, 0.12, 0.16) * (1 - _step(y, 0.46, 0.5))
    back = _mix(back, (0.95, 0.97, 0.98), 0.8 * windows)
    planks = _planks(n, (0.72, 0.55, 0.39), (0.56, 0.41, 0.28), 5)
    room = _mix(back, (0.60, 0.52, 0.45), 0.7 * _step(y, 0.60, 0.64))  # what is seen in the glass
    wall = cv2.GaussianBlur(room, (0, 0), 2.0 * n / SIDE)
    frames = np.exp(-(((x * 2.5 - np.round(x * 2.5)) / 0.02) ** 2))
    wall = wall * (1 - 0.30 * frames)[..., None]
    for height, strength in ((0.50, 0.75), (0.56, 0.55)):
        rail = np.exp(-(((y - height) / 0.006) ** 2)) * strength
        wall = _mix(wall, (0.50, 0.36, 0.24), rail)
    wall = _mix(wall, (0.90, 0.89, 0.87), _step(y, HORIZON - 0.028, HORIZON - 0.022))
    floor = planks * (0.97 + 0.12 * _pool(x, y, (0, 0.9), (0.9, 0.2)))[..., None]
    return _mix(wall, floor, _step(y, HORIZON - 0.002, HORIZON + 0.002))


def _blue_stage(n: int) -> np.ndarray:
    x, y = _grid(n)
    wall = _mix((0.04, 0.09, 0.26), (0.10, 0.34, 0.72), _pool(x, y, (0, 0.5), (0.75, 0.42)))
    for start, lean, strength in ((-0.75, 0.55, 0.20), (0.75, -0.55, 0.20), (-0.25, 0.12, 0.12), (0.25, -0.12, 0.12)):
        beam = np.exp(-(((x - start - lean * y) / (0.05 + 0.16 * y)) ** 2)) * (1 - _step(y, 0.25, 0.8))
        wall = wall + (strength * beam)[..., None] * np.array([0.55, 0.8, 1.0], np.float32)
    gloss = wall[::-1][np.clip(((y[:, 0] - HORIZON) * 2.2 * wall.shape[0]).astype(int), 0, wall.shape[0] - 1)]
    floor = _mix((0.05, 0.10, 0.26), (0.14, 0.36, 0.70), _pool(x, y, (0, 0.93), (0.65, 0.10))) * 0.85 + gloss * 0.12
    return _mix(wall, floor, _step(y, HORIZON - 0.015, HORIZON + 0.015))


def _dark_stage(n: int) -> np.ndarray:
    x, y = _grid(n)
    folds = 0.5 + 0.5 * np.cos(x * 46 + 1.5 * np.sin(x * 9))
    wall = _mix((0.035, 0.033, 0.040), (0.085, 0.075, 0.085), folds * (1 - _step(y, 0.5, 0.78)))
    cone = np.exp(-((x / (0.10 + 0.48 * y)) ** 4)) * (0.25 + 0.75 * _step(y, -0.1, 0.9))
    wall = wall + (0.13 * cone)[..., None] * np.array([1.0, 0.95, 0.85], np.float32)
    pool = _pool(x, y, (0, 0.93), (0.60, 0.085))
    floor = _mix((0.07, 0.065, 0.06), (0.74, 0.68, 0.58), np.clip(pool * 1.25, 0, 1) ** 1.2)
    return _mix(wall, floor, _step(y, HORIZON - 0.01, HORIZON + 0.02))


def _neon_stage(n: int) -> np.ndarray:
    x, y = _grid(n)
    wall = _mix((0.10, 0.04, 0.18), (0.30, 0.08, 0.36), _pool(x, y, (0, 0.45), (0.9, 0.5)))
    pink, cyan = (1.0, 0.25, 0.75), (0.3, 0.75, 1.0)
    for place, colour in ((-0.82, pink), (-0.62, cyan), (0.62, cyan), (0.82, pink)):
        tube = (1 - _step(np.abs(y - 0.38), 0.28, 0.30)) * np.exp(-(((x - place) / 0.012) ** 2))
        halo = (1 - _step(np.abs(y - 0.38), 0.22, 0.42)) * np.exp(-(((x - place) / 0.10) ** 2))
        wall = wall + (0.9 * tube + 0.30 * halo)[..., None] * np.array(colour, np.float32)
    floor = _mix((0.09, 0.04, 0.15), (0.36, 0.14, 0.42), _pool(x, y, (0, 0.94), (0.8, 0.12)))
    for place, colour in ((-0.72, (0.65, 0.5, 0.9)), (0.72, (0.65, 0.5, 0.9))):
        shine = np.exp(-(((x - place * (1 + 0.25 * (y - HORIZON))) / 0.14) ** 2)) * (1 - _step(y, HORIZON, 1.0))
        floor = floor + (0.28 * shine)[..., None] * np.array(colour, np.float32)
    return _mix(wall, floor, _step(y, HORIZON - 0.004, HORIZON + 0.004))


_DRAWERS: Mapping[str, Callable[[int], np.ndarray]] = MappingProxyType(
    {
        "white-studio": _white_studio,
        "grey-studio": _grey_studio,
        "warm-studio": _warm_studio,
        "wood-floor": _wood_floor,
        "mirror-hall": _mirror_hall,
        "blue-stage": _blue_stage,
        "dark-stage": _dark_stage,
        "neon-stage": _neon_stage,
    }
)
PLATES: tuple[str, ...] = tuple(_DRAWERS)
DEFAULT_PLATE = PLATES[0]


def draw_plate(name: str, side: int = SIDE) -> np.ndarray:
    """A studio plate by name (one of ``PLATES``): (side, side, 3) float32 in [0, 1], the same every time.

    Raises:
        KeyError: unknown name.
    """
    fine = np.clip(_DRAWERS[name](side * _FINE), 0, 1).astype(np.float32)
    return np.clip(cv2.resize(fine, (side, side), interpolation=cv2.INTER_AREA), 0, 1)

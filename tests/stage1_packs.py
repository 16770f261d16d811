"""Small packs of pairs with a known truth: a textured patch that slides, and the body that goes with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from needs import missing

from dabfusion.errors import UserError
from dabfusion.skeleton import encode_pose, forward_kinematics, leg_length
from dabfusion.studio.dataset import ARRAYS, DRIVES_PER_CLIP
from dabfusion.studio.figure import procedural_figure
from dabfusion.studio.renderer import Renderer

TOP, BOTTOM, LEFT, RIGHT = 48, 240, 88, 168  # of the patch, pixels


def renderer_or_skip() -> Renderer:
    """A renderer; skips the test where there is no OpenGL."""
    try:
        return Renderer()
    except UserError as error:
        missing(str(error))


def sliding_clip(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A patch of random colours, and the same slid by whole cells; flow, code and points say so exactly."""
    offsets = (procedural_figure().offsets * 0.8).astype(np.float32)
    leg = float(leg_length(torch.from_numpy(offsets)[None])[0])
    identity = np.tile(np.eye(3), (19, 1, 1))
    picture = np.zeros((256, 256, 4), np.uint8)
    colours = rng.integers(30, 255, ((BOTTOM - TOP) // 16, (RIGHT - LEFT) // 16, 3))
    picture[TOP:BOTTOM, LEFT:RIGHT, :3] = colours.repeat(16, 0).repeat(16, 1)
    picture[TOP:BOTTOM, LEFT:RIGHT, 3] = 255
    coverage = picture[1::2, 1::2, 3]
    clip: dict[str, list[np.ndarray]] = {name: [] for name in ARRAYS}
    for _ in range(DRIVES_PER_CLIP):
        cells = np.array([rng.integers(-32, 33), rng.integers(-16, 8)])
        shift = cells * 2 * 2 / 256  # normalised units
        clip["drive_rgba"].append(np.roll(picture, (cells[1] * 2, cells[0] * 2), (0, 1)))
        moved = np.roll(coverage, (cells[1], cells[0]), (0, 1))
        clip["flow"].append(np.where(moved[..., None] > 0, -shift, 0.0))
        clip["visible"].append(moved)
        clip["coverage"].append(moved)
        code = encode_pose(identity, np.array([shift[0] / leg, -shift[1] / leg, 0.0]))
        clip["drive_code"].append(code)
        clip["drive_points"].append(_points(code, offsets))
    start = encode_pose(identity, np.zeros(3))
    single = {
        "start_rgba": picture, "start_code": start, "start_points": _points(start, offsets), "offsets": offsets,
        "camera": np.float32(1e4),
    }  # fmt: skip
    return {k: np.asarray(single.get(k, clip[k])).astype(dtype) for k, (_, dtype) in ARRAYS.items()}


def write_sliding_pack(folder: Path, clips: int = 4, seed: int = 0) -> Path:
    """A pack of one shard of :func:`sliding_clip`; returns its folder."""
    rng = np.random.default_rng(seed)
    made = [sliding_clip(rng) for _ in range(clips)]
    (folder / "0000").mkdir(parents=True)
    for name in ARRAYS:
        np.save(folder / "0000" / f"{name}.npy", np.stack([c[name] for c in made]))
    return folder


def _points(code: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    return forward_kinematics(torch.from_numpy(code), torch.from_numpy(offsets), torch.zeros(3)).numpy()
